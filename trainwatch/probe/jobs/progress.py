"""How far a job is, and whether it is still wanted.

The law of this file: everything that takes long calls ``add`` at least once per block of bytes.
"""

import time
from typing import Any, Callable

from trainwatch import facts

EVERY = 0.2  # seconds between two steps that are told


class CancelledError(Exception):
    """Nobody wants it any more."""


class RefusedError(Exception):
    """It is not done; the message says why, and what to do."""


class Progress:
    """Counts bytes and tells about it."""

    def __init__(self, job: facts.Job, send: Callable[[Any], None]) -> None:
        self.cancelled = False
        self._job = job
        self._send = send
        self._done = 0
        self._total = 0
        self._text = ""
        self._told = 0.0

    def begin(self, total: int) -> None:
        """So many bytes are to be worked through."""
        self._total = total
        self.tell()

    def about(self, text: str) -> None:
        """This is what is worked on now."""
        self._text = text

    def add(self, count: int) -> None:
        """So many bytes more are done. Raises CancelledError."""
        self._done += count
        self.check()
        if time.monotonic() - self._told > EVERY:
            self.tell()

    def check(self) -> None:
        """Raise CancelledError when it is not wanted any more."""
        if self.cancelled:
            raise CancelledError

    def send(self, fact: Any) -> None:
        """Tell something that was found."""
        self._send(fact)

    def tell(self) -> None:
        """Say how far it is."""
        self._told = time.monotonic()
        step = facts.JobStep(self._job, self._done, self._total, self._text, time.time())
        self._send(step)
