"""Whatever happens to a connection: nothing of the log is lost, nothing comes twice.

``tests/bench/bench_faults.py`` does the same a thousand times.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ordeal import KINDS, Ordeal
from tests.sshd import needs_sshd
from trainwatch.link import clock, ssh

pytestmark = needs_sshd


@pytest.fixture
def ordeal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ordeal]:
    """A connection that is given up after two seconds instead of ten."""
    monkeypatch.setattr(clock, "LOST", 2.0)
    monkeypatch.setattr(ssh.SshDoor, "ping", 0.5)
    made = Ordeal(tmp_path)
    yield made
    made.end()


def test_through_every_fault_the_log_arrives_byte_for_byte(ordeal: Ordeal) -> None:
    for kind in KINDS * 2:
        ordeal.suffer(kind)
    length, equal = ordeal.finish()
    assert equal
    assert ordeal.received == length > 0
    assert len(ordeal.lost_after) == 2
    assert max(ordeal.lost_after) < 2.0 + 1.5  # a fault, and a machine that is busy


def test_a_slow_line_carries_the_same_bytes(ordeal: Ordeal) -> None:
    ordeal.proxy.delay, ordeal.proxy.rate = 0.1, 64_000
    for _ in range(3):
        ordeal.suffer("cut")
    ordeal.proxy.rate = float("inf")
    assert ordeal.finish()[1]


def test_a_silent_line_carries_next_to_nothing(
    ordeal: Ordeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the usual pace: the readings of the machine, a ping every four seconds."""
    ordeal.wait_for_more()
    ordeal.finish()
    before, began = ordeal.proxy.carried, time.monotonic()
    ordeal.wait(lambda: time.monotonic() > began + 4.0)
    assert (ordeal.proxy.carried - before) / 4.0 < 2_000
