"""When to look at the streams again.

The law of this file: the first line after a silence is looked at once; a flood is looked at in ever
longer breaths, because every look costs the machine of the training something. Where the kernel
does not report changes, looks come at intervals, quickly while there is news.
"""

SHORT, LONG = 0.002, 0.016  # seconds between looks in a flood
FAST, SLOW = 0.05, 0.25  # seconds between looks where nobody reports changes


class Rhythm:
    """Times are seconds on a monotonic clock."""

    def __init__(self, blind: bool) -> None:
        self._blind = blind
        self._breath = SHORT
        self._until = 0.0  # no look before
        self._interval = FAST

    def looked(self, news: bool, now: float) -> None:
        """Somebody has just looked, and there was news or not."""
        if not news:
            self._interval = min(1.5 * self._interval, SLOW)
            return
        flood = now - self._until < 2 * self._breath
        self._breath = min(2 * self._breath, LONG) if flood else SHORT
        self._until = now + self._breath
        self._interval = FAST

    def rests(self, now: float) -> bool:
        """Whether it is too soon for another look."""
        return now < self._until

    def patience(self, now: float) -> float:
        """Seconds until a look is due though nothing was reported."""
        if now < self._until:
            return self._until - now
        return self._interval if self._blind else float("inf")
