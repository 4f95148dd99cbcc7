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
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import trainwatch
from trainwatch import facts, wire
from trainwatch.link.clock import LOST, Clock, Sleep
from trainwatch.link.door import Door, End, Verdict
from trainwatch.link.inbox import Inbox, only_facts
from trainwatch.link.journal import Recording
from trainwatch.link.memory import Memory
from trainwatch.link.pipes import Pipes, drain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class ChildLink:
    """Facts of a probe behind ``door``; with ``record``, a journal of them is written there."""

    def __init__(
        self,
        door: Door | Sequence[str],
        record: Path | None = None,
        backoff: Sequence[float] | None = None,
    ) -> None:
        self._door = door if isinstance(door, Door) else Door(door)
        self._record = record
        self._backoff = self._door.backoff if backoff is None else backoff
        self._inbox = Inbox()
        self._memory = Memory()
        self._requests: deque[Any] = deque()
        self._closing = False
        self._troubled = False
        self._bell, self._rope = -1, -1
        self._journal: Recording | None = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def open(self, wake: Callable[[], None]) -> None:
        """Start the probe. ``wake`` is called from the link's thread.

        Raises OSError when the journal cannot be created.
        """
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rope, False)
        if self._record is not None:
            self._journal = Recording(self._record)
        self._inbox.open(wake, self._ring)
        self._thread.start()

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts, in order; never blocks."""
        return self._inbox.take(limit)

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the link is closed; False when the time ran out."""
        return self._inbox.wait(timeout)

    def send(self, request: Any) -> None:
        """Ask the probe for something; never blocks."""
        self._requests.append(request)
        self._ring()

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        return self._inbox.closed

    def close(self) -> None:
        """Leave. The probe goes with us, the training stays."""
        self._closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already, or there is nobody left to hear it
            os.write(self._rope, b"!")

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
            if verdict.final:
                self._complain(verdict)
                break
            self._complain(verdict._replace(text=f"{verdict.text}{_soon(wait)}"))
            self._pause(wait)
        if self._journal is not None:
            self._journal.close()
        self._inbox.end()

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
        self._deliver([facts.Trouble("link", verdict.text, verdict.fix, time.time())])

    def _deliver(self, arrived: list[Any]) -> None:
        if self._troubled and any(isinstance(fact, facts.Hello) for fact in arrived):
            self._troubled = False
            arrived = [*arrived, facts.Trouble("link", "", "", time.time())]
        for fact in arrived:
            self._memory.received(fact)
            self._write(fact)
        self._inbox.put(arrived)

    def _write(self, fact: Any) -> None:
        trouble = self._journal.write(fact) if self._journal is not None else None
        if trouble is not None:
            self._inbox.put([trouble])

    def _pause(self, seconds: float) -> None:
        """Wait; at once over when the machine wakes up from a suspend."""
        deadline, sleep = time.monotonic() + seconds, Sleep()
        while not self._closing and time.monotonic() < deadline and not sleep.over():
            select.select([self._bell], [], [], min(1.0, max(0.0, deadline - time.monotonic())))
            drain(self._bell)


def _soon(wait: float) -> str:
    return f"; next try in {wait:.0f} s" if wait >= 1 else ""


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
