"""Device readings from a process of their own.

The law of this file: the probe's process never calls a driver and never waits for the one that does.
The child writes frames into a pipe; it may hang, crash or be killed at any moment, and all that
follows is a Trouble("devices", ...) and, after a pause, a fresh child.

    sampler = devices.start()
    while ...:
        poll(sampler.fileno())                       # -1 while no child runs; ask again each time
        found = sampler.read_facts()
        trouble = sampler.overdue(time.monotonic())  # at least once a second, after read_facts
    sampler.close()
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from typing import Dict, Iterable, List, Optional, Tuple, Type

from trainwatch import facts, wire
from trainwatch.probe import devices
from trainwatch.probe.devices import Fact, Family

NOTHING_HERE = 0  # exit codes of the child
NOTHING_YET = 2
WANTS_FRESH = 3
CRASHED = 4
SOON = 5.0  # seconds until the next look after NOTHING_YET
FIRST_PAUSE = 0.5  # before a new child; doubles with every early death
LONGEST_PAUSE = 60.0
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


class Sampler:
    """The probe's end: a pipe to read from, and the life of the child behind it.

    Every device is read once per ``period`` seconds. After ``silence`` seconds without an answer the
    driver is said to hang; after ``patience`` seconds the child is killed and replaced. ``families``
    None = every family there is.
    """

    def __init__(
        self,
        period: float = 1.0,
        silence: float = 6.0,
        patience: float = 30.0,
        families: Optional[List[Type[Family]]] = None,
    ) -> None:
        self._period = period
        self._silence = silence
        self._patience = patience
        self._families = families
        self._names: Dict[Tuple[str, int], Tuple[str, str]] = {}
        self._pause = FIRST_PAUSE
        self._told = ""  # the trouble that stands and has not been withdrawn
        self._hangs = False  # ... and it is the silence of this child
        self._fd = -1
        self._pid = 0
        self._looked = self._heard = self._born = self._due = time.monotonic()
        self._decoder = wire.Decoder(magic=False)
        self._fork(self._born)

    def fileno(self) -> int:
        """The descriptor to poll for reading, -1 while no child runs."""
        return self._fd

    def read_facts(self) -> List[Fact]:
        """Everything that has arrived, without waiting for more."""
        found: List[Fact] = []
        try:
            while self._fd >= 0 and len(found) < 1024:
                data = os.read(self._fd, 1 << 16)
                if not data:
                    self._drop()
                for fact in self._decoder.feed(data):
                    found += self._received(fact)
        except BlockingIOError:
            pass
        except (OSError, wire.WireError):
            self._drop()
        return found

    def overdue(self, now: float) -> Optional[facts.Trouble]:
        """Look after the child: say that the driver hangs, kill, bury and replace.

        ``now`` is time.monotonic(). Call it at least once a second, after read_facts.
        """
        if now - self._looked > self._period + 2:
            self._heard += now - self._looked  # it was we who were stopped meanwhile
        self._looked = now
        if self._fd >= 0:
            return self._check(now - self._heard)
        if self._pid:
            return self._bury(now)
        if now >= self._due:
            self._fork(now)
        return None

    def close(self) -> None:
        """Leave at once; a child stuck inside the driver is killed and not waited for."""
        self._drop()
        self._bury(self._looked)
        self._due = float("inf")

    def _fork(self, now: float) -> None:
        ours, theirs = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _child(theirs, self._period, self._families)
        os.close(theirs)
        os.set_blocking(ours, False)
        self._fd = ours
        self._decoder = wire.Decoder(magic=False)
        self._hangs = False
        self._born = self._heard = self._looked = self._due = now

    def _received(self, fact: object) -> List[Fact]:
        self._heard = time.monotonic()
        self._hangs = False
        if isinstance(fact, facts.Trouble):
            known, self._told = self._told, fact.text
            return [] if known == fact.text else [fact]
        if not isinstance(fact, facts.DeviceReading):
            return []  # a sign of life
        withdrawal: List[Fact] = [_trouble("")] if self._told else []
        self._told = ""
        return [*withdrawal, self._named(fact)]

    def _named(self, reading: facts.DeviceReading) -> facts.DeviceReading:
        """The reading with its identity: a lost device cannot tell it to a fresh child, we can."""
        key = (reading.family, reading.index)
        if reading.uuid:
            self._names[key] = (reading.uuid, reading.name)
        elif key in self._names:
            uuid, name = self._names[key]
            return reading._replace(uuid=uuid, name=name)
        return reading

    def _check(self, silence: float) -> Optional[facts.Trouble]:
        if silence > self._patience:
            self._drop()
        if silence <= self._silence or self._hangs:
            return None
        self._hangs = True
        self._told = "no answer from the driver for {:.0f} s".format(silence)
        return _trouble(self._told)

    def _drop(self) -> None:
        """No more of this child."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)  # it is our child and not yet reaped: no stranger

    def _bury(self, now: float) -> Optional[facts.Trouble]:
        """Reap the child if it is gone (one stuck in the driver may never be) and plan the next."""
        pid, status = os.waitpid(self._pid, os.WNOHANG) if self._pid else (0, 0)
        if not pid:
            return None
        self._pid = 0
        if status in (NOTHING_HERE, NOTHING_YET << 8):
            self._due = now + (SOON if status else LONGEST_PAUSE)
            return None
        if now - self._born > LONGEST_PAUSE:
            self._pause = FIRST_PAUSE
        self._due = now + self._pause
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)
        if self._told or status == WANTS_FRESH << 8:
            return None
        self._told = "reading the devices broke off; it starts again by itself"
        return _trouble(self._told)


