"""Facts that have arrived and wait to be taken.

The law of this file: bounded by count and by bytes. Whoever fills it asks ``full`` first and stops
reading its source when it is; ``take`` tells when there is room again.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_BYTES = 1 << 20
MAX_FACTS = 4096
_OBJECT = 64  # bytes that any object takes


class Inbox:
    """A queue between the thread of a link and the thread that drains it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._facts: deque[tuple[int, Any]] = deque()  # with what each weighs
        self._bytes = 0
        self._ended = False
        self._wake: Callable[[], None] = _nobody
        self._room: Callable[[], None] = _nobody

    def open(self, wake: Callable[[], None], room: Callable[[], None]) -> None:
        """``wake``: facts wait where none waited. ``room``: it was full and no longer is."""
        self._wake, self._room = wake, room

    def put(self, facts: Iterable[Any]) -> None:
        """Add facts, whether or not it is full."""
        weighed = [(_weight(fact), fact) for fact in facts]
        with self._changed:
            was_empty = not self._facts
            self._facts += weighed
            self._bytes += sum(weight for weight, _ in weighed)
            rings = was_empty and bool(self._facts)
            if rings:
                self._changed.notify_all()
        if rings:
            self._wake()

    def end(self) -> None:
        """No more facts will be put."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._wake()

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` facts, in order; never blocks."""
        with self._changed:
            was_full = self._is_full()
            taken = [self._facts.popleft() for _ in range(min(limit, len(self._facts)))]
            self._bytes -= sum(weight for weight, _ in taken)
            room = was_full and not self._is_full()
        if room:
            self._room()
        return [fact for _, fact in taken]

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or none will come; False when the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._facts) or self._ended, timeout)

    @property
    def full(self) -> bool:
        """Whether the source must not be read on."""
        with self._changed:
            return self._is_full()

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        with self._changed:
            return self._ended and not self._facts

    def _is_full(self) -> bool:
        return self._bytes >= MAX_BYTES or len(self._facts) >= MAX_FACTS


def only_facts(arrived: list[Any]) -> list[Any]:
    """Without the requests and the parts of facts that a lying peer may send: they have no time."""
    return [fact for fact in arrived if hasattr(fact, "at")]


def _weight(value: Any) -> int:
    """About so many bytes are held by it."""
    if isinstance(value, bytes | str):
        return len(value) + _OBJECT
    if isinstance(value, list | tuple):
        return sum(map(_weight, value)) + _OBJECT
    return _OBJECT


def _nobody() -> None:
    pass
