"""Whether anybody may be writing below a folder now.

The law of this file: "nobody" is only said where it can be seen: on a file system of this machine
whose young files are our own, by processes of which none has one open for writing, works there or was
told of it. It looks at /proc and opens nothing there. Those that began us, shells that wait for a person and
trainwatch itself are no trainings.
"""

import os
import stat
from typing import Iterable, List, Optional, Set, Tuple

from trainwatch.probe import descriptors, identity, inotify
from trainwatch.probe.cmdline import (
    command_of,
    folder_of,
    is_interactive_shell,
    is_trainwatch,
    name_of,
)

YOUNG = 60.0  # seconds; what is older is believed to be left as it is
_File = Tuple[int, int]  # device and inode
_IDLE = frozenset(
    ["sleep", "tail", "less", "more", "man", "watch", "top", "htop", "tmux", "screen", "ssh"]
)
_SOME = 64  # young files that are looked at more closely


def nobody(root: str, paths: Iterable[str]) -> bool:
    """Whether nobody writes below ``root``, where ``paths`` have changed lately."""
    root = os.path.realpath(root)
    young = list(paths)[:_SOME]
    if not os.path.isdir("/proc/self/fd") or not inotify.sees(root) or not _ours([root, *young]):
        return False
    files = {file for file in map(_file, young) if file}
    known = _ancestors() | {os.getpid()}
    return not any(_may_write(pid, root, files) for pid in identity.pids() if pid not in known)


def _ours(paths: List[str]) -> bool:
    """Whether only processes that we may look at write such files."""
    me = os.geteuid()
    try:
        return me == 0 or all(os.lstat(path).st_uid == me for path in paths)
    except OSError:
        return False


def _file(path: str) -> Optional[_File]:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _ancestors() -> Set[int]:
    found: Set[int] = set()
    one = identity.stat(os.getpid())
    while one is not None and one.parent not in found and one.parent > 0:
        found.add(one.parent)
        one = identity.stat(one.parent)
    return found


def _may_write(pid: int, root: str, files: Set[_File]) -> bool:
    command = command_of(pid)
    if not command or is_trainwatch(command) or is_interactive_shell(command):
        return False
    if name_of(pid) in _IDLE:
        return False
    cwd = folder_of(pid)
    return _works_at(cwd, root) or _told_of(command, cwd, root) or _holds(pid, root, files)


def _works_at(cwd: str, root: str) -> bool:
    """In the folder, below it, or in one above it that is somebody's place of work."""
    if _lies_in(cwd, root):
        return True
    return _lies_in(root, cwd) and cwd not in ("/", os.path.expanduser("~")) and not _shared(cwd)


def _shared(path: str) -> bool:
    """Whether it is a folder for everybody's files, as /tmp."""
    try:
        return bool(os.stat(path).st_mode & stat.S_ISVTX)
    except OSError:
        return False


def _told_of(command: List[str], cwd: str, root: str) -> bool:
    values = [word.partition("=")[2] or word for word in command[1:] if "\0" not in word]
    paths = [os.path.normpath(os.path.join(cwd, os.path.expanduser(one))) for one in values]
    return any(_lies_in(path, root) for path in paths)


def _holds(pid: int, root: str, files: Set[_File]) -> bool:
    """Whether it has a file below open for writing, also where it knows the folder by another name."""
    held = descriptors.written_files(pid)
    return any(_lies_in(one.path, root) or one.file in files for one in held)


def _lies_in(path: str, folder: str) -> bool:
    return bool(path) and (path == folder or path.startswith(folder.rstrip("/") + "/"))
