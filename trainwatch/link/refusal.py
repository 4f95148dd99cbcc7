"""A link to what cannot be reached: it says why, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.facts import Trouble


class Refusal:
    """Stands for one of several targets, so that the others are watched all the same."""

    def __init__(self, trouble: Trouble) -> None:
        self._waiting = [trouble]

    def open(self, wake: Callable[[], None]) -> None:
        """See Link."""
        wake()

    def take(self, limit: int) -> list[Any]:
        """The one sentence, once."""
        taken, self._waiting = self._waiting[:limit], self._waiting[limit:]
        return taken

    def wait(self, timeout: float) -> bool:
        """See Link."""
        del timeout
        return True

    def send(self, request: Any) -> None:
        """Nobody answers."""

    @property
    def closed(self) -> bool:
        """Whether it was said."""
        return not self._waiting

    def close(self) -> None:
        """See Link."""
