"""Facts become records. No machine, no clock, no I/O."""
