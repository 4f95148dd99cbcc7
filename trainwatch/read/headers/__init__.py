"""Weight-file headers: one per file. Bytes become tensor descriptions; nothing is ever unpickled."""
