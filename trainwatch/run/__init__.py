"""The only changing state, and what it means."""
