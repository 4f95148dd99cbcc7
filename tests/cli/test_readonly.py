"""A screen from which nothing can be changed."""

from __future__ import annotations

from tests.cli.conftest import Sit
from trainwatch.probe import runs


def test_stopping_is_refused_and_the_training_goes_on(sit: Sit) -> None:
    terminal = sit("run", "--readonly", "-n", "sft", "sleep", "60")
    terminal.until("sft")
    terminal.type("Q")
    terminal.until("read-only: nothing is changed from here")
    terminal.type("q")
    terminal.wait()
    assert runs.find("sft")[0].state == "running"
