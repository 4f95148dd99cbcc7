"""Where bytes come from: one way to get them per file."""
