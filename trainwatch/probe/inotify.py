"""The kernel's word that a file changed, through ctypes.

The law of this file: a hint, never a truth. Where inotify is missing (no Linux, no watches left) or
blind (file systems whose files are written by other machines) nothing is reported, and whoever
follows a file looks for itself; ``sees`` tells which of the two holds for a path.
"""

import ctypes
import os
import struct
from typing import Dict, Set

MODIFY, ATTRIB, CLOSE_WRITE = 0x2, 0x4, 0x8
MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x40, 0x80, 0x100, 0x200
DELETE_SELF, MOVE_SELF = 0x400, 0x800

FILE = MODIFY | ATTRIB | DELETE_SELF | MOVE_SELF
NAMES = CREATE | DELETE | MOVED_FROM | MOVED_TO
FOLDER = NAMES | CLOSE_WRITE | DELETE_SELF | MOVE_SELF

_EVENT = struct.Struct("iIII")  # wd, mask, cookie, length of the name that follows: inotify(7)
_BLIND = (
    "nfs", "cifs", "smb", "fuse", "lustre", "gpfs", "beegfs", "ceph", "gluster", "9p", "afs", "virtiofs",
    "orangefs", "pvfs", "panfs", "vboxsf", "prl_fs", "ocfs", "wekafs", "ncpfs",
)  # fmt: skip


class Inotify:
    """A set of watched paths; readable (in the sense of select) when one of them changed."""

    def __init__(self) -> None:
        self.fd = -1
        self._watched: Dict[int, str] = {}
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self.fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, AttributeError):
            pass  # not Linux, or no more of them for this user

    def watch(self, path: str, mask: int) -> bool:
        """Watch ``path``, also when it was watched before; False where that cannot be done."""
        if self.fd < 0:
            return False
        wd = self._libc.inotify_add_watch(self.fd, os.fsencode(path), mask)
        self._watched[wd] = path
        return bool(wd >= 0)

    def drain(self) -> Set[str]:
        """The watched paths that something was reported of since the last call."""
        changed: Set[str] = set()
        try:
            while self.fd >= 0:
                changed |= self._paths(os.read(self.fd, 65536))
        except OSError:
            pass
        return changed

    def _paths(self, events: bytes) -> Set[str]:
        paths, start = set(), 0
        while start < len(events):
            wd, _, _, length = _EVENT.unpack_from(events, start)
            start += _EVENT.size + length
            paths.add(self._watched.get(wd, ""))
        return paths

    def close(self) -> None:
        """Watch nothing any more."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def sees(path: str) -> bool:
    """Whether changes of ``path`` by any writer reach inotify: not so on network file systems."""
    kind = _file_system(os.path.realpath(path))
    return bool(kind) and not kind.startswith(_BLIND)


def _file_system(path: str) -> str:
    """The type of the file system that ``path`` lies on; "" where the system does not tell."""
    kind, best = "", 0
    try:
        with open("/proc/self/mountinfo", errors="surrogateescape") as mounts:
            for line in mounts:
                left, _, right = line.partition(" - ")
                point = left.split(" ", 5)[4].replace("\\040", " ").rstrip("/")
                if len(point) >= best and (path + "/").startswith(point + "/"):
                    kind, best = right.split(" ", 1)[0], len(point)
    except (OSError, IndexError):
        pass
    return kind
