"""Gold-set results: one shape per file."""
