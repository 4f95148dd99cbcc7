"""How facts reach us: a started probe, a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Link(Protocol):
    """A source of facts. Its own troubles arrive as facts too: Trouble("link", ...)."""

    def open(self, wake: Callable[[], None]) -> None:
        """Start. ``wake`` is called from any thread when facts wait and none waited before."""

    def take(self, limit: int) -> list[Any]:
        """At most ``limit`` waiting facts, in order; never blocks."""

    def wait(self, timeout: float) -> bool:
        """Block until facts wait or the link is closed; False when the time ran out."""

    def send(self, request: Any) -> None:
        """Ask the probe for something; silently dropped where nobody answers (a journal)."""

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""

    def close(self) -> None:
        """Leave. The training stays."""
