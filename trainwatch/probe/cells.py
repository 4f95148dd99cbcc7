"""One quantity of one device, with a fate of its own.

The law of this file: what fails in one cell stays in that cell, is named, and is tried again.
"""

from typing import Callable, Generic, Optional, TypeVar

T = TypeVar("T")

EVERY_TIME = 0.0
ONCE = float("inf")
UNSUPPORTED_PAUSE = 60.0  # a driver that comes to itself, a board that changes its mode
LONGEST_PAUSE = 60.0
_SLACK = 0.2  # a reading asked for once per second arrives a little early or late


class UnsupportedError(Exception):
    """The device or its driver does not offer this quantity."""


class FailingError(Exception):
    """The question went wrong this time; ``code`` is the driver's own number for it, 0 for ours."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class Cell(Generic[T]):
    """Reads at most once per ``period`` seconds and keeps the value, or the fault, in between."""

    def __init__(self, name: str, period: float, read: Callable[[], T]) -> None:
        self.name = name
        self.value: Optional[T] = None
        self.fault = ""
        self.code = 0
        self.supported = True
        self._period = period
        self._read = read
        self._due = 0.0
        self._pause = 0.0

    def sample(self, now: float) -> Optional[T]:
        """The value, read anew if it is time to. None: see ``fault``."""
        if now + _SLACK < self._due:
            return self.value
        try:
            self.value, self.fault, self.code = self._read(), "", 0
            self.supported = True
            self._pause, wait = 0.0, self._period
        except UnsupportedError:
            self.value, self.fault, self.code = None, "not supported", 0
            self.supported = False
            self._pause, wait = 0.0, UNSUPPORTED_PAUSE
        except FailingError as error:
            self.value, self.fault, self.code = None, str(error), error.code
            self.supported = True
            self._pause = wait = min(LONGEST_PAUSE, 2 * self._pause or 1.0)
        self._due = now + wait
        return self.value
