"""The one clock of the screen.

The law of this file: facts enter a session here and nowhere else, and nothing else in the screen
owns a timer. However many runs are watched, there is one pump. A link wakes it from its own thread.
It drains a little at a time, so that keys are heard between two drains, and publishes which topics
changed: the first change at once, then at most one frame per ``FRAME`` (the second of a row
comes ``SOON``). That a second passed is a
topic like the others.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from trainwatch import facts
from trainwatch.link.person import WISHES
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

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
"""Seconds between two published changes, where they come one after the other."""
SOON: Final = 0.01
"""The same after a frame that stood alone: a line must not wait because a second passed just before."""
RESTS: Final = 4
"""Time between two frames in terms of what the last one took: drawing never takes it all."""
HEED: Final = 0.025
"""Seconds that reading stands back after a key: what it does is painted before anything is read."""
TICK: Final = 1.0
CONNECTING: Final = 4
"""Connections that are being made at a time: a server refuses what comes in crowds."""
YOUNG: Final = 4.0
"""Seconds after which a connection that says nothing keeps no other one waiting."""
SAMPLES: Final = Topic.MACHINE | Topic.DEVICES
"""What is measured every second: painted with the next news, or with the next second."""
PING: Final = 20
"""Ticks between two signs of life to the probe, which leaves after a minute of silence."""


class Feed(Protocol):
    """What the pump needs of a session."""

    def feed(self, fact: Any, /) -> Topic:
        """Take one fact; say what changed."""

    def requests(self) -> Sequence[facts.Read | facts.Visit]:
        """What the session wants to read next."""


class Rings(Protocol):
    """What a link wakes that was opened before there was a pump."""

    def wakes(self, wake: Callable[[], None], /) -> None:
        """From now on ``wake`` is called."""


class Intake:
    """One link and the session that its facts go to.

    ``request`` is what the link is asked for when it is opened; with a ``bell`` it is open already. ``answered`` gets the probe's answers
    to what a person asked for: they are no part of the run. With ``replay`` the time stops where the
    recording ends.
    """

    def __init__(
        self,
        link: Link,
        session: Feed,
        request: facts.Watch | None = None,
        replay: bool = False,
        bell: Rings | None = None,
    ) -> None:
        self.answered: Callable[[facts.Answer | facts.JobEnded], None] = _ignore
        self.wanted: Callable[[Any], object] = _ignore
        """The link needs the person at the screen."""
        self._begun = False
        self._asked = 0.0  # when it was opened
        self.caught_up = False
        """Everything that there was has been read."""
        self.link = link
        self._session = session
        self._request = request
        self._replay = replay
        self._bell = bell
        self._pending: deque[Any] = deque()
        self._latest = 0.0  # newest `at` of any fact ...
        self._heard = 0.0  # ... and when it arrived, on our own clock

    def open(self, wake: Callable[[], None]) -> None:
        """Connect and ask."""
        self._begun, self._asked = True, time.monotonic()
        if self._bell is not None:
            self._bell.wakes(wake)
        else:
            self.link.open(wake)
        if self._request is not None:
            self.link.send(self._request)

    def begun(self) -> bool:
        """Whether it was opened."""
        return self._begun

    @property
    def connecting(self) -> bool:
        """It was opened a moment ago, and nothing was heard yet."""
        young = time.monotonic() - self._asked < YOUNG
        return self._begun and young and not self._heard and not self.link.closed

    def now(self) -> float:
        """The time on the clock of the machine that we hear from, as seconds since the epoch."""
        if not self._heard:
            return time.time()
        if self._replay and self.link.closed:
            return self._latest
        return self._latest + time.monotonic() - self._heard

    def turn(self) -> Topic | None:
        """Read one fact and say what changed; None where none waits."""
        if not self._pending:
            self._pending.extend(part for fact in self.link.take(FACTS) for part in bites(fact))
        return self._take(self._pending.popleft()) if self._pending else None

    def wait(self, seconds: float) -> bool:
        """Block until there is something to read; False when the time ran out."""
        return bool(self._pending) or self.link.wait(seconds)

    def ask(self) -> None:
        """Send what the session wants to read next."""
        for request in self._session.requests():
            self.link.send(request)

    def _take(self, fact: Any) -> Topic:
        if isinstance(fact, WISHES):
            self.wanted(fact)
            return Topic.NOTHING
        at = getattr(fact, "at", None)
        if at is not None:
            self._latest, self._heard = at, time.monotonic()
        self.caught_up = self.caught_up or isinstance(fact, facts.CaughtUp)
        if isinstance(fact, facts.Answer | facts.JobEnded):
            self.answered(fact)
        try:
            return self._session.feed(fact)
        except Exception as error:  # noqa: BLE001 - one fact that cannot be read must not end the watch
            return self._session.feed(_trouble(fact, error, at or 0.0))


class Pump:
    """Moves facts into sessions and tells ``publish`` which topics of which of them changed.

    Once a second the topics of all are joined by ``Topic.TIME``. The intakes take turns, fact by fact, so that
    none waits for a long one; at most CONNECTING of them are being connected at a time.
    """

    def __init__(self, intakes: Sequence[Intake]) -> None:
        self.publish: Callable[[Mapping[Intake, Topic]], None] = _ignore
        self._round = deque(intakes)  # whose turn it is stands in front
        self._unopened = deque(intakes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: dict[Intake, Topic] = {}
        self._news = False  # something of it does not wait for the next second
        self._sampled: set[Intake] = set()  # whose first samples are painted
        self._painted = 0.0
        self._rest = FRAME
        self._busy = False
        self._more = False  # the last drain left something unread
        self._heeding = False
        self._heeded = 0.0  # until when a key has the loop for itself
        self._ticks = 0
        self._aged = 0.0  # when it was last said that time passed

    def open(self) -> None:
        """Connect the first of them. The others follow as these have something to say."""
        room = CONNECTING - sum(intake.connecting for intake in self._round)
        while self._unopened and room > 0:
            self._unopened.popleft().open(self.wake)
            room -= 1

    def wake(self) -> None:
        """Facts wait. Called by a link from any thread, perhaps before the loop runs."""
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
        self._aged = time.monotonic()
        self._begin()
        self._later(TICK, self._tick)

    def read(self, seconds: float) -> None:
        """Before the loop runs: read of the first what comes in that time, until it has caught up."""
        deadline, intake = time.monotonic() + seconds, self._round[0]
        while (left := deadline - time.monotonic()) > 0 and not intake.caught_up:
            topic = intake.turn() if intake.wait(left) else None
            if topic is None:
                break
            self._note(intake, topic)

    def attend(self, over: Callable[[float], bool]) -> None:
        """While the loop stands still: read on, and let no probe believe that nobody is here.

        ``over`` waits for at most so many seconds and says whether the loop may go on.
        """
        more, greeted = False, 0.0
        while not over(0.0 if more else TICK):
            if time.monotonic() - greeted > PING * TICK:
                greeted = time.monotonic()
                self._greet()
            more = self._read(time.monotonic() + DRAIN)

    def stop(self) -> None:
        """Publish nothing from now on."""
        self._loop = None

    @property
    def busy(self) -> bool:
        """Whether something was read or arrived that is not published yet."""
        return self._busy or bool(self._changed)

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
        self._more = self._read(time.monotonic() + DRAIN)
        self.open()
        if self._more and self._is_due():
            self._later(BREATH, self._frame)  # this turn was long enough
        else:
            self._frame()

    def _frame(self) -> None:
        """Paint if it is time, and see what comes next."""
        if self._loop is None or self._stands_back(self._frame):
            return
        if self._is_due():
            self._paint()
        if self._more:
            self._later(BREATH, self._drain)
        elif self._news:
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
        return self._news and self._until() <= 0

    def _read(self, deadline: float) -> bool:
        """Facts of each intake in turn until ``deadline``; whether there are more."""
        idle = 0
        while idle < len(self._round) and time.monotonic() < deadline:
            intake = self._round[0]
            self._round.rotate(-1)
            topic = intake.turn() if intake.begun() else None
            if topic is None:
                idle += 1
                continue
            idle = 0
            self._note(intake, topic)
        for intake in self._round:
            if intake.begun():
                intake.ask()
        return idle < len(self._round)

    def _note(self, intake: Intake, topic: Topic) -> None:
        if topic:
            self._changed[intake] = self._changed.get(intake, Topic.NOTHING) | topic
            self._news |= intake not in self._sampled or bool(topic & ~SAMPLES)

    def _paint(self) -> None:
        before, self._painted = self._painted, time.monotonic()
        if self._painted - self._aged > TICK / 2:
            self._age()  # in the same frame: everything is drawn once
        changed, self._changed, self._news = self._changed, {}, False
        self._sampled.update(one for one, topics in changed.items() if topics & SAMPLES)
        self.publish(changed)
        alone = self._painted - before > 2 * FRAME
        self._rest = max(SOON if alone else FRAME, RESTS * (time.monotonic() - self._painted))

    def _tick(self) -> None:
        if self._loop is None:
            return
        self._ticks += 1
        if self._ticks % PING == 0:
            self._greet()
        self.open()
        if time.monotonic() - self._aged > 0.9 * TICK:
            self._age()
            self._begin()
        self._later(TICK, self._tick)

    def _greet(self) -> None:
        """Tell every probe that somebody is here."""
        for intake in self._round:
            if intake.begun():
                intake.link.send(facts.Ping())

    def _age(self) -> None:
        """Note that a second passed."""
        self._aged = time.monotonic()
        for intake in self._round:
            self._note(intake, Topic.TIME)

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
