"""The log and the trainer's own files tell one story: each point once, as exact as it is known."""

from __future__ import annotations

from random import Random

import pytest

from tests.run.trainer import Feed, Style, Trainer, expected


@pytest.mark.parametrize("style", ["v4", "v5"])
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_the_log_alone_gives_every_point_its_step(style: Style, size: int) -> None:
    trainer = Trainer(style=style)
    trainer.train()
    feed = Feed()
    feed.log(trainer.text, Random(1), size)
    feed.caught_up()
    found, wanted = feed.points(), expected(trainer.history)
    assert [(k, s) for k, _, s in found] == [(k, s) for k, _, s in wanted]
    assert [v for _, v, _ in found] == pytest.approx([v for _, v, _ in wanted], rel=1e-3)


@pytest.mark.parametrize("style", ["v4", "v5"])
@pytest.mark.parametrize("first", ["log", "file"])
def test_the_history_file_makes_values_exact_and_doubles_none(style: Style, first: str) -> None:
    trainer = Trainer(style=style, total=240)
    trainer.train()
    feed = Feed()
    if first == "file":
        feed.file("/out/checkpoint-240/trainer_state.json", trainer.state())
    feed.log(trainer.text)
    if first == "log":
        feed.file("/out/checkpoint-240/trainer_state.json", trainer.state())
    feed.caught_up()
    assert feed.points() == expected(trainer.history)
    assert {p.source for p in feed.session.run.metrics.points()} == {"output.log"}


def test_histories_of_several_checkpoints_tell_each_point_once() -> None:
    trainer = Trainer(total=240)
    trainer.train()
    feed = Feed()
    feed.log(trainer.text)
    for step in (120, 40, 80, 240, 160, 200):
        feed.file(f"/out/checkpoint-{step}/trainer_state.json", trainer.state(step))
    feed.file("/out/trainer_state.json", trainer.state())
    feed.caught_up()
    assert feed.points() == expected(trainer.history)


@pytest.mark.parametrize("seed", range(6))
def test_live_checkpoints_repair_what_was_printed_before_them(seed: int) -> None:
    random = Random(seed)
    trainer = Trainer(seed=seed, total=240)
    feed = Feed()
    feed.caught_up()
    for until in range(40, 241, 40):
        before = len(trainer.text)
        trainer.train(until)
        more = trainer.text[before:]
        late = random.randrange(len(more)) if before and random.random() < 0.7 else len(more)
        feed.log(more[:late], random, 300)
        feed.file(f"/out/checkpoint-{until}/trainer_state.json", trainer.state())
        feed.log(more[late:], random, 300)
    feed.ended()
    found = feed.points()
    assert sorted(found) == sorted(expected(trainer.history))
    assert [p for p in found if p[0] == "loss"] == [
        p for p in expected(trainer.history) if p[0] == "loss"
    ]


def test_what_was_printed_before_we_looked_comes_from_the_file() -> None:
    trainer = Trainer(total=240)
    trainer.train(120)
    before = len(trainer.text)
    trainer.train()
    feed = Feed()
    feed.log(trainer.text[before:])
    feed.file("/out/checkpoint-240/trainer_state.json", trainer.state())
    feed.caught_up()
    assert sorted(feed.points()) == sorted(expected(trainer.history))
    loss = feed.session.run.metrics.loss
    assert loss is not None
    assert [loss.step(i) for i in range(len(loss))] == list(range(10, 241, 10))
    assert loss.segments == [0]
    assert loss.source(0).endswith("trainer_state.json")
    assert loss.source(-1) == "output.log"


def test_a_hole_in_the_log_is_filled_in_its_place() -> None:
    trainer = Trainer(total=240)
    trainer.train(80)
    first = len(trainer.text)
    trainer.train(160)
    second = len(trainer.text)
    trainer.train()
    feed = Feed()
    feed.log(trainer.text[:first] + "\n" + trainer.text[second:])
    feed.file("/out/checkpoint-240/trainer_state.json", trainer.state())
    feed.caught_up()
    metrics = feed.session.run.metrics
    assert sorted(feed.points()) == sorted(expected(trainer.history))
    for series in metrics.series():
        steps = [series.step(i) or 0 for i in range(len(series))]
        assert steps == sorted(steps)
        assert series.segments == [0]


