"""Run trainwatch as ``python -m trainwatch``."""

import sys

from trainwatch.cli.main import main

sys.exit(main())
