"""Parts of files, safely.

The law of this file: only regular files are ever opened, never through a symbolic link, and never
more than was asked for is held. What changes while it is read is read again by whoever asked.
"""

import os
import stat
from typing import List

from trainwatch.facts import FileBytes, Want
from trainwatch.wire import MAX_RAW


def ends(path: str, want: Want, at: float) -> List[FileBytes]:
    """Head and tail of ``path``, or all of it when it is no larger than the head. Raises OSError."""
    head, tail = min(want.head, MAX_RAW), min(want.tail, MAX_RAW)
    with _Regular(path) as file:
        size = file.status.st_size
        if size <= head:
            data = file.read(0, head)
            return [file.part(0, data, at)._replace(size=max(size, len(data)))]
        found = [file.part(0, file.read(0, head), at)] if head else []
        start = max(size - tail, head)
        return [*found, file.part(start, file.read(start, size - start), at)] if tail else found


def part(path: str, offset: int, length: int, at: float) -> FileBytes:
    """``length`` bytes of ``path``, fewer at its end. Raises OSError."""
    with _Regular(path) as file:
        return file.part(offset, file.read(offset, length), at)


class _Regular:
    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> "_Regular":
        if not stat.S_ISREG(os.lstat(self._path).st_mode):  # opening a pipe would have effects
            raise OSError(0, "it is not a regular file")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self._fd = os.open(self._path, flags)
        self.status = os.fstat(self._fd)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def read(self, offset: int, length: int) -> bytes:
        wanted = min(length, MAX_RAW)
        data = os.pread(self._fd, wanted, offset)
        while 0 < len(data) < wanted:
            more = os.pread(self._fd, wanted - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def part(self, offset: int, data: bytes, at: float) -> FileBytes:
        return FileBytes(self._path, offset, data, self.status.st_size, self.status.st_mtime, at)
