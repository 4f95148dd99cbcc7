"""Two trainings in one working folder: the numbers of one never become the other's."""

from __future__ import annotations

import pytest

from tests.run.trainer import Feed, Trainer, expected
from trainwatch import facts


def started_in(feed: Feed, cwd: str, *named: str) -> None:
    """A run in ``cwd`` whose command names these output folders."""
    feed.session.feed(
        facts.Target(
            "run", "aaaaaa", "", ["python", "train.py"], cwd, "box", "kim", 1, 0.0,
            ["output.log"], [*named, cwd], "", 0.0, [cwd],
        )
    )  # fmt: skip


def trained(seed: int) -> Trainer:
    trainer = Trainer(seed=seed, total=240)
    trainer.train()
    return trainer


def left_out(feed: Feed) -> str:
    trouble = feed.session.run.troubles.get("metric files")
    return trouble.text if trouble else ""


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_only_the_file_that_agrees_with_the_log_is_believed(first: str) -> None:
    ours, theirs = trained(1), trained(2)
    feed = Feed()
    started_in(feed, "/repo")
    files = [("/repo/b/checkpoint-240", theirs), ("/repo/a/checkpoint-240", ours)]
    for folder, trainer in reversed(files) if first == "ours" else files:
        feed.file(f"{folder}/trainer_state.json", trainer.state())
    feed.log(ours.text)
    feed.caught_up()
    assert feed.points() == expected(ours.history)
    assert left_out(feed).startswith("/repo/b/checkpoint-240/trainer_state.json: not shown")


def test_a_lone_file_that_contradicts_the_log_is_another_runs() -> None:
    ours, theirs = trained(1), trained(2)
    feed = Feed()
    started_in(feed, "/repo")
    feed.log(ours.text)
    feed.file("/repo/b/checkpoint-240/trainer_state.json", theirs.state())
    feed.caught_up()
    alone = Feed()
    alone.log(ours.text)
    alone.caught_up()
    assert feed.points() == alone.points()


def test_two_trainings_that_evaluate_equally_fast_are_still_two() -> None:
    ours, theirs = trained(1), trained(2)
    for one, other in zip(ours.history, theirs.history, strict=True):
        if "eval_runtime" in one:
            other["eval_runtime"] = one["eval_runtime"]
    feed = Feed()
    started_in(feed, "/repo")
    feed.log(ours.text)
    feed.file("/repo/b/checkpoint-240/trainer_state.json", theirs.state())
    feed.caught_up()
    assert left_out(feed).startswith("/repo/b/checkpoint-240/trainer_state.json: not shown")


def test_a_lone_file_beside_a_silent_log_is_believed_and_two_are_not() -> None:
    feed = Feed()
    started_in(feed, "/repo")
    feed.file("/repo/a/metrics.csv", b"step,loss\n1,0.5\n2,0.25\n")
    feed.caught_up()
    assert feed.points() == [("loss", 0.5, 1), ("loss", 0.25, 2)]
    both = Feed()
    started_in(both, "/repo")
    both.file("/repo/a/metrics.csv", b"step,loss\n1,0.5\n2,0.25\n")
    both.file("/repo/b/metrics.csv", b"step,loss\n1,0.75\n2,0.5\n")
    both.caught_up()
    assert both.points() == []
    assert "and 1 more" in left_out(both)


def test_a_folder_that_the_command_names_is_always_believed() -> None:
    ours, theirs = trained(1), trained(2)
    feed = Feed()
    started_in(feed, "/repo", "/repo/a")
    feed.file("/repo/a/trainer_state.json", ours.state())
    feed.file("/repo/b/trainer_state.json", theirs.state())
    feed.caught_up()
    assert feed.points() == expected(ours.history)


def test_what_was_left_out_is_believed_once_the_log_proves_it() -> None:
    ours = Trainer(seed=1, total=240)
    ours.train(40)
    feed = Feed()
    started_in(feed, "/repo")
    feed.caught_up()
    feed.file("/repo/b/trainer_state.json", trained(2).state())
    feed.file("/repo/a/trainer_state.json", ours.state())
    feed.log(ours.text)
    feed.ended()
    assert sorted(feed.points()) == sorted(expected(ours.history))


def test_a_kept_copy_is_of_the_run_that_it_was_kept_from() -> None:
    ours = trained(1)
    feed = Feed()
    started_in(feed, "/repo")
    feed.log(ours.text)
    feed.file("/repo/a/checkpoint-240/trainer_state.json", ours.state())
    feed.caught_up()
    feed.file("/repo/a/kept/checkpoint-240/trainer_state.json", ours.state())
    assert left_out(feed) == ""
    assert feed.points() == expected(ours.history)


@pytest.mark.parametrize(("later", "believed"), [(0.0, True), (60.0, False)])
def test_a_file_that_was_written_after_the_end_is_not_the_runs_only_for_want_of_another(
    later: float, believed: bool
) -> None:
    feed = Feed()
    started_in(feed, "/repo")
    feed.log("hello\n")
    feed.ended()
    feed.at += later
    feed.file("/repo/b/trainer_state.json", trained(2).state())
    feed.caught_up()
    assert bool(feed.points()) == believed
    assert bool(left_out(feed)) != believed
