"""What only the kernel can do for a supervisor.

The law of this file: nothing here is needed for the training to run. Where the system cannot do it
the caller learns so by the result, never by an exception.
"""

import contextlib
import ctypes
import os
from typing import List, Optional

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_M_MMAP_THRESHOLD = -3  # malloc.h of glibc


def adopt_orphans() -> bool:
    """Become the parent of every descendant that loses its own (prctl(2)). False: cannot."""
    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def die_with_parent(number: int) -> None:
    """Have this process signalled when its parent dies, however that happens (prctl(2))."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def keep_big_blocks_apart() -> None:
    """Have memory over 128 KiB mapped by itself (mallopt(3)), so that what grows leaves no holes.

    glibc raises that limit by itself up to 32 MiB; a column that grows would then be copied through
    the heap again and again.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 128 << 10)


def set_title(title: str) -> None:
    """Show ``title`` as the command line of this forked process.

    The caller's words would stay there otherwise, and ``pkill -f train.py`` is meant for the training.
    The memory between arg_start and arg_end (fields 48 and 49 of proc(5)) is ours to write.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        first, last = int(fields[45]), int(fields[46])
    except (OSError, ValueError, IndexError):
        return
    room = last - first
    if 0 < first < last:
        ctypes.memmove(first, title.encode("utf-8")[: room - 1].ljust(room, b"\0"), room)


def close_all_but(*kept: int) -> None:
    """Close every other descriptor of this process."""
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        found = list(range(1024))
    for fd in set(found).difference(kept):
        with contextlib.suppress(OSError):
            os.close(fd)


class OomKills:
    """Whether the out-of-memory killer struck in the control group of this process.

    Sources: ``oom_kill`` in memory.events (cgroup v2) or memory.oom_control (cgroup v1).
    """

    def __init__(self) -> None:
        self._path = ""
        self._before: Optional[int] = None
        for path in _counter_files():
            self._before = _count(path)
            if self._before is not None:
                self._path = path
                return

    def happened(self) -> bool:
        """Whether a process of the group was killed since this object was made."""
        now = _count(self._path) if self._path else None
        return now is not None and self._before is not None and now > self._before


def _counter_files() -> List[str]:
    """Where the counter may be, the most precise first; inside a container the path is cut off."""
    try:
        with open("/proc/self/cgroup") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for _, controllers, path in lines:
        if controllers == "":
            for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
                found += [mount + path + "/memory.events", mount + "/memory.events"]
        elif "memory" in controllers.split(","):
            mount = "/sys/fs/cgroup/memory"
            found += [mount + path + "/memory.oom_control", mount + "/memory.oom_control"]
    return [os.path.normpath(path) for path in found]


def _count(path: str) -> Optional[int]:
    try:
        with open(path) as file:
            for line in file:
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    except (OSError, ValueError):
        pass
    return None
