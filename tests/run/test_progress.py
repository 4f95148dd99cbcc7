"""Where the training stands: counters and rows together."""

from __future__ import annotations

from trainwatch import facts
from trainwatch.read.records import Progress
from trainwatch.run.progress import ProgressState
from trainwatch.run.session import Session


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


def test_a_counter_alone_says_nothing_of_epochs() -> None:
    state = ProgressState().reported(None, 10.0, None).counted(bar(1031))
    assert state.epochs is None
    assert state.reported(1000, 10.0, None).epochs == 34.0


def test_a_run_that_a_number_of_steps_ends_has_no_whole_number_of_epochs() -> None:
    state, told = ProgressState().counted(bar(0, 800)), list[float | None]()
    for step in range(5, 805, 5):
        state = state.counted(bar(step + 3, 800)).reported(step, round(step / 12, 2), None)
        told.append(state.epochs)
    assert set(told[:79]) == {None, 67.0}, "as near as two decimals lead"
    assert set(told[79:]) == {66.7}


def test_the_trainers_epochs_and_the_bar_that_comes_after_them() -> None:
    reader, place, told = Session(), 0, set()
    for step in range(2, 602, 2):
        text = f"{{'loss': '1.5', 'epoch': '{step / 8:.4g}'}}\n {step // 6}%|##| {step}/600 [00:01<00:02, 9.1it/s]\r"
        text += f" {step // 6}%|##| {step + 1}/600 [00:01<00:02, 9.1it/s]\r"
        data = text.encode()
        reader.feed(facts.Chunk("output.log", place, data, 1.0 + step))
        place += len(data)
        told.add(reader.run.progress.epochs)
    assert told - {None} == {75.0}
