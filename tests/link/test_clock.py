"""What is due in a conversation in which nobody speaks."""

import time

import pytest

from trainwatch.link.clock import Clock
from trainwatch.link.door import Door


class Far(Door):
    ping = 15.0
    patience = 10.0


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[0])
    return times


def test_a_first_word_that_does_not_come_is_wondered_at_once(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    assert due.patience() == 10.0
    now[0] = 109.0
    assert not due.is_time_to_wonder()
    now[0] = 110.0
    assert due.is_time_to_wonder()
    assert not due.is_time_to_wonder()


def test_a_probe_that_spoke_is_not_wondered_at(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    due.heard = True
    now[0] = 1000.0
    assert not due.is_time_to_wonder()


def test_pings_go_out_at_intervals(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    due.heard = True
    assert due.patience() == 15.0
    now[0] = 115.0
    assert due.patience() == 0.0
    assert due.is_time_to_ping()
    assert not due.is_time_to_ping()
    assert due.patience() == 15.0


def test_a_probe_on_this_machine_needs_no_ping(now: list[float]) -> None:
    due = Clock(Door(["x"]))
    due.heard = True
    now[0] = 1e6
    assert due.patience() is None
    assert not due.is_time_to_ping()
