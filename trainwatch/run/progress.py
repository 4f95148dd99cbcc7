"""Which of the printed counters is the training's own, and where it stands.

The law of this file: a counter is known by its label (numbers in it taken out) and its total. A
counter that is redrawn right after a line of training numbers is the training's own (the Trainer
redraws its bar after each record); until one did, the longest one that is not known to be
something else is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from trainwatch.read.records import Progress

_OTHER_WORK = re.compile(
    r"eval|valid|test|predict|sanity|generat|infer|download|upload|fetch|load|shard|writing|saving"
    r"|map|filter|token|pack|generating|resolving|files|convert|extract|truncat|casting|adding|creat",
    re.IGNORECASE,
)

_Kind: TypeAlias = tuple[str, str, "float | None", str]


@dataclass
class _Counter:
    votes: int = 0
    newest: Progress | None = None


class ProgressState(NamedTuple):
    """Where the training stands. Everything is None until something told it."""

    done: float | None = None
    total: float | None = None
    epoch: float | None = None
    epochs: float | None = None
    unit: str = "step"
    elapsed: float | None = None
    remaining: float | None = None
    rate: float | None = None
    at: float | None = None

    @property
    def fraction(self) -> float | None:
        """Done of total, 0..1."""
        if self.done is None or not self.total:
            return None
        return min(self.done / self.total, 1.0)


class Counters:
    """Every counter met, and which of them is the training's own."""

    def __init__(self) -> None:
        self._known: dict[_Kind, _Counter] = {}
        self._asked: set[str] = set()

    def row(self, source: str) -> None:
        """A line of training numbers was read: the next counter of ``source`` speaks for it."""
        self._asked.add(source)

    def see(self, progress: Progress) -> bool:
        """Take in a counter; True when it is the training's own."""
        kind = _kind(progress)
        counter = self._known.setdefault(kind, _Counter())
        counter.newest = progress
        if progress.source in self._asked:
            self._asked.discard(progress.source)
            if not _other(progress):
                counter.votes += 1
        return self.own() is progress

    def own(self) -> Progress | None:
        """The newest state of the training's own counter."""
        found = [c for c in self._known.values() if c.newest is not None and not _other(c.newest)]
        best = max(
            found,
            key=lambda c: (c.votes, (c.newest.total or 0) if c.newest else 0),
            default=None,
        )
        return best.newest if best else None


def _kind(progress: Progress) -> _Kind:
    return progress.source, re.sub(r"\d+", "", progress.label), progress.total, progress.unit


def _other(progress: Progress) -> bool:
    return (
        progress.split != "train"
        or progress.unit == "other"
        or bool(_OTHER_WORK.search(progress.label))
    )
