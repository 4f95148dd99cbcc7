"""A link whose work is done by one thread of its own.

The law of this file: others put requests down and ring; only the thread reads, writes and delivers. The
bell is a pipe, so that the thread can wait for it and for its source at once; it goes with the thread.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainwatch.link.inbox import Inbox
from trainwatch.link.journal import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Threaded:
    """What a Link does, but for ``_run``; with ``record``, a journal of the facts is written there."""

    def __init__(self, name: str, record: Path | None) -> None:
        self._record = record
        self._journal: Recording | None = None
        self._inbox = Inbox()
        self._requests: deque[Any] = deque()
        self._closing = False
        self._bell = self._rope = -1
        self._hanging = threading.Lock()  # of the bell: nobody rings while it is taken down
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def open(self, wake: Callable[[], None]) -> None:
        """Start. ``wake`` is called from the link's thread.

        Raises OSError when the journal cannot be created.
        """
        if self._record is not None:
            self._journal = Recording(self._record)
        self._bell, self._rope = os.pipe()
        for end in (self._bell, self._rope):
            os.set_blocking(end, False)
        self._inbox.open(wake, self._ring)
        self._thread.start()
        self._ring()  # something may have been asked for already

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts, in order; never blocks."""
        return self._inbox.take(limit)

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the link is closed; False when the time ran out."""
        return self._inbox.wait(timeout)

    def send(self, request: Any) -> None:
        """Ask for something; never blocks."""
        self._requests.append(request)
        self._ring()

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        return self._inbox.closed

    def close(self) -> None:
        """Leave; what is watched stays."""
        self._closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _ring(self) -> None:
        with self._hanging, suppress(OSError):  # it may ring already
            if self._rope >= 0:
                os.write(self._rope, b"!")

    # --- what follows runs in the link's own thread

    def _run(self) -> None:
        """Deliver facts until there are no more, or ``_closing``."""
        raise NotImplementedError

    def _work(self) -> None:
        self._run()
        if self._journal is not None:
            self._journal.close()
        self._inbox.end()
        with self._hanging:
            os.close(self._bell)
            os.close(self._rope)
            self._bell = self._rope = -1

    def _put(self, found: Iterable[Any]) -> None:
        """Deliver facts, and keep them in the journal."""
        journal, facts = self._journal, list(found)
        if journal is not None:
            facts += [t for fact in facts if (t := journal.write(fact)) is not None]
        self._inbox.put(facts)