@pytest.mark.parametrize("style", ["v4", "v5"])
def test_without_bars_the_file_tells_the_steps_and_then_epochs_do(style: Style) -> None:
    trainer = Trainer(total=240, bars=False, style=style)
    trainer.train(120)
    feed = Feed()
    feed.log(trainer.text)
    feed.caught_up()
    assert {step for _, _, step in feed.points()} == {None}
    feed.file("/out/checkpoint-120/trainer_state.json", trainer.state())
    assert feed.points() == expected(trainer.history)
    before = len(trainer.text)
    trainer.train()
    feed.log(trainer.text[before:])
    assert [s for _, _, s in feed.points()] == [s for _, _, s in expected(trainer.history)]


def test_a_resumed_run_keeps_both_tries_and_marks_the_older() -> None:
    trainer = Trainer(total=240)
    trainer.train(150)
    first = list(trainer.history)
    feed = Feed()
    feed.log(trainer.text)
    feed.file("/out/checkpoint-120/trainer_state.json", trainer.state(120))
    feed.caught_up()
    before = len(trainer.text)
    trainer.resume(120, seed=5)
    trainer.train()
    feed.log(trainer.text[before:])
    feed.file("/out/checkpoint-240/trainer_state.json", trainer.state())
    loss = feed.session.run.metrics.loss
    assert loss is not None
    again = [v for k, v, s in expected(first) if k == "loss" and s and s > 120]
    whole = [v for k, v, _ in expected(trainer.history) if k == "loss"]
    cut = [loss.value(i) for a, b in loss.superseded() for i in range(a, b)]
    kept = [loss.value(i) for a, b in loss.pieces() for i in range(a, b)]
    assert kept == whole
    assert cut == pytest.approx(again, rel=1e-3)
    assert len(loss) == len(whole) + len(again)


def test_several_evaluation_sets_are_told_apart() -> None:
    trainer = Trainer(sets=("a", "b"))
    trainer.train()
    feed = Feed()
    feed.log(trainer.text)
    feed.file("/out/checkpoint-200/trainer_state.json", trainer.state())
    feed.caught_up()
    metrics = feed.session.run.metrics
    assert feed.points() == expected(trainer.history)
    assert [s.key.dataset for s in metrics.evals] == ["a", "b"]
    assert metrics.eval_loss is metrics.find("loss", "eval", "a")


def test_a_folder_without_a_log_is_enough() -> None:
    trainer = Trainer()
    trainer.train()
    feed = Feed()
    feed.file("/out/checkpoint-160/trainer_state.json", trainer.state(160))
    feed.file("/out/checkpoint-200/trainer_state.json", trainer.state())
    feed.caught_up()
    assert feed.points() == expected(trainer.history)


def test_lines_that_every_process_prints_count_once() -> None:
    feed = Feed()
    line = "{'loss': 1.25, 'grad_norm': 2.5, 'step': %d, 'epoch': 0.5}\n"
    feed.log("".join(line % step for step in (10, 10, 10, 20, 20, 20)), size=5)
    feed.log("".join(line % step for step in (30, 30, 40, 40)))
    feed.caught_up()
    assert feed.points() == [
        (key, value, step)
        for step in (10, 20, 30, 40)
        for key, value in (("loss", 1.25), ("grad_norm", 2.5))
    ]


def test_a_history_that_brings_a_new_number_beside_a_known_one() -> None:
    first: list[dict[str, float]] = [{"eval_loss": 0.5, "epoch": 1.0, "step": 1}]
    then = [*first, {"eval_loss": 0.4, "eval_accuracy": 0.7, "epoch": 2.0, "step": 2}]
    feed = Feed()
    feed.file("/out/checkpoint-1/trainer_state.json", Trainer(history=first, step=1).state())
    feed.file("/out/checkpoint-2/trainer_state.json", Trainer(history=then, step=2).state())
    feed.caught_up()
    assert sorted(feed.points()) == sorted(expected(then))
