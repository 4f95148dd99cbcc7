"""What is due in a conversation in which nobody speaks."""

import time

import pytest

from trainwatch.link.clock import Clock
from trainwatch.link.door import Door


class Far(Door):
    ping = 4.0
    patience = 10.0


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    times = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[0])
    return times


def test_a_first_word_that_does_not_come_is_wondered_at_once(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    assert due.patience() == 4.0
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
    assert due.patience() == 4.0
    now[0] = 104.0
    assert due.patience() == 0.0
    assert due.is_time_to_ping()
    assert not due.is_time_to_ping()
    assert due.patience() == 4.0


def test_a_probe_that_stops_answering_is_lost_after_ten_seconds(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    due.heard = True
    due.turned(arrived=True, reading=True)
    now[0] = 110.0
    due.turned(arrived=False, reading=True)
    assert not due.lost
    now[0] = 110.1
    assert due.lost


def test_while_we_do_not_read_silence_means_nothing(now: list[float]) -> None:
    due = Clock(Far(["x"]))
    due.heard = True
    now[0] = 200.0
    due.turned(arrived=False, reading=False)
    assert not due.lost


def test_after_a_suspend_the_connection_is_tried_at_once(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = [1e9]
    monkeypatch.setattr(time, "time", lambda: wall[0])
    due = Clock(Far(["x"]))
    due.heard = True
    due.turned(arrived=True, reading=True)
    now[0], wall[0] = 101.0, 1e9 + 3600
    due.turned(arrived=False, reading=True)
    assert due.is_time_to_ping()
    now[0] = 105.0
    assert due.lost


def test_a_probe_on_this_machine_needs_no_ping(now: list[float]) -> None:
    due = Clock(Door(["x"]))
    due.heard = True
    now[0] = 1e6
    assert due.patience() is None
    assert not due.is_time_to_ping()
