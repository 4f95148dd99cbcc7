"""Standard input and output of one probe, and the bell that the client's threads ring.

The law of this file: nothing blocks but ``exchange``, and that only until something moves.
"""

from __future__ import annotations

import os
import selectors
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainwatch import wire

if TYPE_CHECKING:
    import subprocess

    from trainwatch.link.door import Knock

BLOCK = 1 << 18


class Pipes:
    """What is said goes out when the pipe takes it."""

    def __init__(self, probe: subprocess.Popen[bytes], bell: int, knock: Knock) -> None:
        assert probe.stdin is not None
        assert probe.stdout is not None
        self._in, self._out, self._bell = probe.stdin, probe.stdout, bell
        self._outgoing = bytearray(knock.opening)
        self._rest = knock.rest
        self._selector = selectors.DefaultSelector()
        os.set_blocking(self._in.fileno(), False)
        self._selector.register(bell, selectors.EVENT_READ)

    def say(self, request: Any) -> None:
        """Have the request sent as soon as the pipe takes it."""
        self._outgoing += wire.encode(request)

    def complete(self) -> None:
        """Have the rest of the program sent, once."""
        self._outgoing += self._rest
        self._rest = b""

    def exchange(self, reading: bool, timeout: float | None) -> bytes | None:
        """Wait until something moves. Bytes of the probe, b"" at its end, None for neither."""
        self._flush()
        self._listen(self._out.fileno(), selectors.EVENT_READ, reading)
        self._listen(self._in.fileno(), selectors.EVENT_WRITE, bool(self._outgoing))
        ready = {key.fd for key, _ in self._selector.select(timeout)}
        if self._bell in ready:
            drain(self._bell)
        if self._out.fileno() in ready:
            return os.read(self._out.fileno(), BLOCK)
        return None

    def close(self) -> None:
        """Say what is still to be said, as far as the pipe takes it, and hang up."""
        self._flush()
        self._selector.close()
        self._out.close()
        with suppress(OSError):
            self._in.close()

    def _listen(self, fd: int, events: int, wanted: bool) -> None:
        if wanted == (fd in self._selector.get_map()):
            return
        if wanted:
            self._selector.register(fd, events)
        else:
            self._selector.unregister(fd)

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: os.write(self._in.fileno(), self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()  # the probe is gone; reading tells so next


def drain(bell: int) -> None:
    """Take note of the ringing."""
    try:
        while os.read(bell, 4096):
            pass
    except BlockingIOError:
        pass
