"""Weight-file headers: one per file. Bytes become descriptions; nothing is ever unpickled.

The law of this folder: a header is a claim by a stranger. What it costs to read is bounded before
it is believed, and a file that breaks a rule of its format is DamagedError with the rule in words.
Each module carries ``SAMPLES``, whole files of its format.
"""

from __future__ import annotations

from typing import Protocol


class Source(Protocol):
    """A file of which some bytes are here."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, as far as the file goes. Raises WaitingError while they are not here."""


class WaitingError(Exception):
    """The bytes have been asked for and have not come yet."""


class DamagedError(ValueError):
    """The file cannot be whole; the message says why."""


class TooLargeError(DamagedError):
    """It may be whole, but looking into it would cost too much; the message says what."""


class Whole:
    """A file whose bytes are all here."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, as far as the file goes."""
        return self._data[offset : offset + length]
