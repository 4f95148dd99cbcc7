"""Where the training stands: counters and rows together."""

from __future__ import annotations

from trainwatch.read.records import Progress
from trainwatch.run.progress import ProgressState


def bar(done: float, total: float = 3400) -> Progress:
    return Progress("log", 0, done, total, "step", "", "train", None, None, None, None)


def test_the_number_of_epochs_stands_still_while_the_counter_runs_ahead_of_the_rows() -> None:
    state, told = ProgressState(), set()
    for step in range(100, 3400, 50):
        state = state.counted(bar(step)).reported(step, step / 100, None)
        for ahead in range(step, step + 50, 5):
            state = state.counted(bar(ahead))
            told.add(state.epochs)
    assert told == {34.0}


def test_the_number_of_epochs_is_put_right_by_the_next_row() -> None:
    state = ProgressState().reported(None, 10.0, None).counted(bar(1031))
    assert state.epochs == 33.0
    assert state.reported(1000, 10.0, None).epochs == 34.0
