"""A conversation: recorded, and played as if it were live.

The law of this file: the same facts in the same order as they were recorded, so that a replay ends
in the same state. Time passes as the facts tell it (``at``), divided by the speed; the wall clock of
the replay never enters a fact. A journal that is cut is played up to the cut, and says so.
"""

from __future__ import annotations

import threading
import time
from typing import IO, TYPE_CHECKING, Any

from trainwatch import facts, wire
from trainwatch.link.inbox import Inbox, only_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BLOCK = 1 << 18


class Recording:
    """A journal being written at ``path``. Raises OSError when it cannot be created."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = path.open("wb", buffering=0)
        self._file.write(wire.MAGIC)

    def write(self, fact: Any) -> facts.Trouble | None:
        """Add one fact. The trouble with which the journal ends, where it cannot be written."""
        if self._file is None:
            return None
        try:
            self._file.write(wire.encode(fact))
        except OSError as error:
            self.close()
            text = f"the journal {self._path} ends here: {error.strerror}"
            return facts.Trouble("journal", text, "free some space", time.time())
        return None

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            self._file.close()
            self._file = None


class JournalLink:
    """Plays the journal at ``path``. ``speed`` 1 = as it happened, 10 = ten times faster, 0 = at once."""

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        self._path = path
        self._speed = speed
        self._inbox = Inbox()
        self._go = threading.Event()
        self._closing = False
        self._began = 0.0  # on our clock
        self._first = self._latest = 0.0  # on the journal's
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def open(self, wake: Callable[[], None]) -> None:
        """Begin to play."""
        self._inbox.open(wake, self._go.set)
        self._thread.start()

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts, in order; never blocks."""
        return self._inbox.take(limit)

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the journal is played; False when the time ran out."""
        return self._inbox.wait(timeout)

    def send(self, request: Any) -> None:
        """Nobody answers here."""

    @property
    def closed(self) -> bool:
        """Everything has been played and taken."""
        return self._inbox.closed

    def close(self) -> None:
        """Stop playing."""
        self._closing = True
        self._go.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    # --- what follows runs in the link's own thread

    def _run(self) -> None:
        try:
            with self._path.open("rb") as file:
                self._play(file)
        except OSError as error:
            self._say("target", f"{self._path} cannot be read: {error.strerror}")
        self._inbox.end()

    def _play(self, file: IO[bytes]) -> None:
        self._began = time.monotonic()
        try:
            for batch in _batches(file):
                for moment in self._moments(batch):
                    if self._closing:
                        return
                    self._inbox.put(moment)
                    self._await_room()
        except wire.WireError as error:
            if self._latest:
                text = f"{self._path.name} is cut or damaged here; this is all it holds ({error})"
                self._say("journal", text)
            else:
                self._say("target", f"{self._path} is not a journal: {error}")

    def _moments(self, batch: list[Any]) -> Iterator[list[Any]]:
        """The facts of a batch in groups, each when its time has come."""
        if not self._speed:
            self._latest = max([self._latest, *(fact.at for fact in batch)])
            yield batch
            return
        for fact in batch:
            self._latest = max(self._latest, fact.at)
            self._first = self._first or fact.at
            due = self._began + (self._latest - self._first) / self._speed
            self._rest_until(due)
            yield [fact]

    def _rest_until(self, due: float) -> None:
        while not self._closing and time.monotonic() < due:
            self._go.wait(max(0.0, min(due - time.monotonic(), 60.0)))
            self._go.clear()

    def _await_room(self) -> None:
        while self._inbox.full and not self._closing:
            self._go.wait(60.0)
            self._go.clear()

    def _say(self, where: str, text: str) -> None:
        self._inbox.put([facts.Trouble(where, text, "", self._latest)])


def _batches(file: IO[bytes]) -> Iterator[list[Any]]:
    """The facts of a journal. Raises WireError where it is cut or damaged."""
    decoder = wire.Decoder()
    while data := file.read(BLOCK):
        yield only_facts(decoder.feed(data))
    decoder.finish()
