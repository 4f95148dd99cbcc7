"""The bytes of a growing file, whatever happens to it.

The law of this file: every byte that could be seen is sent once and in order, and where bytes cannot
be excluded to be missing there is a Gap. What was sent is known by its end: each read begins ``TAIL``
bytes early, and when those are not what was sent last, the file is not the one that was followed.
The descriptor is held, so that a renamed or deleted file is read to its end before its successor.
Never mmap: a file that is truncated under a map kills the process.
"""

import errno
import os
import stat
import time
from typing import Any, List, NamedTuple, Optional, Tuple

from trainwatch.facts import Chunk, FileBytes, Gap, Resume, Trouble
from trainwatch.wire import MAX_RAW

BLOCK = 1 << 18
TAIL = 64
FAR = 1 << 19  # bytes still to be sent, from which on the end is worth sending first
SURE = 16  # bytes that must agree before another file is taken for a longer copy of this one
LINGER = 10.0  # seconds for which a writer may still hold the file that was rotated away


class _Left(NamedTuple):
    """A file that was read to its end and has a successor."""

    fd: int
    size: int
    until: float


class FileStream:
    """Follows the file at ``path``; ``poll`` whenever something may have happened.

    ``held``: the file that is there at the first look and no other, whatever the path may come to mean.
    """

    begun = True  # what is there can be polled at once
    ended = None  # a file has no end of its own

    def __init__(
        self, name: str, path: str, resume: Optional[Resume] = None, held: bool = False
    ) -> None:
        self.name = name
        self.path = path
        self._held = held
        self.at_end = False  # the last poll left nothing unread
        self._offset = resume.offset if resume else 0
        self._tail = resume.tail.encode("latin-1", "replace") if resume else b""
        self._at_start = not self._offset  # nothing of this file has been sent yet
        self._fd = -1
        self._identity = (0, 0)
        self._left: List[_Left] = []
        self._trouble = ""
        self._full = False  # the disk under it

    def poll(self) -> List[Any]:
        """What is new: at most one block of bytes, with what must be said around it. Never raises."""
        found: List[Any] = []
        self.at_end = True
        try:
            self._look(found)
        except OSError as error:
            self._say(found, "{} cannot be read: {}".format(self.path, error.strerror))
            self.close()
        return found

    def room(self) -> List[Any]:
        """That there is none left for what is still to be written, or again some; where that changed."""
        if self._fd < 0:
            return []
        place = os.fstatvfs(self._fd)
        free = place.f_bavail if os.geteuid() else place.f_bfree
        if (free == 0) == self._full:
            return []
        self._full = free == 0
        text, fix = "", ""
        if self._full:
            text = "the disk is full: what is printed into {} now is lost".format(self.path)
            fix = "free some space on it"
        return [Trouble("room:" + self.name, text, fix, time.time())]

    def silent(self) -> float:
        """Seconds since the file was written; 0.0 where that is not known."""
        try:
            return max(time.time() - os.fstat(self._fd).st_mtime, 0.0)
        except OSError:
            return 0.0

    def part(self, offset: int, length: int) -> FileBytes:
        """Bytes of the open file, also where it has been renamed or deleted."""
        data, size, mtime = b"", 0, 0.0
        try:
            if self._fd < 0:
                self._fd, self._identity = _open(self.path)
            data = os.pread(self._fd, min(length, MAX_RAW), offset)
            status = os.fstat(self._fd)
            size, mtime = status.st_size, status.st_mtime
        except (OSError, ValueError):
            pass  # no file, or no such place in it
        return FileBytes(self.name, offset, data, size, mtime, time.time())

    def ahead(self, most: int, since: int) -> Optional[FileBytes]:
        """The end of the file, beyond ``since``; None where ``poll`` is soon there anyway."""
        try:
            if self._fd < 0:
                self._fd, self._identity = _open(self.path)
            size = os.fstat(self._fd).st_size
        except OSError:
            return None
        if size - self._offset < FAR or size <= since:
            return None
        start = max(since, size - most, 0)
        return self.part(start, size - start)

    def close(self) -> None:
        """Let go of every file; a later ``poll`` goes on where this one was."""
        for fd in [self._fd] + [left.fd for left in self._left]:
            if fd >= 0:
                os.close(fd)
        self._fd = -1
        self._left = []

    def _look(self, found: List[Any]) -> None:
        if self._fd < 0:
            try:
                self._fd, self._identity = _open(self.path)
            except FileNotFoundError:
                self._say(found, "waiting for {} to appear".format(self.path))
                return
            self._say(found, "")
        self._watch_left(found)
        self._read(found)
        if self.at_end and not self._held:
            self._follow_path(found)

    def _read(self, found: List[Any]) -> None:
        known = len(self._tail)
        data = os.pread(self._fd, known + BLOCK, self._offset - known)
        if not data.startswith(self._tail) or not (known or self._begins_here()):
            self._restart(found, "truncated")
        elif self._at_start and data[:1] == b"\0":
            self._restart(found, "missing")
        elif len(data) > known:
            found.append(Chunk(self.name, self._offset, data[known:], time.time()))
            self._offset += len(data) - known
            self._tail = data[-TAIL:]
            self._at_start = False
            self.at_end = len(data) < known + BLOCK

    def _begins_here(self) -> bool:
        """Whether nothing but NUL bytes stands before the offset."""
        return not self._offset or _first_byte(self._fd) == self._offset

    def _restart(self, found: List[Any], reason: str) -> None:
        """Go to the first byte of the open file that says something.

        A writer that does not append leaves a run of NUL bytes up to its old position when its file
        is truncated.
        """
        self._offset = _first_byte(self._fd)
        self._tail = b""
        self._at_start = not self._offset
        self.at_end = False
        found.append(Gap(self.name, self._offset, reason, time.time()))

    def _follow_path(self, found: List[Any]) -> None:
        """Look whether the path still means the open file, all of which is read."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            self._say(found, "{} was deleted; following it while it is open".format(self.path))
            return
        if (status.st_dev, status.st_ino) == self._identity:
            self._say(found, "")
        elif status.st_size:  # an empty successor: whoever writes still writes to the open file
            self._switch(found)

    def _switch(self, found: List[Any]) -> None:
        try:
            fd, identity = _open(self.path)
        except FileNotFoundError:
            return  # gone again: the open file is still the one to follow
        self.at_end = False
        size = os.fstat(self._fd).st_size
        if size > self._offset or identity == self._identity:
            os.close(fd)  # the last bytes came before the successor; it is looked at again
            return
        self._left.append(_Left(self._fd, size, time.monotonic() + LINGER))
        self._fd, self._identity = fd, identity
        self._say(found, "")
        if not self._continues():
            self._restart(found, "replaced")

    def _continues(self) -> bool:
        """Whether the file is a longer copy of what was sent, as rsync and editors leave it."""
        known = len(self._tail)
        sure = known >= SURE or known == self._offset
        return known > 0 and sure and os.pread(self._fd, known, self._offset - known) == self._tail

    def _watch_left(self, found: List[Any]) -> None:
        """Look whether somebody still writes to a file that has a successor: that is not followed."""
        for index, left in enumerate(self._left):
            size = os.fstat(left.fd).st_size
            if size > left.size:
                found.append(Gap(self.name, self._offset, "missing", time.time()))
                self._left[index] = left._replace(size=size)
        while self._left and time.monotonic() > self._left[0].until:
            os.close(self._left.pop(0).fd)

    def _say(self, found: List[Any], text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            found.append(Trouble("stream:" + self.name, text, "", time.time()))


def _open(path: str) -> Tuple[int, Tuple[int, int]]:
    """A descriptor and its identity. Only ever of a regular file: opening a pipe has effects."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is not a regular file")
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(fd)
    return fd, (status.st_dev, status.st_ino)


def _first_byte(fd: int) -> int:
    """Offset of the first byte that is not NUL, or the size when there is none."""
    try:
        offset = os.lseek(fd, 0, os.SEEK_DATA)
    except (OSError, AttributeError) as error:
        nothing_but_hole = getattr(error, "errno", 0) == errno.ENXIO
        offset = os.fstat(fd).st_size if nothing_but_hole else 0
    while True:
        block = os.pread(fd, BLOCK, offset)
        kept = block.lstrip(b"\0")
        offset += len(block) - len(kept)
        if kept or not block:
            return offset
