"""Where the results of a gold set are: ``--gold PATH`` and ``[worth] gold`` of the configuration.

The law of this file: what was named and is not there is said before anything is looked at. On
another machine only its own probe can know, so there a path is taken as it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trainwatch.cli import config
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.way import NOT_FOUND

if TYPE_CHECKING:
    from trainwatch.cli.grammar import Words


def gold(words: Words, *, here: bool = True) -> tuple[str, ...]:
    """The paths, files or folders. Raises CommandError for a named one that is not there."""
    named = words.values("--gold")
    if not here:
        return tuple(named)
    missing = next((path for path in named if not os.path.exists(os.path.expanduser(path))), None)
    if missing is not None:
        raise CommandError(f"--gold {missing}: there is no such file or folder", NOT_FOUND)
    configured = [p for p in config.load({}).gold if os.path.exists(os.path.expanduser(p))]
    return tuple(os.path.abspath(os.path.expanduser(path)) for path in [*named, *configured])
