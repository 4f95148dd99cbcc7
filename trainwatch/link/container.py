"""A container: its log from the engine, everything else from a probe inside it.

The law of this file: two sources are one link. What both tell (what is watched, that it has ended) is
taken from the engine. Without a Python inside the log alone is shown, and said so. Nothing is written
into the container.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.link.bare import HERE, NO_PYTHON, BareDoor
from trainwatch.link.child import ChildLink
from trainwatch.link.door import End, Verdict, how, last_line
from trainwatch.link.inbox import Inbox
from trainwatch.link.joined import Joined, Source
from trainwatch.link.kept import Kept
from trainwatch.link.talk import BACKOFF, Talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trainwatch.link.engine import Engine

FIRST = "1"  # the process that a container is made for
_LOOK = 10.0  # seconds that the first look inside may take
_INSIDE = "inside"  # the place of troubles with the way in
_OF_THE_ENGINE = (facts.Ended, facts.CaughtUp)
_ROOM = 0.5  # seconds between two looks whether we must leave


class Inside(BareDoor):
    """The way into a container."""

    ping = 4.0
    backoff = BACKOFF

    def __init__(self, engine: Engine, there: BareDoor) -> None:
        super().__init__([])
        self.host, self.login = there.host, there.login
        self._engine, self._there = engine, there

    def command(self, words: Sequence[str]) -> list[str]:
        """See BareDoor."""
        return self._there.command([*self._engine.inside(), *words])

    def verdict(self, end: End) -> Verdict:
        """See Door."""
        barred = self._there.barred(end)
        if barred is not None:
            return barred
        name, only = self._engine.name, "its log is shown, its processes and checkpoints are not"
        if end.spoke:
            return Verdict(f"the way into {name} was lost ({how(end.code)})", "", final=False)
        if end.code == NO_PYTHON:
            return Verdict(f"there is no Python 3.6 or newer in {name}: {only}", "", final=True)
        if end.code in (126, 127):
            return Verdict(f"there is no shell in {name}: {only}", "", final=True)
        words = last_line(end.words) or how(end.code)
        return Verdict(f"nothing can be run in {name} ({words}): {only}", "", final=False)


class ContainerLink(Joined):
    """Facts of one container; ``there`` leads to the machine of the engine."""

    def __init__(self, engine: Engine, there: BareDoor = HERE, record: Path | None = None) -> None:
        super().__init__(record)
        self._engine = engine
        self._inbox = Inbox()
        self._inside = ChildLink(Inside(engine, there))
        self._looking = False  # a probe was sent inside
        self._looked = threading.Event()  # its first look is over
        self._room = threading.Event()
        self._closing = False
        self._over = False  # the container has ended, and with it what is inside
        self._bell, self._rope = os.pipe()
        self._talk = Talk(engine, there, self._put, self._look_inside, self._bell)
        self._kept = Kept()
        self._watch: facts.Watch | None = None
        self._target: facts.Target | None = None
        self._thread = threading.Thread(target=self._run, name="container", daemon=True)
        self._sources.append(Source(self._inbox.take, self._from_engine))

    def open(self, wake: Callable[[], None]) -> None:
        """See Joined."""
        super().open(wake)
        self._inbox.open(self._ring, self._room.set)

    def send(self, request: Any) -> None:
        """Ask the engine or the probe inside; never blocks."""
        if isinstance(request, facts.Watch):
            if self._watch is None:
                self._watch = request
                self._thread.start()
        elif isinstance(request, facts.Read) and request.path == self._talk.stream:
            self._inbox.put([self._part(request)])
        elif isinstance(request, facts.Stop):
            text = f"trainwatch stops no containers; there is: {self._engine.stop}"
            self._inbox.put([facts.Answer(False, True, text, time.time())])
        elif self._looking:
            self._inside.send(request)

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        return self._inbox.closed

    def close(self) -> None:
        """Leave. The container stays."""
        self._closing = True
        with suppress(OSError):
            os.write(self._rope, b"!")
        if self._looking:
            self._inside.close()
        if self._thread.is_alive():
            self._thread.join(2.0)
        if not self._thread.is_alive():
            self._kept.close()
        super().close()

    def _from_engine(self, fact: Any) -> list[Any]:
        """What the engine tells."""
        if isinstance(fact, facts.Target):
            self._target = fact
        return [fact]

    def _from_inside(self, fact: Any) -> list[Any]:
        """What the probe inside tells, as far as the engine does not know it better."""
        if isinstance(fact, facts.CaughtUp):
            self._looked.set()
        if isinstance(fact, _OF_THE_ENGINE):
            return []
        if isinstance(fact, facts.Target):
            known = self._target
            return [] if known is None else [_both(known, fact)]
        if isinstance(fact, facts.Trouble) and fact.where in ("link", "target", "wire"):
            self._looked.set()
            return [] if self._over else [fact._replace(where=_INSIDE)]
        if isinstance(fact, facts.Trouble) and fact.where == "output":
            return []
        return [fact]

    # --- what follows runs in the thread of the talk

    def _run(self) -> None:
        assert self._watch is not None
        self._talk.run(self._watch.once)
        self._over = True
        if self._looking:
            self._inside.close()
            self._put([facts.Trouble(_INSIDE, "", "", time.time())])

    def _look_inside(self) -> None:
        assert self._watch is not None
        self._inside.open(self._ring)
        self._sources.append(Source(self._inside.take, self._from_inside))
        self._inside.send(self._watch._replace(target=FIRST, once=False, resume=[]))
        self._looking = True
        self._looked.wait(_LOOK)

    def _put(self, found: list[Any]) -> None:
        while self._inbox.full and not self._closing:
            self._room.wait(_ROOM)
            self._room.clear()
        for fact in found:
            if isinstance(fact, facts.Chunk):
                self._tell(self._kept.add(fact.data))
        self._inbox.put(found)

    def _tell(self, went: bool) -> None:
        """Say what cannot be scrolled to any more."""
        if went:
            gone, rest = self._kept.start >> 20, (self._kept.end - self._kept.start) >> 20
            text = (
                f"the newest {rest} MiB of the log are kept to scroll in, {gone} MiB before are not"
            )
            fix = f"all were read; to see them: {' '.join(self._engine.logs('', follow=False))}"
            self._inbox.put([facts.Trouble("kept", text, fix, time.time())])

    def _part(self, request: facts.Read) -> facts.FileBytes:
        data, at = self._kept.read(max(0, request.offset), request.length), time.time()
        return facts.FileBytes(request.path, request.offset, data, self._kept.end, at, at)


def _both(engine: facts.Target, inside: facts.Target) -> facts.Target:
    """What the engine says, and what a probe found inside."""
    more = [name for name in inside.streams if name not in engine.streams]
    return engine._replace(
        command=inside.command or engine.command,
        cwd=inside.cwd,
        user=inside.user,
        pid=inside.pid,
        streams=[*engine.streams, *more],
        roots=inside.roots,
        started=inside.started or engine.started,
    )
