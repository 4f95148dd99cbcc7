"""Checkpoint layouts: one per file."""
