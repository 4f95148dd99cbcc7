"""How a probe is reached: which command, what is said first, where its words begin.

The law of this file: a door knows the way, the link does the talking. The end of a command is put
into words by its door, because only that knows whether another try makes sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trainwatch import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.link.person import Prompt


class End(NamedTuple):
    """How a command ended."""

    code: int | None  # negative: by that signal; None: it hangs and was left behind
    words: str  # what it wrote to standard error, the last few kilobytes
    noise: str  # what it wrote to standard output before it became a probe
    spoke: bool  # it was a probe


class Verdict(NamedTuple):
    """What the user is told about an end."""

    text: str
    fix: str
    final: bool  # another try would end the same way
    person: bool = False  # ... unless somebody logs in


class LogsIn(Protocol):
    """Makes a connection anew, with the help of a person."""

    made: int  # so many times it was

    def again(self, ask: Callable[[Prompt], None], leaving: Callable[[], bool]) -> Verdict | None:
        """Why it failed; None: it is there again."""


class Decoder(Protocol):
    """Bytes to facts, as ``wire.Decoder`` does it."""

    def feed(self, data: bytes) -> list[Any]:
        """Add bytes and return the facts they complete. Raises WireError."""

    @property
    def noise(self) -> str:
        """What came before the stream began."""


class Knock(NamedTuple):
    """What one start of a probe takes."""

    argv: list[str]
    decoder: Decoder  # of its output
    opening: bytes = b""  # goes before every request
    rest: bytes = b""  # goes when it has spoken: what it is asked for first must not wait for this


class Door:
    """A probe on this machine, or behind any command that simply becomes one."""

    host = ""  # where it leads, as ssh knows it
    ping: float | None = None  # seconds between two pings; None: its end is noticed anyway
    patience = 10.0  # seconds without a first word, after which ``silence`` is told
    login: LogsIn | None = None  # how a person logs in once more, where one is there
    backoff: Sequence[float] = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    """Seconds before a start, by the failures before it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.argv = list(argv)

    def knock(self) -> Knock:
        """For one start."""
        return Knock(self.argv, _Plain())

    @property
    def silence(self) -> Verdict:
        """What is told when the first word is overdue."""
        return Verdict("the probe does not answer yet", "", final=False)

    def verdict(self, end: End) -> Verdict:
        """What the end of the command means."""
        last = last_line(end.words)
        return Verdict(
            f"the probe ended ({last or how(end.code)}); starting it again", "", final=False
        )


class _Plain(wire.Decoder):
    noise = ""


def address(host: str, where: str) -> str:
    """The TARGET that means ``where`` on ``host``; "" = this machine."""
    user, at, name = host.rpartition("@")
    named = f"{user}{at}[{name}]" if ":" in name else host
    return f"{named}:{where}" if host else where


def last_line(words: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(words.split("\n")) if line.strip()), "")


def how(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "it does not answer"
    return f"signal {-code}" if code < 0 else f"code {code}"
