"""The host: cores, memory, and the disk that the checkpoints go to.

The law of this file: it reads counters that never block; the disk is looked at by whoever may hang.
Inside a container the memory that counts is the container's: there the kernel kills at that limit.
"""

import contextlib
import os
import re
from typing import Any, Dict, NamedTuple, Optional, Tuple

from trainwatch.facts import MachineReading

psutil: Any = None  # only where it is needed: it costs more than Python's own start
if not os.path.exists("/proc/stat"):
    with contextlib.suppress(ImportError):
        import psutil


class Disk(NamedTuple):
    """A file system by one of its folders."""

    folder: str
    free: int  # for this user
    total: int


def disk_of(folder: str) -> Disk:
    """The file system of ``folder``. May hang where that does. Raises OSError."""
    status = os.statvfs(folder)
    unit = status.f_frsize
    return Disk(folder, status.f_bavail * unit, status.f_blocks * unit)


class Machine:
    """Readings of this host; the rates are means since the reading before."""

    def __init__(self) -> None:
        self._before: Optional[Tuple[float, float]] = None

    def read(self, now: float, at: float, disk: Optional[Disk]) -> MachineReading:
        """One sample. ``now`` is monotonic and measures rates, ``at`` is the time of day."""
        used, total = _memory()
        return MachineReading(
            cores=os.cpu_count() or 1,
            cpu=self._cores(now),
            memory_used=used,
            memory_total=total,
            disk=disk.folder if disk else "",
            disk_free=disk.free if disk else None,
            disk_total=disk.total if disk else None,
            at=at,
        )

    def _cores(self, now: float) -> Optional[float]:
        """Cores in use; None at the first look."""
        spent = _busy_seconds()
        if spent is None:
            return None
        before, self._before = self._before, (now, spent)
        if before is None or now <= before[0]:
            return None
        return max(0.0, (spent - before[1]) / (now - before[0]))


def _busy_seconds() -> Optional[float]:
    """Seconds that all cores together have worked since the start of the machine."""
    try:
        # user nice system idle iowait irq softirq steal, see proc(5); the guests are part of user
        ticks = [int(word) for word in _text("/proc/stat").split("\n", 1)[0].split()[1:9]]
        return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        pass
    if psutil is None:
        return None
    times = psutil.cpu_times()
    return float(sum(times) - times.idle)


def _memory() -> Tuple[Optional[int], Optional[int]]:
    """Bytes used (without what the kernel can give back at once) and bytes there are."""
    try:
        sizes: Dict[str, str] = dict(
            re.findall(r"^(\w+): +(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
        )
        total = int(sizes["MemTotal"]) * 1024
        used = total - int(sizes.get("MemAvailable", sizes["MemFree"])) * 1024
    except (OSError, ValueError, KeyError):
        if psutil is None:
            return None, None
        memory = psutil.virtual_memory()
        return memory.total - memory.available, memory.total
    return _confined(total) or (used, total)


def _confined(total: int) -> Optional[Tuple[int, int]]:
    """The same of the container we are in, where it allows less than the host has."""
    for limit, usage, statistics in _GROUPS:
        try:
            allowed = int(_text(limit))  # "max" where there is no limit
            if allowed < total:
                cache = re.findall(
                    r"^(?:total_)?inactive_file (\d+)", _text(statistics), re.MULTILINE
                )
                return int(_text(usage)) - max(map(int, cache), default=0), allowed
        except (OSError, ValueError):
            continue
    return None


_V2, _V1 = "/sys/fs/cgroup/", "/sys/fs/cgroup/memory/"
_GROUPS = (
    (_V2 + "memory.max", _V2 + "memory.current", _V2 + "memory.stat"),
    (_V1 + "memory.limit_in_bytes", _V1 + "memory.usage_in_bytes", _V1 + "memory.stat"),
)


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()
