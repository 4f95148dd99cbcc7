"""Several links that are one: a job on its machines, a container and its engine.

The law of this file: facts of one source stay in their order, each is passed on as that source's own
method says. Wishes to the person always pass and are in no journal.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch.link.journal import Recording
from trainwatch.link.person import WISHES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Source(NamedTuple):
    """Where facts come from."""

    take: Callable[[int], list[Any]]
    passed: Callable[[Any], list[Any]]  # what becomes of one of them


class Joined:
    """What a Link does, but for ``send``, ``closed`` and how its sources are opened."""

    def __init__(self, record: Path | None) -> None:
        self._record = record
        self._recording: Recording | None = None
        self._sources: list[Source] = []
        self._news = threading.Event()
        self._wake: Callable[[], None] = _nobody

    def open(self, wake: Callable[[], None]) -> None:
        """Start. ``wake`` is called from other threads. Raises OSError without a journal."""
        if self._record is not None:
            self._recording = Recording(self._record)
        self._wake = wake

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts of each source and what follows from them; never blocks."""
        self._news.clear()
        found: list[Any] = []
        for source in tuple(self._sources):
            taken = source.take(limit)
            if len(taken) >= limit:
                self._news.set()
            for fact in taken:
                found += [fact] if isinstance(fact, WISHES) else source.passed(fact)
        return self._recorded([*found, *self._due()])

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the link is closed; False when the time ran out."""
        return self._news.wait(timeout)

    def close(self) -> None:
        """Nothing more is recorded."""
        if self._recording is not None:
            self._recording.close()

    def _ring(self) -> None:
        """A source has facts. Called from any thread."""
        self._news.set()
        self._wake()

    def _due(self) -> Iterable[Any]:
        """What is to be told now, though no source says it."""
        return ()

    def _recorded(self, found: list[Any]) -> list[Any]:
        journal = self._recording
        if journal is None:
            return found
        written = (journal.write(fact) for fact in found if not isinstance(fact, WISHES))
        return found + [trouble for trouble in written if trouble is not None]


def _nobody() -> None:
    """Nobody listens yet."""
