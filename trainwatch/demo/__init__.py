"""A small real training to watch, in pure Python."""
