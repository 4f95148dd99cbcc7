"""Metric files: one format per file."""
