"""A probe that is a child process: here, or behind ssh, srun, docker exec, kubectl exec.

The law of this file: one thread owns both pipes. When the inbox is full it stops reading, the pipe
fills and the probe waits. When the probe dies another one is started and continues every stream at
the exact byte: the client sees a trouble come and go, and nothing lost or doubled.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import trainwatch
from trainwatch import facts, wire
from trainwatch.link.clock import LOST, Clock, Sleep
from trainwatch.link.door import Door, End, Verdict
from trainwatch.link.inbox import only_facts
from trainwatch.link.memory import Memory
from trainwatch.link.person import log_in_again
from trainwatch.link.pipes import Pipes, drain
from trainwatch.link.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.link.door import Decoder

STEADY = 10.0  # seconds after which a probe that dies did not fail to start

_BOOT = (
    "import sys; del sys.path[0]; sys.path.append({!r}); "
    "from trainwatch.probe.main import main; main()"
)


def local_probe() -> list[str]:
    """The command that starts a probe on this machine.

    The user's working folder must not shadow our modules or the standard library, hence no ``-m``
    and no "" on the path.
    """
    home = Path(trainwatch.__file__).resolve().parent.parent
    return [sys.executable, "-c", _BOOT.format(str(home))]


class _Parting(NamedTuple):
    """How a conversation came to its end."""

    spoke: bool  # it was a probe
    mistake: str = ""  # what it said that makes no sense
    lost: bool = False  # it does not answer any more


class ChildLink(Threaded):
    """Facts of a probe behind ``door``; with ``record``, a journal of them is written there."""

    def __init__(
        self,
        door: Door | Sequence[str],
        record: Path | None = None,
        backoff: Sequence[float] | None = None,
    ) -> None:
        super().__init__("link", record)
        self._door = door if isinstance(door, Door) else Door(door)
        self._backoff = self._door.backoff if backoff is None else backoff
        self._memory = Memory()
        self._troubled = False

    # --- what follows runs in the link's own thread

    def _run(self) -> None:
        failures = 0
        while not self._closing:
            started = time.monotonic()
            verdict = self._converse()
            if verdict is None:
                break
            self._deliver(self._memory.broken())
            failures = 0 if time.monotonic() - started > STEADY else failures + 1
            wait = self._backoff[min(failures, len(self._backoff) - 1)] * random.uniform(0.75, 1.25)
            if not verdict.final:
                self._pause(wait, verdict)
            elif not log_in_again(
                self._door, verdict, self._inbox.put, self._complain, self._is_left
            ):
                break

    def _converse(self) -> Verdict | None:
        """Talk to one probe until it ends. What to say about that; None when it may end."""
        knock = self._door.knock()
        with tempfile.TemporaryFile() as errors:
            try:
                probe = subprocess.Popen(
                    knock.argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,  # Ctrl-C in the terminal is not meant for it
                )
            except OSError as error:
                text = f"the probe cannot be started: {knock.argv[0]}: {error.strerror}"
                return Verdict(text, "", final=False)
            pipes = Pipes(probe, self._bell, knock)
            parting = self._talk(pipes, knock.decoder)
            pipes.close()
            code = _reap(probe, kill=bool(parting.mistake) or parting.lost)
            if self._may_end(code):
                return None
            if parting.mistake:
                text = f"the probe cannot be understood: {parting.mistake}"
                return Verdict(text, "", final=False)
            words = f"no answer for {LOST:.0f} s" if parting.lost else _tail(errors)
            return self._door.verdict(End(code, words, knock.decoder.noise, parting.spoke))

    def _may_end(self, code: int | None) -> bool:
        watch = self._memory.watch
        return self._closing or (code == 0 and watch is not None and watch.once)

    def _talk(self, pipes: Pipes, decoder: Decoder) -> _Parting:
        """Exchange facts and requests until one side ends it."""
        clock = Clock(self._door)
        for request in self._memory.again():
            pipes.say(request)
        while not self._closing:
            while self._requests:
                request = self._requests.popleft()
                self._memory.sent(request)
                pipes.say(request)
            reading = not self._inbox.full
            data = pipes.exchange(reading, clock.patience())
            clock.turned(bool(data), reading)
            if data == b"" or clock.lost:
                return _Parting(clock.heard, lost=data != b"")
            try:
                arrived = only_facts(decoder.feed(data or b""))
            except wire.WireError as error:
                return _Parting(clock.heard, mistake=str(error))
            if arrived:
                clock.heard = True
                pipes.complete()
            self._deliver(arrived)
            if clock.is_time_to_ping():
                pipes.say(facts.Ping())
            if clock.is_time_to_wonder():
                self._complain(self._door.silence)
        pipes.say(facts.Bye())
        return _Parting(clock.heard)

    def _complain(self, verdict: Verdict) -> None:
        self._troubled = True
        self._deliver([_told(verdict)])

    def _deliver(self, arrived: list[Any]) -> None:
        if self._troubled and any(isinstance(fact, facts.Hello) for fact in arrived):
            self._troubled = False
            arrived = [*arrived, facts.Trouble("link", "", "", time.time())]
        for fact in arrived:
            self._memory.received(fact)
        self._put(arrived)

    def _pause(self, seconds: float, verdict: Verdict) -> None:
        """Wait, and count the seconds down; at once over when the machine wakes up from a suspend."""
        deadline, sleep = time.monotonic() + seconds, Sleep()
        self._complain(_soon(verdict, seconds))
        while not self._closing and time.monotonic() < deadline and not sleep.over():
            self._hear(min(1.0, max(0.0, deadline - time.monotonic())))
            left = deadline - time.monotonic()
            if left >= 1 and not self._inbox.full:
                self._inbox.put([_told(_soon(verdict, left))])  # no journal needs every second

    def _is_left(self, seconds: float) -> bool:
        """Wait so long; whether the link is being closed."""
        self._hear(seconds)
        return self._closing

    def _hear(self, seconds: float) -> None:
        """Wait for the bell. What is asked to be changed meanwhile is not done later, unwatched."""
        select.select([self._bell], [], [], seconds)
        drain(self._bell)
        waiting = list(self._requests)
        for request in waiting:
            if isinstance(request, facts.Stop | facts.Launch | facts.Job):
                self._requests.remove(request)
                self._memory.sent(request)
                self._deliver(self._memory.broken("there is no connection: it was not asked to"))


def _soon(verdict: Verdict, wait: float) -> Verdict:
    """With the time of the next try, where that is not at once."""
    soon = f"; next try in {wait:.0f} s" if wait >= 1 else ""
    return verdict._replace(text=verdict.text + soon)


def _told(verdict: Verdict) -> facts.Trouble:
    return facts.Trouble("link", verdict.text, verdict.fix, time.time())


def _reap(probe: subprocess.Popen[bytes], kill: bool) -> int | None:
    """How the probe ended; None when it still hangs somewhere in the kernel."""
    if kill:
        probe.kill()
    try:
        return probe.wait(0.5)
    except subprocess.TimeoutExpired:
        threading.Thread(target=probe.wait, name="reaper", daemon=True).start()
        return None


def _tail(errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4096))
    return errors.read().decode("utf-8", "replace")
