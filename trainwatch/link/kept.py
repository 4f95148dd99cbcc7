"""The newest bytes of a stream that nobody else keeps for us, for who scrolls back.

The law of this file: bounded. Two files on disk of at most PART bytes each; when the newer one is full the
older one goes, and with it what was printed before.
"""

from __future__ import annotations

import os
import tempfile
import threading
from typing import IO

PART = 64 << 20


class Kept:
    """Bytes from ``start`` to ``end`` of a stream. Any thread may ask."""

    def __init__(self, part: int = PART) -> None:
        self._part = part
        self._lock = threading.Lock()
        self._files: list[tuple[int, IO[bytes]]] = [(0, _file())]  # with where each begins
        self.end = 0

    @property
    def start(self) -> int:
        """The first byte that is still there."""
        return self._files[0][0]

    def add(self, data: bytes) -> bool:
        """Keep more; True when older bytes went for it."""
        with self._lock:
            went = False
            if self.end - self._files[-1][0] >= self._part:
                self._files.append((self.end, _file()))
                if len(self._files) > 2:
                    self._files.pop(0)[1].close()
                    went = True
            self._files[-1][1].write(data)
            self._files[-1][1].flush()
            self.end += len(data)
            return went

    def read(self, offset: int, length: int) -> bytes:
        """What there is of these bytes; nothing where the first of them has gone."""
        found = b""
        with self._lock:
            for begin, file in self._files:
                at, left = offset + len(found), length - len(found)
                if left > 0 and at >= begin:
                    found += os.pread(file.fileno(), left, at - begin)
        return found

    def close(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            for _, file in self._files:
                file.close()


def _file() -> IO[bytes]:
    return tempfile.TemporaryFile()
