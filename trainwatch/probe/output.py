"""The way out: facts become frames on one file descriptor.

The law of this file: one frame at a time, whoever sends it, and nothing is buffered: a full pipe
makes the sender wait, which is the flow control of the whole program. When nobody reads any more
there is nothing left to do, so the process ends there and then.
"""

import os
import threading
import time
from typing import Any

from trainwatch import facts, wire


class Output:
    """Where facts go. May be used from any thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def start(self) -> None:
        """Say that a trainwatch stream begins here."""
        self._write(wire.MAGIC)

    def send(self, fact: Any) -> None:
        """Send one fact, waiting for the reader where the pipe is full."""
        try:
            frame = wire.encode(fact)
        except wire.WireError as error:
            frame = wire.encode(facts.Trouble("wire", str(error), "", time.time()))
        with self._lock:
            self._write(frame)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os._exit(0)
