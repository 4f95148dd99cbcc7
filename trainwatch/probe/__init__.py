"""Everything that touches the machine where the training runs (ring 0: standard library, Python 3.6)."""
