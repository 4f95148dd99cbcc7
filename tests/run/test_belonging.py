"""Two trainings save into one guessed folder: what one left is never taken for the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.run.runs import run_of
from tests.run.test_checkpoints import seen
from tests.run.test_kinship import started_in, trained
from tests.run.trainer import Feed
from trainwatch import facts
from trainwatch.draw.rows import plain
from trainwatch.draw.table import CheckpointsView, Table
from trainwatch.read.records import CheckpointSeen, CheckpointsSeen
from trainwatch.run.advice import advice
from trainwatch.run.guards import newest_resumable, plan

if TYPE_CHECKING:
    from trainwatch.run.run import Run

REPO = "/repo"


def saved(folder: str, *steps: int, created: float = 1000.0, loss: float | None = None) -> list[CheckpointSeen]:  # fmt: skip
    told = () if loss is None else (("eval_loss", loss),)
    return [
        seen(s, path=f"{REPO}/{folder}/checkpoint-{s}", created=created + s, metrics=told)
        for s in steps
    ]


def show(run: Run, *checkpoints: CheckpointSeen) -> None:
    run.apply(CheckpointsSeen(REPO, checkpoints, (), 1.0))


def strange(run: Run) -> set[str]:
    return {c.seen.path for c in run.checkpoints.rows() if "another-run" in c.marks}


def two_trainings(*named: str) -> Run:
    """Ours prints a log; both save, theirs further and (as it tells itself) better."""
    ours, theirs = trained(1), trained(2)
    feed = Feed()
    started_in(feed, REPO, *named)
    feed.log(ours.text)
    feed.file(f"{REPO}/a/checkpoint-240/trainer_state.json", ours.state())
    feed.file(f"{REPO}/b/checkpoint-240/trainer_state.json", theirs.state())
    feed.caught_up()
    run = feed.session.run
    show(run, *saved("a", 120, 240), *saved("b", 160, 240, 900, loss=0.01))
    return run


@pytest.mark.parametrize("named", [(), (f"{REPO}/a",)])
def test_metric_files_tell_whose_checkpoints_they_lie_beside(named: tuple[str, ...]) -> None:
    run = two_trainings(*named)
    theirs = {f"{REPO}/b/checkpoint-{s}" for s in (160, 240, 900)}
    assert strange(run) == theirs
    rows = run.checkpoints.rows()
    assert all(c.marks == ("another-run",) for c in rows if c.seen.path in theirs)
    best, newest = run.checkpoints.best, newest_resumable(rows)
    assert best is not None
    assert best.seen.path.startswith(f"{REPO}/a/")
    assert newest is not None
    assert newest.seen.path == f"{REPO}/a/checkpoint-240"
    assert [c.step for c in run.checkpoints.own] == [120, 240]
    assert run.checkpoints.worth is not None
    assert set(run.checkpoints.worth.best_by.values()) == {best.seen.name}


def test_what_is_anothers_is_never_pruned_resumed_or_given_advice_about() -> None:
    run = two_trainings()
    show(run, *saved("a", 120, 240), *saved("b", 900), saved("b", 950)[0]._replace(state="corrupt"))
    rows = run.checkpoints.rows()
    assert all(c.resume is None for c in rows if "another-run" in c.marks)
    intent = plan(rows, 0, True)
    assert not [c for c in intent.going if "another-run" in c.marks]
    assert "is another training's" in [why for c, why in intent.staying if c.seen.step == 900]
    assert advice(run, rows) == []


def test_its_row_is_dim_and_says_so() -> None:
    run = two_trainings()
    rows = run.checkpoints.rows()
    view = CheckpointsView()
    row = Table(run, rows, 100, 2000.0, view).row(rows[-1], view)
    assert rows[-1].seen.step == 900
    assert [style for _, style in row] == ["dim"]
    assert plain([row]).startswith(" ≠")


def test_their_own_losses_tell_where_there_is_no_metric_file() -> None:
    run = run_of([1.0, 0.6, 0.8])
    run.apply(target())
    show(run, *saved("a", 100, 200), *saved("b", 100, 200, loss=0.3), *saved("c", 100, loss=1.0))
    assert strange(run) == {f"{REPO}/b/checkpoint-100", f"{REPO}/b/checkpoint-200"}


def test_one_loss_that_differs_proves_nothing() -> None:
    run = run_of([1.0, 0.6, 0.8])
    run.apply(target())
    show(run, *saved("b", 100, loss=0.3))
    assert strange(run) == set()


@pytest.mark.parametrize("resumes", [False, True])
def test_a_folder_that_is_older_than_the_run_is_not_its_own(resumes: bool) -> None:
    run = run_of([])
    run.apply(target(*(["--resume"] if resumes else []), started=5000.0))
    show(run, *saved("old", 100, 200), *saved("new", 100, created=6000.0))
    old = {f"{REPO}/old/checkpoint-100", f"{REPO}/old/checkpoint-200"}
    assert strange(run) == (set() if resumes else old)
    older = {c.seen.path for c in run.checkpoints.rows() if "older-run" in c.marks}
    left_behind = {f"{REPO}/old/checkpoint-200"}  # it went on from before that step
    assert older == (left_behind if resumes else old)


def test_what_was_saved_after_the_end_is_another_trainings() -> None:
    run = run_of([])
    run.apply(target(started=500.0))
    run.apply(facts.Ended(0, None, "", 1300.0))
    show(run, *saved("ours", 100, 200), *saved("later", 100, created=6000.0))
    assert strange(run) == {f"{REPO}/later/checkpoint-100"}


def test_where_the_command_names_the_folder_all_there_is_this_runs() -> None:
    run = run_of([1.0, 0.6, 0.8])
    run.apply(target(started=5000.0)._replace(roots=[f"{REPO}/b", REPO]))
    show(run, *saved("b", 100, 200, loss=0.3))
    assert strange(run) == set()


def target(*words: str, started: float | None = None) -> facts.Target:
    return facts.Target(
        "process", "r1", "", ["python", "train.py", *words], REPO, "box", "kim", 1, started,
        [], [REPO], "", 1.0, [REPO],
    )  # fmt: skip
