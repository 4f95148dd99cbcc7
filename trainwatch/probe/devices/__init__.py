"""Accelerators: one family per file."""