def _trouble(text: str, fix: str = "") -> facts.Trouble:
    return facts.Trouble("devices", text, fix, time.time())


# --- in the child -----------------------------------------------------------------------------


def _child(pipe: int, period: float, families: Optional[List[Type[Family]]]) -> None:
    """The whole life of the child; never returns."""
    code = CRASHED
    try:
        _detach(pipe)
        code = _Sampling(pipe, period).run(devices.families() if families is None else families)
    except BaseException:  # noqa: BLE001, S110 - whatever it was, the exit code tells the parent
        pass
    finally:
        os._exit(code)


def _detach(pipe: int) -> None:
    """Keep nothing of the probe but the pipe, and die when the probe dies."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one in front
    signal.set_wakeup_fd(-1)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NAME, b"trainwatch-gpu", 0, 0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    for fd in _descriptors():
        if fd > 2 and fd != pipe:
            with contextlib.suppress(OSError):
                os.close(fd)


def _descriptors() -> Iterable[int]:
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return range(4096)


class _Sampling:
    """Open the families that are here and write their readings until the probe is gone."""

    def __init__(self, pipe: int, period: float) -> None:
        self._pipe = pipe
        self._period = period
        self._reader_gone = select.poll()
        self._reader_gone.register(pipe, 0)

    def run(self, kinds: List[Type[Family]]) -> int:
        """The exit code."""
        present: List[Family] = []
        absent: List[devices.AbsentError] = []
        for kind in kinds:
            family = kind()
            try:
                family.open()
                present.append(family)
            except devices.AbsentError as error:
                absent.append(error)
        if not present:
            for reason in absent[:1]:
                self._send(_trouble(reason.text, reason.fix))
            return NOTHING_YET if any(reason.soon for reason in absent) else NOTHING_HERE
        try:
            while True:
                self._turn(present)
        except devices.RestartError:
            return WANTS_FRESH

    def _turn(self, present: List[Family]) -> None:
        began = time.monotonic()
        for family in present:
            for reading in family.read(began):
                self._send(reading)
        self._send(facts.Pong(time.time()))
        rest = began + self._period - time.monotonic()
        if self._reader_gone.poll(max(0, int(1000 * rest))):
            raise BrokenPipeError

    def _send(self, fact: object) -> None:
        data = wire.encode(fact)
        while data:
            data = data[os.write(self._pipe, data) :]
