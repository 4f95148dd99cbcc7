"""What a container engine is asked, in which order, and what its answers mean as facts.

The law of this file: one thread. A log that ends is not a training that ended: the engine is asked,
before and after. What cannot be asked is asked again later, and said meanwhile.
"""

from __future__ import annotations

import random
import select
import subprocess
import time
from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.link.door import End, how, last_line
from trainwatch.link.output import Output
from trainwatch.link.person import log_in_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.link.bare import BareDoor
    from trainwatch.link.door import Verdict
    from trainwatch.link.engine import Engine, State

BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before a try, by the failures before it
_ANSWER = 30.0  # seconds that an answer may take


class _NoAnswerError(Exception):
    """The engine cannot be asked, or it has no such container."""

    def __init__(self, words: str, fix: str = "", code: int | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.fix = fix
        self.code = code  # with which the asking ended


class Talk:
    """The conversation about one container; ``put`` hands facts on and waits while there is no room.

    ``look_inside`` is called once the container runs, and returns when the first look is over.
    """

    def __init__(
        self,
        engine: Engine,
        there: BareDoor,
        put: Callable[[list[Any]], None],
        look_inside: Callable[[], None],
        bell: int,
    ) -> None:
        self.stream = f"{engine.program} logs"
        self._engine, self._there, self._put = engine, there, put
        self._look_inside = look_inside
        self._bell = bell  # readable as soon as we must leave
        self._output = Output(bell, self._took)
        self._length = 0
        self._target: facts.Target | None = None
        self._troubled = ""
        self._caught_up = False
        self._over = False  # it has ended, and nothing more will come

    def run(self, once: bool) -> None:
        """Until the container has ended, or what was asked ``once`` is told, or we must leave."""
        failures = 0
        while not self._leaving(0.0):
            before = self._length
            if self._turn(once):
                return
            failures = 0 if self._length > before else failures + 1
            wait = BACKOFF[min(failures, len(BACKOFF) - 1)] * random.uniform(0.75, 1.25)
            if self._leaving(wait):
                return

    def _turn(self, once: bool) -> bool:
        """One round of asking and reading. True: there is nothing more to come."""
        state = self._state()
        if state is None:
            return self._over
        self._introduce(state)
        if state.word == "pending":
            self._say("stream:" + self.stream, f"waiting for {self._engine.name}: {state.why}")
            if once:
                self._catch_up()
            return once
        if not self._read(follow=False):
            return False
        if state.word == "running" and not self._caught_up:
            self._look_inside()
        if state.word == "ended":
            self._end(facts.Ended(state.code, state.signal, state.cause, time.time()))
            return True
        self._catch_up()
        if not once:
            self._read(follow=True)
        return once

    def _state(self) -> State | None:
        """What the engine says now; None when it has no answer, which has been said."""
        try:
            return self._engine.state(self._ask())
        except ValueError:
            self._say("link", f"the answer of {self._engine.program} cannot be understood")
        except _NoAnswerError as error:
            if self._was_barred(error.code, error.words):
                return None
            if not self._engine.is_unknown(error.words):
                self._say("link", error.words, error.fix)
            elif self._target is None:
                text = f"{self._engine.program} knows no {self._engine.name}"
                self._say("target", text, f"see: {self._engine.overview}")
            else:  # it was removed while we watched
                self._end(facts.Ended(None, None, "", time.time()))
        return None

    def _ask(self) -> bytes:
        """The answer of the engine. Raises _NoAnswerError."""
        try:
            done = subprocess.run(
                self._there.command(self._engine.ask()),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_ANSWER,
                start_new_session=True,
            )
        except OSError as error:
            text = f"{self._engine.program} cannot be started: {error.strerror}"
            raise _NoAnswerError(text, "is it installed, and on the PATH?") from error
        except subprocess.TimeoutExpired as error:
            raise _NoAnswerError(f"{self._engine.program} does not answer") from error
        if done.returncode:
            words = last_line(done.stderr.decode("utf-8", "replace"))
            words = words or f"{self._engine.program}: {how(done.returncode)}"
            raise _NoAnswerError(words, code=done.returncode)
        return done.stdout

    def _introduce(self, state: State) -> None:
        """The target, once; and that the engine answers again."""
        self._say("link", "")
        if state.word != "pending":
            self._say("stream:" + self.stream, "")
        if self._target is None:
            self._target = facts.Target(
                kind="container",
                id="",
                name=self._engine.name,
                command=list(state.command),
                cwd="",
                host=self._engine.label,
                user="",
                pid=None,
                started=state.started,
                streams=[self.stream],
                roots=[],
                note="",
                at=time.time(),
            )
            self._put([self._target])

    def _read(self, follow: bool) -> bool:
        """The log, as far as it goes. False when it cannot be read, which has been said."""
        words = self._engine.logs(self._output.lines.since, follow)
        try:
            end = self._output.read(self._there.command(words))
        except OSError as error:
            self._say("link", f"{self._engine.program} cannot be started: {error.strerror}")
            return False
        if end.code and not self._was_barred(end.code, end.words):
            self._say("link", end.words or how(end.code))
        return not end.code

    def _was_barred(self, code: int | None, words: str) -> bool:
        """Whether a person had to open the way to the engine again; if one does, they have by now."""
        barred = self._there.barred(End(code, words, "", spoke=False))
        if barred is not None:
            log_in_again(self._there, barred, self._put, self._complain, self._leaving)
        return barred is not None

    def _complain(self, verdict: Verdict) -> None:
        self._say("link", verdict.text, verdict.fix)

    def _took(self, data: bytes) -> None:
        if data:
            self._put([facts.Chunk(self.stream, self._length, data, time.time())])
            self._length += len(data)

    def _end(self, ended: facts.Ended) -> None:
        self._over = True
        self._put([ended])
        self._catch_up()

    def _catch_up(self) -> None:
        if not self._caught_up:
            self._caught_up = True
            self._put([facts.CaughtUp(time.time())])

    def _say(self, where: str, text: str, fix: str = "") -> None:
        """A trouble; an empty text withdraws the one that was told."""
        if text or self._troubled == where:
            self._troubled = where if text else ""
            self._put([facts.Trouble(where, text, fix, time.time())])

    def _leaving(self, seconds: float) -> bool:
        return bool(select.select([self._bell], [], [], seconds)[0])
