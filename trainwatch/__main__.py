"""Run trainwatch as ``python -m trainwatch``."""

import sys

from trainwatch.cli import main

sys.exit(main())
