"""The bytes of a growing file, whatever happens to it.

The law of this file: every byte that could be seen is sent once and in order, and where bytes cannot
be excluded to be missing there is a Gap. What was sent is known by its end: each read begins ``TAIL``
bytes early, and when those are not what was sent last, the file is not the one that was followed.
The descriptor is held, so that a renamed or deleted file is read to its end before its successor.
Never mmap: a file that is truncated under a map kills the process.
"""

import os
import stat
import time
from typing import Any, List, NamedTuple, Optional, Tuple

from trainwatch.facts import Chunk, Gap, Resume, Trouble

BLOCK = 1 << 20
TAIL = 64
LINGER = 10.0  # seconds for which a writer may still hold the file that was rotated away


class _Open(NamedTuple):
    """An open file and its identity."""

    fd: int
    identity: Tuple[int, int]


class _Left(NamedTuple):
    """A file that was read to its end and has a successor."""

    fd: int
    size: int
    until: float


class FileStream:
    """Follows the file at ``path``; ``poll`` whenever something may have happened."""

    def __init__(self, name: str, path: str, resume: Optional[Resume] = None) -> None:
        self.name = name
        self.path = path
        self.at_end = False  # the last poll left nothing unread
        self._offset = resume.offset if resume else 0
        self._tail = resume.tail.encode("latin-1", "replace") if resume else b""
        self._fresh = not self._offset  # nothing of the file has been seen yet
        self._file: Optional[_Open] = None
        self._left: Optional[_Left] = None
        self._trouble = ""

    def poll(self) -> List[Any]:
        """What is new: at most one block of bytes, with what must be said around it. Never raises."""
        found: List[Any] = []
        self.at_end = True
        try:
            self._look(found)
        except OSError as error:
            self._say(found, "{} cannot be read: {}".format(self.path, error.strerror))
            self._close()
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._close()
        self._leave(None)

    def _look(self, found: List[Any]) -> None:
        if self._file is None:
            self._file = self._opened()
            if self._file is None:
                self._say(found, "waiting for {} to appear".format(self.path))
                return
            self._say(found, "")
        self._watch_left(found)
        self._read(found)
        if self.at_end:
            self._follow_path(found)

    def _opened(self) -> Optional[_Open]:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(fd)
            raise OSError(0, "it is not a regular file")
        return _Open(fd, (status.st_dev, status.st_ino))

    def _read(self, found: List[Any]) -> None:
        assert self._file is not None
        start = self._offset - len(self._tail)
        data = os.pread(self._file.fd, len(self._tail) + BLOCK, start)
        if not data.startswith(self._tail) or self._shrunk(data):
            self._restart(found, "truncated")
            self.at_end = False
        elif len(data) > len(self._tail):
            self._send(found, data[len(self._tail) :])

    def _shrunk(self, data: bytes) -> bool:
        """Without a known tail only the size can tell that the file is not the one resumed."""
        return not data and not self._tail and os.fstat(self._fd()).st_size < self._offset

    def _fd(self) -> int:
        assert self._file is not None
        return self._file.fd

    def _send(self, found: List[Any], data: bytes) -> None:
        if self._fresh and data[:1] == b"\0":
            self._restart(found, "missing")
            self.at_end = False
            return
        found.append(Chunk(self.name, self._offset, data, time.time()))
        self._offset += len(data)
        self._tail = data[-TAIL:] if len(data) >= TAIL else (self._tail + data)[-TAIL:]
        self._fresh = False
        self.at_end = len(data) < BLOCK

    def _restart(self, found: List[Any], reason: str) -> None:
        """Go to the first byte of the open file that says something.

        A writer that does not append leaves a run of NUL bytes up to its old position when its file
        is truncated.
        """
        self._offset = _first_byte(self._fd())
        self._tail = b""
        self._fresh = not self._offset
        found.append(Gap(self.name, self._offset, reason, time.time()))

    def _follow_path(self, found: List[Any]) -> None:
        """Look whether the path still means the open file, all of which is read."""
        assert self._file is not None
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            self._say(found, "{} was deleted; following it while it is open".format(self.path))
            return
        if (status.st_dev, status.st_ino) == self._file.identity:
            self._say(found, "")
        elif status.st_size:
            self._switch(found)

    def _switch(self, found: List[Any]) -> None:
        successor = self._opened()
        if successor is None or self._file is None:
            return
        old = self._file.fd
        size = os.fstat(old).st_size
        if size > self._offset:  # written between the last read and the opening of the successor
            os.close(successor.fd)
            self.at_end = False
            return
        self._leave(_Left(old, size, time.monotonic() + LINGER))
        self._file = successor
        self.at_end = False
        self._say(found, "")
        if not self._continues(successor.fd):
            self._restart(found, "replaced")

    def _continues(self, fd: int) -> bool:
        """Whether the file is a longer copy of what was sent (as rsync or an editor leaves it)."""
        start = self._offset - len(self._tail)
        return len(self._tail) == TAIL and os.pread(fd, TAIL, start) == self._tail

    def _watch_left(self, found: List[Any]) -> None:
        """A writer that still held the rotated file has written bytes that were not sent."""
        left = self._left
        if left is None:
            return
        if os.fstat(left.fd).st_size > left.size:
            found.append(Gap(self.name, self._offset, "missing", time.time()))
            self._leave(None)
        elif time.monotonic() > left.until:
            self._leave(None)

    def _leave(self, left: Optional[_Left]) -> None:
        if self._left is not None:
            os.close(self._left.fd)
        self._left = left

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file.fd)
            self._file = None

    def _say(self, found: List[Any], text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            found.append(Trouble("stream:" + self.name, text, "", time.time()))


def _first_byte(fd: int) -> int:
    """Offset of the first byte that is not NUL, or the size when there is none."""
    try:
        offset = os.lseek(fd, 0, os.SEEK_DATA)
    except (OSError, AttributeError):
        offset = 0
    while True:
        block = os.pread(fd, BLOCK, offset)
        kept = block.lstrip(b"\0")
        offset += len(block) - len(kept)
        if kept or not block:
            return offset
