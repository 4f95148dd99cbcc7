"""A link through which nothing can be changed.

The law of this file: what may pass is named; everything else is answered here and goes no further, also
a request that did not exist when this was written.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from trainwatch import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.link import Link

WORDS: Final = "read-only: nothing is changed from here (start without --readonly)"
_LOOKS: Final = (
    facts.Watch,
    facts.Visit,
    facts.Read,
    facts.ListRuns,
    facts.Cancel,
    facts.Ping,
    facts.Bye,
)
_HARMLESS: Final = ("verify",)
"""Jobs that only read."""


class ReadOnly:
    """``link`` for somebody who may only look."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._refused: deque[Any] = deque()
        self._wake: Callable[[], None] = _nobody

    def open(self, wake: Callable[[], None]) -> None:
        """Start."""
        self._wake = wake
        self._link.open(wake)

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts, in order; never blocks."""
        own = [self._refused.popleft() for _ in range(min(limit, len(self._refused)))]
        return own + self._link.take(limit - len(own))

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the link is closed; False when the time ran out."""
        return bool(self._refused) or self._link.wait(timeout)

    def send(self, request: Any) -> None:
        """Ask for something that changes nothing; anything else is refused in words."""
        if isinstance(request, facts.Job) and request.action not in _HARMLESS:
            self._answer(facts.JobEnded(request.id, False, WORDS, "", 0, time.time()))
        elif isinstance(request, (*_LOOKS, facts.Job)):
            self._link.send(request)
        else:
            self._answer(facts.Answer(False, True, WORDS, time.time()))

    def _answer(self, fact: Any) -> None:
        self._refused.append(fact)
        self._wake()

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        return self._link.closed and not self._refused

    def close(self) -> None:
        """Leave."""
        self._link.close()


def _nobody() -> None:
    """Nobody listens yet."""
