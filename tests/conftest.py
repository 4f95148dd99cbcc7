"""What every test that starts real processes needs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainwatch.probe import process, runs, stop

# Under nohup, or in the background of a script, these are ignored, and children inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds; fail loudly when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own; whatever was started in it is gone afterwards."""
    folder = tmp_path / "state"
    monkeypatch.setenv("TRAINWATCH_STATE", str(folder))
    monkeypatch.delenv("TRAINWATCH_RUN", raising=False)
    yield folder
    monkeypatch.setenv("TRAINWATCH_STATE", str(folder))
    for run in runs.every():
        if run.meta is not None:
            list(stop.stop(process.of_run(run.meta), now=True, grace=0))
