"""What is known of runs that have ended, so that a list need not read every log again.

The law of this file: a run that has ended does not change; how it is judged may. A line holds for one
run, one release and one set of thresholds. The file can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from trainwatch import __version__
from trainwatch.probe import runs

if TYPE_CHECKING:
    from trainwatch import facts
    from trainwatch.draw.shapes import Json
    from trainwatch.run.limits import Limits

_NAME = "list.json"
_MOST = 500  # runs


class Ledger:
    """The shapes of ended runs by what they depend on, the newest last."""

    def __init__(self, limits: Limits) -> None:
        self._rules = f"{__version__} {limits!r}"
        self._path = os.path.join(runs.state_folder(), _NAME)
        self._shapes: dict[str, dict[str, Json]] = {}
        self._changed = False
        with suppress(OSError, ValueError), open(self._path, encoding="utf-8") as file:
            found = json.load(file)
            if isinstance(found, dict):
                self._shapes = {k: v for k, v in found.items() if isinstance(v, dict)}

    def find(self, run: facts.RunSeen) -> dict[str, Json] | None:
        """What was put down for this run, if it still holds."""
        return self._shapes.get(self._key(run)) if run.ended is not None else None

    def put(self, run: facts.RunSeen, shape: dict[str, Json]) -> None:
        """Note the shape of a run; of one that goes on nothing is noted."""
        if run.ended is not None:
            self._shapes[self._key(run)] = shape
            self._changed = True

    def save(self) -> None:
        """Keep it for the next list. Where that cannot be done the next list reads again."""
        if not self._changed:
            return
        kept = dict(list(self._shapes.items())[-_MOST:])
        draft = f"{self._path}.{os.getpid()}"
        with suppress(OSError):
            os.makedirs(runs.state_folder(), mode=0o700, exist_ok=True)
            runs.write_private(draft, json.dumps(kept).encode("ascii"))
            os.replace(draft, self._path)

    def _key(self, run: facts.RunSeen) -> str:
        told = f"{self._rules} {run.host} {run.id} {run.ended} {run.log}"
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()
