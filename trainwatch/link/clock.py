"""What is due in a conversation though nobody says anything.

The law of this file: seconds on the monotonic clock, and no I/O.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatch.link.door import Door


class Clock:
    """The time of one conversation; ``heard`` once the probe has spoken."""

    def __init__(self, door: Door) -> None:
        self.heard = False
        self._ping = door.ping
        self._began = self._pinged = time.monotonic()
        self._wonder_at: float | None = self._began + door.patience

    def patience(self) -> float | None:
        """Seconds until something is due; None: nothing is."""
        due = []
        if self._ping is not None:
            due.append(self._pinged + self._ping)
        if self._wonder_at is not None and not self.heard:
            due.append(self._wonder_at)
        return max(0.0, min(due) - time.monotonic()) if due else None

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
