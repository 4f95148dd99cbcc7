"""The files of a checkpoint on disk.

The law of this file: lstat only, links are named and never followed, and what changes between two
looks is seen.
"""

import os
import stat
from typing import List, NamedTuple

from trainwatch.probe.jobs.progress import RefusedError

MOST = 100000  # names; a checkpoint with more is none
_DEEPEST = 12


class Item(NamedTuple):
    """One name of a checkpoint."""

    path: str  # relative; "" is the checkpoint itself
    kind: str  # "file" | "folder" | "link" | "other"
    size: int
    stored: int
    mtime: int  # nanoseconds
    inode: int
    links: int


def items(path: str) -> List[Item]:
    """The checkpoint itself first, then everything below it. Raises OSError, RefusedError."""
    found = [_item(path, "")]
    if found[0].kind == "link":
        raise RefusedError("{} is a link: name what it points at".format(path))
    if found[0].kind not in ("file", "folder"):
        raise RefusedError("{} is neither a file nor a folder".format(path))
    waiting = [""] if found[0].kind == "folder" else []
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(path, folder) if folder else path) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            relative = os.path.join(folder, name)
            one = _item(os.path.join(path, relative), relative)
            found.append(one)
            if one.kind == "folder" and relative.count("/") < _DEEPEST:
                waiting.append(relative)
        if len(found) > MOST:
            raise RefusedError("{} holds more than {} files".format(path, MOST))
    return found


def files(found: List[Item]) -> List[Item]:
    """Those that hold bytes."""
    return [one for one in found if one.kind == "file"]


def freed(found: List[Item]) -> int:
    """Bytes that are free once these are gone: what has another name stays."""
    return sum(one.stored for one in files(found) if one.links < 2)


def _item(path: str, relative: str) -> Item:
    status = os.lstat(path)
    mode = status.st_mode
    kind = "other"
    if stat.S_ISREG(mode):
        kind = "file"
    elif stat.S_ISDIR(mode):
        kind = "folder"
    elif stat.S_ISLNK(mode):
        kind = "link"
    return Item(
        relative,
        kind,
        status.st_size,
        status.st_blocks * 512,
        status.st_mtime_ns,
        status.st_ino,
        status.st_nlink,
    )
