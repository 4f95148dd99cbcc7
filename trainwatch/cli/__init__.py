"""The command line: one verb group per file. It stands over all stages and may import any."""
