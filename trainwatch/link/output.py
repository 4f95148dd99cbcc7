"""The log of a container: asked for again wherever it broke off, every line once.

The law of this file: the engine writes a time before each line, and a line is known by it. Whatever
comes again after a new start is dropped; half a line at an end is not taken, because it comes again.
A log that says nothing for long is opened anew: engines are known to stop following when the file
behind it is rotated.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.link.times import Stamp, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUIET = 60.0  # seconds without a line after which the log is opened anew
_BLOCK = 1 << 18
_LONGEST = 1 << 20  # of one line that is kept together
_NEVER = Stamp(-1, 0)


class Close(NamedTuple):
    """How one reading of the log ended."""

    code: int | None  # of the command; None: it was left because it was quiet, or because we leave
    words: str  # the last thing it said that was no line of the log


class Lines:
    """Stamped lines in any chunking -> the bytes that are new."""

    def __init__(self) -> None:
        self._newest = _NEVER
        self._seen = 0  # lines with exactly that time
        self._again = 0  # ... of which so many came again since the last ``begin``
        self._rest = b""
        self.words = ""  # what was said last without a time

    @property
    def since(self) -> str:
        """The time to ask again from; "" = everything."""
        return self._newest.word

    def begin(self) -> None:
        """The log is opened (anew)."""
        self._rest, self._again, self.words = b"", 0, ""

    def feed(self, data: bytes) -> bytes:
        """The new part of the log in ``data``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [self._line(line) for line in lines]
        if len(self._rest) > _LONGEST:
            found.append(self._line(self._rest))
            self._rest = b""
        return b"".join(found)

    def _line(self, line: bytes) -> bytes:
        cut = stamped(line)
        if cut is None:
            self.words = line.decode("utf-8", "replace").strip() or self.words
            return b""
        stamp, text = cut
        if stamp[:2] < self._newest[:2]:
            return b""
        if stamp[:2] > self._newest[:2]:
            self._newest, self._seen, self._again = stamp, 0, 0
        self._again += 1
        if self._again <= self._seen:
            return b""
        self._seen = self._again
        return text + b"\n"


class Output:
    """Reads the log with one command after the other; ``take`` gets what is new."""

    def __init__(self, bell: int, take: Callable[[bytes], None]) -> None:
        self.lines = Lines()
        self._bell = bell  # readable as soon as we must leave
        self._take = take

    def read(self, command: Sequence[str]) -> Close:
        """Until the command ends, the log is quiet for long, or we leave. Raises OSError."""
        self.lines.begin()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is not meant for it
        )
        assert process.stdout is not None
        try:
            ended = self._drain(process.stdout.fileno())
        finally:
            process.stdout.close()
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
        return Close(process.returncode if ended else None, self.lines.words)

    def _drain(self, source: int) -> bool:
        """True when it ended by itself."""
        heard = time.monotonic()
        while time.monotonic() < heard + QUIET:
            ready = select.select([source, self._bell], [], [], QUIET / 4)[0]
            if self._bell in ready:
                return False
            if source in ready:
                data = os.read(source, _BLOCK)
                if not data:
                    return True
                heard = time.monotonic()
                self._take(self.lines.feed(data))
        return False
