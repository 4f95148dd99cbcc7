"""A bad network on loopback: what passes through is late, slow, withheld or cut off."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

_BLOCK = 1 << 14
_IN_FLIGHT = 64  # blocks that are on their way at once; more than that waits in the sender


class Proxy:
    """Connections to ``port`` go on to ``target``. Settings count from the next block on."""

    def __init__(self, target: int) -> None:
        self.delay = 0.0  # seconds, one way
        self.rate = float("inf")  # bytes a second, each way
        self.passes = threading.Event()  # cleared = a black hole: nothing arrives, nothing ends
        self.passes.set()
        self.carried = 0  # bytes from the target
        self._target = target
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._begin(self._accept)

    def cut(self) -> None:
        """Reset every connection, wherever in a frame it may be."""
        for one in list(self._open):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """No network any more."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.passes.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(one)
            ways = self._carry(near, far, counted=False) + self._carry(far, near, counted=True)
            self._begin(partial(self._bury, near, far, ways))

    def _bury(
        self, near: socket.socket, far: socket.socket, ways: tuple[threading.Thread, ...]
    ) -> None:
        for way in ways:
            way.join()
        for one in (near, far):
            self._open.discard(one)
            one.close()

    def _carry(
        self, source: socket.socket, sink: socket.socket, counted: bool
    ) -> tuple[threading.Thread, ...]:
        line: queue.Queue[tuple[float, bytes]] = queue.Queue(_IN_FLIGHT)

        def take() -> None:
            data = b"x"
            while data:
                try:
                    data = source.recv(_BLOCK)
                except OSError:
                    data = b""
                line.put((time.monotonic() + self.delay, data))

        def give() -> None:
            data = b"x"
            while data:
                due, data = line.get()
                time.sleep(max(0.0, due - time.monotonic()) + len(data) / self.rate)
                self.passes.wait()
                self.carried += len(data) if counted else 0
                with suppress(OSError):
                    sink.sendall(data)
            for one in (source, sink):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        return self._begin(take), self._begin(give)

    def _begin(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread
