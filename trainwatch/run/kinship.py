"""Which metric files are of this run, where the folder that they lie in was only guessed.

The law of this file: a working folder may hold the files of several trainings. A file from a folder
that the command names is believed. Any other must agree with the log: two of its rows, and most of
those that can be compared, repeat what was printed. One that contradicts the log is another run's;
one that can neither be proved nor contradicted is believed when it has no rival and was not written
after the end. The Trainer prints all that it writes, so its file can wait for the proof until the run
has ended. What is left out is said, and looked at again when it or the log goes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainwatch.run.matching import agrees

if TYPE_CHECKING:
    from trainwatch.facts import Target
    from trainwatch.read.records import Metrics
    from trainwatch.run.metrics import MetricStore

_PROOF = 2  # rows
_MOST = 256  # rows that are compared
_ALWAYS_PRINTED = "trainer_state.json"
AFTERWARDS = 5.0
"""Seconds from the end on after which nobody of a run writes any more, by the clocks of two machines."""


class Kinship:
    """Tells the files of this run from those of others."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self.ended: float | None = None
        """When the run ended, in seconds since the epoch."""
        self._written: dict[str, float] = {}
        self._guessed: list[str] = []
        self._sure: list[str] = []
        self._families: set[str] = set()
        self._believed: set[str] = set()
        self._contradicted: set[str] = set()
        self._rows: dict[str, dict[tuple[str, int, float], bool | None]] = {}

    @property
    def version(self) -> tuple[int, int, int]:
        """Another one when what is told of a folder may have changed."""
        return len(self._families), len(self._believed), len(self._contradicted)

    @property
    def over(self) -> bool:
        """The run has ended: its log shows nothing more."""
        return self.ended is not None

    def target(self, target: Target) -> None:
        """Which folders there are, and which of them were guessed."""
        self._guessed = [_closed(path) for path in target.guessed]
        self._sure = [_closed(path) for path in target.roots if path not in target.guessed]

    def written(self, source: str, at: float) -> None:
        """When a file was last changed."""
        own = family(source)
        self._written[own] = max(at, self._written.get(own, at))

    def met(self, record: Metrics) -> None:
        """Rows of a file arrived; whether they are believed is asked later."""
        self._families.add(family(record.source))

    def believes(self, record: Metrics) -> bool:
        """Whether the rows are this run's, as far as can be told now."""
        own = family(record.source)
        if own in self._believed or not self.is_guessed(record.source):
            return True
        found = self._compared(own, record)
        proved = found.count(True) >= max(min(_PROOF, len(found)), found.count(False))
        waits = record.source.endswith(_ALWAYS_PRINTED) and not self.over
        alone = self._families == {own} and not is_after(self._written.get(own), self.ended)
        if proved or (False not in found and alone and not waits):
            self._believed.add(own)
            self._contradicted.discard(own)
            return True
        if False in found:
            self._contradicted.add(own)
        return False

    def _compared(self, own: str, record: Metrics) -> list[bool | None]:
        """What the log says of every row that the folder's files told so far."""
        rows = self._rows.setdefault(own, {})
        for i in range(min(len(record.steps), _MOST)):
            row = record.keys[0].key, record.steps[i], record.epochs[i]
            said = agrees(self._store, record, i)
            if row in rows or len(rows) < _MOST:
                rows[row] = rows.get(row) if said is None else said
        return list(rows.values())

    def owns(self, folder: str) -> bool | None:
        """Whether a guessed folder is this run's, by its metric files; None where they do not tell."""
        if folder in self._believed:
            return True
        beside = bool(self._believed) and folder in self._families
        return False if beside or folder in self._contradicted else None

    def is_guessed(self, source: str) -> bool:
        """Whether a file lies in no folder that the command names, but in one that was guessed."""
        if any(source.startswith(path) for path in self._sure):
            return False
        return any(source.startswith(path) for path in self._guessed)


def is_after(written: float | None, ended: float | None) -> bool:
    """Whether something was written when the run had ended."""
    return written is not None and ended is not None and written > ended + AFTERWARDS


def family(source: str) -> str:
    """The folder of the run that a metric file belongs to."""
    return re.sub(r"(/kept)?(/checkpoint-\d+)?$", "", source.rpartition("/")[0])


def _closed(path: str) -> str:
    return path.rstrip("/") + "/"
