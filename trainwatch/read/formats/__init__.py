"""Log dialects: one per file, each with its SAMPLES."""
