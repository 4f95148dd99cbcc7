"""What is due in a conversation though nobody says anything.

The law of this file: seconds on the monotonic clock, and no I/O. The clock on the wall is looked at
for one thing only: it goes on while the machine sleeps.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatch.link.door import Door

LOST = 10.0  # seconds without an answer to a ping after which a connection is given up
_AFTER_SLEEP = 3.0  # the same, when this machine has slept: most connections did not survive that
_JUMP = 5.0  # seconds that the wall may run ahead before it was a sleep


class Sleep:
    """Notices that this machine was suspended in between."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def over(self) -> bool:
        """Whether it slept since the last time this was asked."""
        before, self._offset = self._offset, time.time() - time.monotonic()
        return self._offset - before > _JUMP


class Clock:
    """The time of one conversation; ``heard`` once the probe has spoken."""

    def __init__(self, door: Door) -> None:
        self.heard = False
        self._ping = door.ping
        self._began = self._pinged = self._sign = time.monotonic()
        self._wonder_at: float | None = self._began + door.patience
        self._sleep = Sleep()

    def patience(self) -> float | None:
        """Seconds until something is due; None: nothing is."""
        due = []
        if self._ping is not None:
            due.append(self._pinged + self._ping)
            if self.heard:
                due.append(self._sign + LOST)
        if self._wonder_at is not None and not self.heard:
            due.append(self._wonder_at)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def turned(self, arrived: bool, reading: bool) -> None:
        """One turn has passed. While we do not read ourselves, silence means nothing."""
        if arrived or not reading:
            self._sign = time.monotonic()
        elif self._ping is not None and self._sleep.over():
            self._sign = time.monotonic() - LOST + _AFTER_SLEEP
            self._pinged -= self._ping

    @property
    def lost(self) -> bool:
        """Whether a probe that used to answer does no longer."""
        return self._ping is not None and self.heard and time.monotonic() > self._sign + LOST

    def is_time_to_ping(self) -> bool:
        """Whether the probe must be told that somebody is still here."""
        if self._ping is None or time.monotonic() < self._pinged + self._ping:
            return False
        self._pinged = time.monotonic()
        return True

    def is_time_to_wonder(self) -> bool:
        """Whether the first word is overdue; said once."""
        if self.heard or self._wonder_at is None or time.monotonic() < self._wonder_at:
            return False
        self._wonder_at = None
        return True
