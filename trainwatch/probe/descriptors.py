"""What the open descriptors of a process lead to.

The law of this file: it looks and never opens: whoever opens a pipe or a terminal takes from those
who read it. What cannot be seen (another user's process) raises PermissionError.
"""

import os
import re
import stat
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from trainwatch.probe import identity

_DELETED = " (deleted)"
_TERMINAL = re.compile(r"/dev/(pts/\d+|tty\w*|console)$")
_MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")


class Descriptor(NamedTuple):
    """One open descriptor."""

    pid: int
    number: int
    kind: str  # "file" | "pipe" | "terminal" | "master" | "socket" | "null" | "other"
    path: str  # as the kernel names it: "/x/y", "pipe:[42]"; for a file, where it lies
    deleted: bool  # a file that has no name any more
    file: Tuple[int, int]  # device and inode
    reads: bool
    writes: bool

    @property
    def entry(self) -> str:
        """The place in /proc that leads to the open file itself."""
        return "/proc/{}/fd/{}".format(self.pid, self.number)


def of(pid: int) -> List[Descriptor]:
    """The open descriptors of a process, by number; none where the system has no /proc.

    Raises PermissionError when it is not ours to look at.
    """
    try:
        numbers = sorted(map(int, os.listdir("/proc/{}/fd".format(pid))))
    except PermissionError:
        raise
    except OSError:
        return []
    return [found for found in (one(pid, number) for number in numbers) if found is not None]


def one(pid: int, number: int) -> Optional[Descriptor]:
    """The descriptor ``number`` of a process; None when it is closed. Raises PermissionError."""
    entry = "/proc/{}/fd/{}".format(pid, number)
    try:
        path = os.readlink(entry)
        status = os.stat(entry)
        flags = int(_about(pid, number).get("flags", "0"), 8)
    except PermissionError:
        raise
    except (OSError, ValueError):
        return None
    kind = _kind(path, status.st_mode)
    file = (status.st_dev, status.st_ino)
    deleted = kind == "file" and _at(path) != file
    if deleted and path.endswith(_DELETED):
        path = path[: -len(_DELETED)]
    way = flags & os.O_ACCMODE
    return Descriptor(
        pid,
        number,
        kind,
        path,
        deleted,
        file,
        way in (os.O_RDONLY, os.O_RDWR),
        way in (os.O_WRONLY, os.O_RDWR),
    )


def _kind(path: str, mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISFIFO(mode):
        return "pipe"
    if stat.S_ISSOCK(mode):
        return "socket"
    if path == os.devnull:
        return "null"
    if path in _MASTERS:
        return "master"
    return "terminal" if _TERMINAL.match(path) else "other"


def _at(path: str) -> Optional[Tuple[int, int]]:
    """Device and inode of what lies at ``path`` now, in this view of the file system."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _about(pid: int, number: int) -> Dict[str, str]:
    """``/proc/PID/fdinfo/N``: octal flags, position, and for a terminal's master its number."""
    with open("/proc/{}/fdinfo/{}".format(pid, number)) as file:
        lines = [line.partition(":") for line in file]
    return {name: value.strip() for name, _, value in lines}


# --- the other end --------------------------------------------------------------------------------


def readers(pipe: Descriptor) -> List[Descriptor]:
    """Who reads from a pipe, as far as we may see it; its own writer excluded."""
    ends = everywhere([pipe.path])
    return [end for end in ends if end.reads and end.file == pipe.file and end.pid != pipe.pid]


def writers(pipe: Descriptor) -> List[Descriptor]:
    """Who writes to a pipe, as far as we may see it; its own reader excluded."""
    ends = everywhere([pipe.path])
    return [end for end in ends if end.writes and end.file == pipe.file and end.pid != pipe.pid]


def master(terminal: Descriptor) -> Optional[Descriptor]:
    """The other end of a pseudo terminal, in the process that shows it or keeps it."""
    name = terminal.path.rpartition("/")[2]
    for end in everywhere(_MASTERS):
        try:
            if _about(end.pid, end.number).get("tty-index") == name:
                return end
        except OSError:
            continue
    return None


def everywhere(paths: Sequence[str]) -> Iterator[Descriptor]:
    """Every descriptor on this machine that we may see and that the kernel names so."""
    for pid in identity.pids():
        try:
            numbers = os.listdir("/proc/{}/fd".format(pid))
        except OSError:
            continue
        for number in numbers:
            try:
                if os.readlink("/proc/{}/fd/{}".format(pid, number)) in paths:
                    found = one(pid, int(number))
                    if found is not None:
                        yield found
            except OSError:
                continue


def written_files(pid: int) -> List[Descriptor]:
    """The regular files that a process has open for writing, by number."""
    try:
        return [found for found in of(pid) if found.kind == "file" and found.writes]
    except PermissionError:
        return []


def addresses(pid: int) -> List[str]:
    """The paths of the sockets that a process listens on or talks through."""
    try:
        nodes = {found.path[len("socket:[") : -1] for found in of(pid) if found.kind == "socket"}
        with open("/proc/net/unix", errors="surrogateescape") as table:
            rows = [line.split(None, 7) for line in table]
    except OSError:
        return []
    return [row[7].strip() for row in rows if len(row) == 8 and row[6] in nodes]
