"""A link without a probe: facts are put in, requests are kept."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeLink:
    """What a probe would say, said by a test."""

    def __init__(self, *facts: Any) -> None:
        self.waiting: deque[Any] = deque(facts)
        self.sent: list[Any] = []
        self.closed = False
        self._wake: Callable[[], None] | None = None

    def open(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def say(self, *facts: Any) -> None:
        """Facts arrive."""
        fresh = not self.waiting
        self.waiting.extend(facts)
        if fresh and self._wake:
            self._wake()

    def take(self, limit: int) -> list[Any]:
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    def wait(self, timeout: float) -> bool:
        return bool(self.waiting)

    def send(self, request: Any) -> None:
        self.sent.append(request)

    def close(self) -> None:
        self.closed = True
