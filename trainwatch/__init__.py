"""trainwatch: watch a model training live in the terminal."""

__version__ = "0.1.0"
