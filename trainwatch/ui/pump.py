"""The one clock of the screen.

The law of this file: facts enter the session here and nowhere else, and nothing else in the screen
owns a timer. The link wakes the pump from its own thread. The pump drains a little at a time, so
that keys are heard between two drains, and publishes which topics changed: the first change at
once, then at most one frame per ``FRAME``. Once a second it says so, for what only ages.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from trainwatch import facts
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from trainwatch.link import Link

DRAIN: Final = 0.006
"""Seconds of reading before keys get their turn."""
BREATH: Final = 0.001
"""Seconds between two drains: a message takes several turns of the loop to get where it is going."""
FACTS: Final = 256
"""Facts taken from the link at a time."""
BITE: Final = 64 << 10
"""Bytes of a stream that are read without looking at the clock: a few milliseconds' worth."""
FRAME: Final = 0.1
"""Seconds between two published changes."""
RESTS: Final = 4
"""Time between two frames in terms of what the last one took: drawing never takes it all."""
HEED: Final = 0.025
"""Seconds that reading stands back after a key: what it does is painted before anything is read."""
TICK: Final = 1.0
PING: Final = 20
"""Ticks between two signs of life to the probe, which leaves after a minute of silence."""


class Feed(Protocol):
    """What the pump needs of a session."""

    def feed(self, fact: Any, /) -> Topic:
        """Take one fact; say what changed."""

    def requests(self) -> Sequence[facts.Read | facts.Visit]:
        """What the session wants to read next."""


class Pump:
    """Moves facts from ``link`` to ``session`` and tells ``publish`` which topics changed.

    ``publish`` is called with ``Topic.NOTHING`` once a second. ``answered`` gets the probe's answers
    to what a person asked for: they are no part of the run. With ``replay`` the time stops where
    the recording ends.
    """

    def __init__(self, link: Link, session: Feed, replay: bool = False) -> None:
        self.publish: Callable[[Topic], None] = _ignore
        self.answered: Callable[[facts.Answer | facts.JobEnded], None] = _ignore
        self._link = link
        self._session = session
        self._replay = replay
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: deque[Any] = deque()
        self._changed = Topic.NOTHING
        self._painted = 0.0
        self._rest = FRAME
        self._busy = False
        self._heeding = False
        self._heeded = 0.0  # until when a key has the loop for itself
        self._ticks = 0
        self._latest = 0.0  # newest `at` of any fact ...
        self._heard = 0.0  # ... and when it arrived, on our own clock

    def wake(self) -> None:
        """Facts wait. Called by the link from any thread, perhaps before the loop runs."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._begin)

    def heed(self) -> None:
        """A person did something: let it be painted. One drain comes between two of these at least."""
        if not (self._heeding and self._busy):
            self._heeding = True
            self._heeded = time.monotonic() + HEED

    def start(self) -> None:
        """Begin, on the running loop, with whatever waits already."""
        import asyncio  # noqa: PLC0415 - the first picture does without

        self._loop = asyncio.get_running_loop()
        self._begin()
        self._later(TICK, self._tick)

    def read(self, seconds: float) -> None:
        """Before the loop runs: read what comes within that time, at most until all is caught up."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not (self._pending or self._link.wait(left)) or not self._refill():
                break
            fact = self._pending.popleft()
            self._take(fact)
            if isinstance(fact, facts.CaughtUp):
                break

    def stop(self) -> None:
        """Publish nothing from now on."""
        self._loop = None

    def now(self) -> float:
        """The time on the clock of the machine that we hear from, as seconds since the epoch."""
        if not self._heard:
            return time.time()
        if self._replay and self._link.closed:
            return self._latest
        return self._latest + time.monotonic() - self._heard

    @property
    def busy(self) -> bool:
        """Whether something was read or arrived that is not published yet."""
        return self._busy

    def _begin(self) -> None:
        """Drain now, or when the next frame is due: what arrives in between waits in the link."""
        if not self._busy:
            self._busy = True
            self._later(self._until(), self._drain)

    def _drain(self) -> None:
        """Read for at most DRAIN seconds, then let the keys through before going on."""
        if self._loop is None or self._stands_back(self._drain):
            return
        self._heeding = False
        deadline = time.monotonic() + DRAIN
        while self._refill() and time.monotonic() < deadline:
            self._take(self._pending.popleft())
        for request in self._session.requests():
            self._link.send(request)
        if self._pending and self._is_due():
            self._later(BREATH, self._frame)  # this turn was long enough
        else:
            self._frame()

    def _frame(self) -> None:
        """Paint if it is time, and see what comes next."""
        if self._loop is None or self._stands_back(self._frame):
            return
        if self._is_due():
            self._paint()
        if self._pending:
            self._later(BREATH, self._drain)
        elif self._changed:
            self._later(self._until(), self._drain)
        else:
            self._busy = False

    def _stands_back(self, act: Callable[[], None]) -> bool:
        """Whether a key comes first; ``act`` is done after it."""
        wait = self._heeded - time.monotonic()
        if wait > 0:
            self._later(wait, act)
        return wait > 0

    def _until(self) -> float:
        """Seconds to the next frame."""
        return self._painted + self._rest - time.monotonic()

    def _is_due(self) -> bool:
        return bool(self._changed) and self._until() <= 0

    def _refill(self) -> bool:
        if not self._pending:
            self._pending.extend(part for fact in self._link.take(FACTS) for part in bites(fact))
        return bool(self._pending)

    def _take(self, fact: Any) -> None:
        at = getattr(fact, "at", None)
        if at is not None:
            self._latest, self._heard = at, time.monotonic()
        if isinstance(fact, facts.Answer | facts.JobEnded):
            self.answered(fact)
        try:
            self._changed |= self._session.feed(fact)
        except Exception as error:  # noqa: BLE001 - one fact that cannot be read must not end the watch
            self._changed |= self._session.feed(_trouble(fact, error, at or 0.0))

    def _paint(self) -> None:
        self._painted = time.monotonic()
        changed, self._changed = self._changed, Topic.NOTHING
        self.publish(changed)
        self._rest = max(FRAME, RESTS * (time.monotonic() - self._painted))

    def _tick(self) -> None:
        if self._loop is None:
            return
        self._ticks += 1
        if self._ticks % PING == 0:
            self._link.send(facts.Ping())
        self.publish(Topic.NOTHING)
        self._later(TICK, self._tick)

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        """Call ``act`` on the loop after ``delay`` seconds, and not before keys had their turn."""
        if self._loop is None:
            return
        if delay > 0:
            self._loop.call_later(delay, act)
        else:
            self._loop.call_soon(act)


def bites(fact: Any) -> list[Any]:
    """``fact`` itself, or a long Chunk in pieces that are read in a few milliseconds each."""
    if not isinstance(fact, facts.Chunk) or len(fact.data) <= BITE:
        return [fact]
    return [
        facts.Chunk(fact.source, fact.offset + start, fact.data[start : start + BITE], fact.at)
        for start in range(0, len(fact.data), BITE)
    ]


def _trouble(fact: Any, error: Exception, at: float) -> facts.Trouble:
    text = f"a {type(fact).__name__} could not be read ({type(error).__name__}: {error})"
    return facts.Trouble("reading", text, "the rest is read on; please report it", at)


def _ignore(_: object) -> None:
    """Nobody listens yet."""
