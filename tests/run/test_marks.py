"""Best, newest, left over: by whatever was measured, and run by run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.run.runs import run_of
from tests.run.test_checkpoints import marks, seen, show, target
from trainwatch.read.records import Notice
from trainwatch.run.guards import newest_resumable, plan
from trainwatch.run.marks import home

if TYPE_CHECKING:
    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.run import Run


def by_path(*checkpoints: CheckpointSeen) -> dict[str, tuple[str, ...]]:
    run = run_of([])
    show(run, *checkpoints)
    return {c.seen.path: c.marks for c in run.checkpoints.rows()}


@pytest.mark.parametrize(
    ("name", "facts", "best"),
    [
        ("val_loss", (), 200),
        ("loss", (), 200),
        ("accuracy", (), 100),
        ("eval_wer", (), 200),
        ("mystery", (), None),
        ("mystery", (("monitor", "mystery"),), 100),
        ("eval_mystery", (("metric_for_best_model", "mystery"),), 100),
        ("eval_x", (("metric_for_best_model", "eval_x"), ("greater_is_better", "False")), 200),
    ],
)
def test_without_an_eval_loss_best_is_by_what_is_watched(
    name: str, facts: tuple[tuple[str, str], ...], best: int | None
) -> None:
    run = run_of([])
    show(
        run,
        *(
            seen(step, metrics=((name, value),), facts=facts)
            for step, value in ((100, 0.9), (200, 0.4), (300, 0.6))
        ),
    )
    found = [c.seen.step for c in run.checkpoints.rows() if "best" in c.marks]
    assert found == ([] if best is None else [best])


def test_where_nothing_was_measured_the_name_says_which_is_best() -> None:
    run = run_of([])
    show(run, seen(1, name="rl_model_1_steps.zip"), seen(1, name="best_model.zip"))
    assert marks(run)["best_model.zip"] == ("best", "last")


def test_several_runs_below_one_folder_each_have_a_best_and_a_newest() -> None:
    a = [seen(s, path=f"/out/a/checkpoint-{s}", metrics=(("eval_loss", s),)) for s in (1, 2)]
    b = [seen(s, path=f"/out/b/checkpoint-{s}", metrics=(("eval_loss", -s),)) for s in (1, 2, 3)]
    assert by_path(*a, *b) == {
        "/out/a/checkpoint-1": ("best",), "/out/a/checkpoint-2": ("last",),
        "/out/b/checkpoint-1": (), "/out/b/checkpoint-2": (), "/out/b/checkpoint-3": ("best", "last"),
    }  # fmt: skip


def test_what_is_kept_or_lies_one_folder_down_belongs_to_the_run_above() -> None:
    paths = [
        "/o/checkpoint-1",
        "/o/kept/checkpoint-1",
        "/o/checkpoints/a.ckpt",
        "/o/weights/last.pt",
    ]
    assert {home(seen(1, path=path)) for path in paths} == {"/o"}
    assert home(seen(1, path="/o", name="final")) == "/o"
    assert home(seen(1, path="/last.pt")) == "/"


def test_the_same_step_in_another_run_does_not_lend_its_loss() -> None:
    run = run_of([0.5])
    show(run, seen(100, metrics=(("eval_loss", 0.9),)))
    [row] = run.checkpoints.rows()
    assert (row.eval_loss, row.gap) == (0.9, None)


def test_the_newest_that_can_be_resumed_is_marked_where_the_newest_cannot() -> None:
    run = run_of([])
    show(run, seen(100), seen(200), seen(300, resumable="weights"))
    assert marks(run) == {
        "checkpoint-100": (), "checkpoint-200": ("newest-resumable",), "checkpoint-300": ("last",),
    }  # fmt: skip


def test_higher_steps_of_an_earlier_run_into_the_same_folder_are_left_over() -> None:
    run = run_of([])
    show(run, seen(700, created=0.0), seen(100, created=5000.0), seen(200, created=5100.0))
    assert marks(run) == {
        "checkpoint-100": (), "checkpoint-200": ("last",), "checkpoint-700": ("older-run",),
    }  # fmt: skip


def test_of_a_started_run_everything_before_its_start_is_left_over() -> None:
    run = run_of([])
    target(run, "python", "t.py", started=4000.0)
    show(run, seen(100, created=3000.0), seen(200, created=5000.0))
    assert marks(run) == {"checkpoint-100": ("older-run",), "checkpoint-200": ("last",)}


def test_only_the_folder_that_is_saved_to_rotates() -> None:
    facts = (("save_total_limit", "1"), ("transformers", "5.0"))
    found = by_path(
        seen(1, path="/out/a/checkpoint-1", facts=facts, created=10.0),
        seen(2, path="/out/b/checkpoint-2", facts=facts, created=20.0),
    )
    assert {path for path, names in found.items() if "next-to-go" in names} == {
        "/out/a/checkpoint-1", "/out/b/checkpoint-2",
    }  # fmt: skip


def anew(*command: str) -> Run:
    """A run that began at 4000, into a folder where a better and longer one left its saves."""
    run = run_of([])
    target(run, *(command or ("python", "t.py")), started=4000.0)
    show(
        run, seen(700, created=3000.0, metrics=(("eval_loss", 0.1),)),
        seen(100, created=5000.0, metrics=(("eval_loss", 0.5),)),
        seen(200, created=5100.0, metrics=(("eval_loss", 0.6),)),
    )  # fmt: skip
    return run


def test_what_an_earlier_run_left_is_neither_best_nor_resumed_from_nor_kept_in_place_of_ours() -> (
    None
):
    run = anew()
    assert marks(run) == {
        "checkpoint-100": ("best",), "checkpoint-200": ("last",), "checkpoint-700": ("older-run",),
    }  # fmt: skip
    rows = run.checkpoints.rows()
    resume = newest_resumable(rows)
    assert resume is not None
    assert resume.seen.step == 200
    assert [c.seen.step for c in plan(rows, 1, over=True).going] == [700]
    worth = run.checkpoints.worth
    assert worth is not None
    assert worth.best_by == {"eval_loss": "checkpoint-100"}


@pytest.mark.parametrize("told", ["command", "log"])
def test_saves_that_the_training_went_on_from_are_its_own(told: str) -> None:
    run = anew(*(("t", "--resume_from_checkpoint=True") if told == "command" else ()))
    if told == "log":
        run.apply(Notice("resumed", "resuming from checkpoint-700", "output.log", 0, None))
    show(run, seen(700, created=3000.0, metrics=(("eval_loss", 0.1),)), seen(800, created=5000.0))
    assert marks(run) == {"checkpoint-700": ("best",), "checkpoint-800": ("last",)}
