"""How a person last looked at the checkpoints of a run: what best means, and which were marked.

The law of this file: it lies in our own state, never beside a run, private and replaced as a whole.
What cannot be read is as if nothing had been kept, and what cannot be written is kept by the screen
alone. The file can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.probe import runs

if TYPE_CHECKING:
    from trainwatch.facts import Target

_NAME = "checkpoints.json"
_MOST = 200  # runs
_LARGEST = 4 << 20  # bytes; more than that was not written here


class Taste(NamedTuple):
    """What is remembered of one run."""

    measure: str  # as in CheckpointsView
    marked: tuple[str, ...]  # paths


def place_of(target: Target, host: str) -> str:
    """What is the same when the same run, or else the same folder, is looked at again."""
    where = [target.id] if target.id else [*target.roots, target.cwd]
    told = json.dumps([host or target.host, *where])
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()


class Memory:
    """The tastes of all runs, the one that changed last at the end."""

    def __init__(self) -> None:
        self._path = os.path.join(runs.state_folder(), _NAME)

    def recall(self, place: str) -> Taste | None:
        """What was kept; None for nothing."""
        found = self._read().get(place)
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            return None
        return Taste(found[0], tuple(found[1:])) if found else None

    def keep(self, place: str, taste: Taste) -> None:
        """For the next time."""
        known = self._read()
        known.pop(place, None)
        known[place] = [taste.measure, *taste.marked]
        data = json.dumps(dict(list(known.items())[-_MOST:])).encode("ascii")
        draft = f"{self._path}.{os.getpid()}"
        with suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            runs.write_private(draft, data)
            os.replace(draft, self._path)

    def _read(self) -> dict[str, object]:
        with suppress(OSError, ValueError, RecursionError), open(self._path, "rb") as file:
            found = json.loads(file.read(_LARGEST))
            return found if isinstance(found, dict) else {}
        return {}
