"""The way out: facts become frames on one file descriptor.

The law of this file: one frame at a time, whoever sends it, and nothing is buffered: a full pipe
makes the sender wait, which is the flow control of the whole program. When nobody reads any more
everything that is still said is dropped.
"""

import os
import threading
import time
from typing import Any

from trainwatch import facts, wire


class Output:
    """Where facts go. May be used from any thread."""

    def __init__(self, fd: int) -> None:
        self.lost = False  # nobody reads any more
        self._fd = fd
        self._lock = threading.Lock()

    def start(self) -> None:
        """Say that a trainwatch stream begins here."""
        self._write(wire.MAGIC)

    def send(self, fact: Any) -> None:
        """Send one fact, waiting for the reader where the pipe is full."""
        try:
            head, raw = wire.pieces(fact)
        except wire.WireError as error:
            head, raw = wire.pieces(facts.Trouble("wire", str(error), "", time.time()))
        with self._lock:
            self._write(head)
            self._write(raw)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and not self.lost:
                view = view[os.write(self._fd, view) :]
        except OSError:
            self.lost = True
