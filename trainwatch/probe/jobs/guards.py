"""What must not be taken away, whoever asks.

The law of this file: asked a moment before anything moves; whatever cannot be seen (processes of
others) does not count as a reason.
"""

import os
from typing import List

from trainwatch.probe.jobs.progress import RefusedError

_SHOWN = 3


def check(path: str) -> None:
    """Raise RefusedError when ``path`` is in use, or no checkpoint at all."""
    name = os.path.basename(path)
    if path != os.path.normpath(path) or not os.path.isabs(path) or path.count("/") < 2:
        raise RefusedError("{} is no place of a checkpoint".format(path))
    if os.path.ismount(path) or path == os.path.expanduser("~"):
        raise RefusedError("{} is more than a checkpoint".format(path))
    linked = _linked(path)
    if linked:
        raise RefusedError("{} is what {} points at".format(name, linked))
    holders = _holders(path)
    if holders:
        shown = ", ".join(str(pid) for pid in holders[:_SHOWN])
        raise RefusedError("{} is open in process {}: wait for it".format(name, shown))


def _linked(path: str) -> str:
    """The name of a link beside it that leads into it."""
    above = os.path.dirname(path)
    real = os.path.realpath(path)
    with os.scandir(above) as entries:
        links = sorted(entry.path for entry in entries if entry.is_symlink())
    for link in links:
        aim = os.path.realpath(link)
        if aim == real or aim.startswith(real + "/"):
            return os.path.basename(link)
    return ""


def _holders(path: str) -> List[int]:
    """Processes that have a file of it open, as far as we may see."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if pid != os.getpid() and _holds(pid, path)]


def _holds(pid: int, path: str) -> bool:
    folder = "/proc/{}/fd".format(pid)
    try:
        for name in os.listdir(folder):
            aim = os.readlink(os.path.join(folder, name))
            if aim == path or aim.startswith(path + "/"):
                return True
    except OSError:
        return False
    return False
