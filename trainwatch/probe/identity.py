"""Which process is which.

The law of this file: a process id alone names nobody, because the kernel hands ids out again. A
process is known by its boot, its pid namespace, its id and its start time (field 22 of
``/proc/PID/stat``, in clock ticks since boot, which no clock step can move). Everything is read
fresh, nothing is cached.
"""

import contextlib
import os
from typing import Any, List, NamedTuple, Optional

_PROC = os.path.exists("/proc/self/stat")

psutil: Any = None  # only where it is needed: it costs more than Python's own start
if not _PROC:
    with contextlib.suppress(ImportError):
        import psutil


class Identity(NamedTuple):
    """One process of this world and no other."""

    pid: int
    start: int  # clock ticks since boot; without /proc: microseconds since the epoch
    boot: str  # "" where the system has no boot id
    namespace: str  # of process ids, "pid:[4026531836]"; "" where the system has none


class Stat(NamedTuple):
    """What the kernel tells about a process in one cheap read."""

    pid: int
    state: str  # one letter as in proc(5): R S D T t Z X I
    parent: int
    group: int
    session: int
    ticks: int  # user and system time consumed so far, in clock ticks
    start: int
    pages: int  # resident


def boot_id() -> str:
    """The id of this boot of this machine."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def namespace() -> str:
    """The name of the world in which process ids count here."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def pids() -> List[int]:
    """Every process id there is now."""
    if _PROC:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return psutil.pids() if psutil else []


def stat(pid: int) -> Optional[Stat]:
    """The process ``pid``, or None when there is none."""
    if not _PROC:
        return _stat_elsewhere(pid)
    try:
        fd = os.open("/proc/{}/stat".format(pid), os.O_RDONLY)
    except OSError:
        return None
    try:
        text = os.read(fd, 1024)
    except OSError:
        return None
    finally:
        os.close(fd)
    return parse_stat(pid, text)


def parse_stat(pid: int, text: bytes) -> Optional[Stat]:
    """``/proc/PID/stat`` as proc(5) describes it; the name in brackets may hold anything."""
    rest = text[text.rfind(b")") + 1 :].split()
    if len(rest) < 22:
        return None
    return Stat(
        pid=pid,
        state=rest[0].decode("ascii"),
        parent=int(rest[1]),
        group=int(rest[2]),
        session=int(rest[3]),
        ticks=int(rest[11]) + int(rest[12]),
        start=int(rest[19]),
        pages=int(rest[21]),
    )


_LETTERS = {"running": "R", "disk-sleep": "D", "stopped": "T", "tracing-stop": "t", "zombie": "Z"}


def _stat_elsewhere(pid: int) -> Optional[Stat]:
    """The same through psutil, for systems without /proc."""
    if psutil is None:
        return None
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return Stat(
                pid=pid,
                state=_LETTERS.get(process.status(), "S"),
                parent=process.ppid(),
                group=os.getpgid(pid),
                session=os.getsid(pid),
                ticks=int((times.user + times.system) * ticks_per_second()),
                start=int(process.create_time() * 1e6),
                pages=process.memory_info().rss // page_size(),
            )
    except (psutil.Error, OSError):
        return None


def identify(pid: int) -> Optional[Identity]:
    """The identity of the process that has the id ``pid`` now."""
    found = stat(pid)
    return Identity(pid, found.start, boot_id(), namespace()) if found else None


def here(who: Identity) -> bool:
    """Whether the process ids of ``who`` count in this world at all."""
    return who.boot == boot_id() and who.namespace == namespace()


def alive(who: Identity) -> bool:
    """Whether exactly this process still runs. A zombie does not."""
    found = stat(who.pid)
    return found is not None and found.start == who.start and found.state not in "ZX" and here(who)


def exit_status(who: Identity) -> Optional[int]:
    """The wait status of a process that ended and whose parent has not taken note yet.

    Field 52 of ``/proc/PID/stat``. None where it is not told: for processes of others the kernel
    says 0 in its place.
    """
    found = stat(who.pid)
    if found is None or found.start != who.start or found.state != "Z":
        return None
    try:
        owner = os.stat("/proc/{}".format(who.pid)).st_uid
        with open("/proc/{}/stat".format(who.pid), "rb") as file:
            text = file.read()
        told = int(text[text.rfind(b")") + 1 :].split()[49])
    except (OSError, ValueError, IndexError):
        return None
    return told if os.geteuid() in (0, owner) else None


def ticks_per_second() -> int:
    """The unit of ``Stat.ticks``."""
    return os.sysconf("SC_CLK_TCK")


def page_size() -> int:
    """The unit of ``Stat.pages``, in bytes."""
    return os.sysconf("SC_PAGE_SIZE")
