"""A machine that was suspended: its connections are dead when it wakes, and nobody tells it.

The clock on the wall is all that shows it: it goes on during a suspend, the monotonic one does not. Here
it is moved by an hour while everything that is sent disappears.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ordeal import Ordeal
from tests.sshd import needs_sshd
from trainwatch.link import clock

pytestmark = needs_sshd


@pytest.fixture
def ordeal(tmp_path: Path) -> Iterator[Ordeal]:
    made = Ordeal(tmp_path)
    yield made
    made.end()


def test_after_a_suspend_it_is_noticed_at_once_and_not_a_byte_is_lost_or_doubled(
    ordeal: Ordeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordeal.wait_for_more()
    known, real = len(ordeal.hellos), time.time
    ordeal.proxy.passes.clear()  # the network that we wake up in knows nothing of our connections
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    woke = time.monotonic()
    ordeal.wait(lambda: ordeal.is_troubled)
    noticed = time.monotonic() - woke
    ordeal.proxy.passes.set()
    ordeal.wait(lambda: len(ordeal.hellos) > known)
    size, same = ordeal.finish()
    assert noticed < clock.LOST - 1.0
    assert (size > 0, same) == (True, True)
