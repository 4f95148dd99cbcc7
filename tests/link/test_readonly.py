"""What passes a link through which nothing can be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from trainwatch import facts
from trainwatch.link.readonly import WORDS, ReadOnly


class Probe:
    """The other end, which notes what it is asked."""

    closed = False

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def open(self, wake: Callable[[], None]) -> None:
        pass

    def take(self, limit: int) -> list[Any]:
        return [facts.Pong(0.0)] * min(limit, 2)

    def wait(self, timeout: float) -> bool:
        return False

    def send(self, request: Any) -> None:
        self.asked.append(request)

    def close(self) -> None:
        self.closed = True


class Invented(NamedTuple):
    """A request that nobody had thought of."""


@pytest.mark.parametrize(
    "request_",
    [
        facts.Watch("x", [], [], [], False), facts.Read("a", 0, 1), facts.ListRuns(), facts.Ping(),
        facts.Bye(), facts.Cancel("1"), facts.Job("1", "verify", "/x", []),
    ],
)  # fmt: skip
def test_looking_is_free(request_: Any) -> None:
    probe = Probe()
    ReadOnly(probe).send(request_)
    assert probe.asked == [request_]


@pytest.mark.parametrize(
    "request_",
    [
        facts.Stop("x", False, 0.0), facts.Launch(["x"], "", "", False), Invented(),
        *(facts.Job("1", action, "/x", []) for action in ("keep", "copy", "discard", "remove", "new")),
    ],
)  # fmt: skip
def test_whatever_changes_something_is_answered_and_goes_no_further(request_: Any) -> None:
    probe = Probe()
    link, woken = ReadOnly(probe), []
    link.open(lambda: woken.append(True))
    link.send(request_)
    assert probe.asked == []
    assert woken
    assert link.wait(0)
    answer, *others = link.take(3)
    assert (answer.ok, answer.text) == (False, WORDS)
    assert len(others) == 2
    link.close()
    assert link.closed
