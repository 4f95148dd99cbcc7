"""The machine-readable shapes: names, nesting, nulls and numbers that are none."""

from __future__ import annotations

import json
from math import inf, nan

import pytest

from tests.run.runs import report, run_of
from tests.run.trainer import Feed, Trainer
from trainwatch import facts
from trainwatch.draw import shapes
from trainwatch.run.run import Run


def test_a_point() -> None:
    feed = Feed()
    feed.log(
        "{'loss': '0.5', 'epoch': '0.1'}\n{'eval_a_loss': 0.47, 'eval_a_runtime': 1.0, 'epoch': 2.0}\n"
    )
    feed.caught_up()
    first, second, third = shapes.export_lines(feed.session.run)
    assert first == {
        "split": "train", "name": "loss", "key": "loss", "dataset": None, "value": 0.5,
        "step": None, "epoch": 0.1, "rank": None, "time": None, "source": "output.log", "offset": 0,
    }  # fmt: skip
    assert (second["split"], second["name"], second["key"], second["dataset"]) == (
        "eval", "loss", "eval_a_loss", "a",
    )  # fmt: skip
    assert third["key"] == "eval_a_runtime"


@pytest.mark.parametrize(
    ("value", "told"),
    [(nan, "NaN"), (inf, "Infinity"), (-inf, "-Infinity"), (1.5, 1.5), (None, None)],
)
def test_numbers_as_json_can_hold_them(value: float | None, told: object) -> None:
    assert shapes.number(value) == told


def test_every_shape_is_strict_json_whatever_the_numbers() -> None:
    run = Run()
    for i, value in enumerate((1.0, nan, inf, -inf, 1e308, 0.0)):
        report(run, i, value, loss=value, grad_norm=value, eval_loss=value)
    run.apply(facts.Ended(None, 9, "oom", 5.0))
    told = [*shapes.export_lines(run), shapes.status(run), shapes.diagnose(run.verdict())]
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_the_verdict_has_all_its_names() -> None:
    told = shapes.diagnose(run_of([1.0, 0.8, 0.7, 0.8, 0.9, 1.0]).verdict())
    assert set(told) >= {
        "state", "severity", "headline", "advice", "best", "last", "gap", "evidence", "checks", "worth",
    }  # fmt: skip
    assert told["best"] == {
        "step": 300,
        "epoch": None,
        "value": 0.7,
        "checkpoint": None,
        "evaluation": 3,
    }
    gap = told["gap"]
    assert isinstance(gap, dict)
    assert set(gap) == {"value", "train", "eval", "step"}
    checks = told["checks"]
    assert isinstance(checks, list)
    assert all(isinstance(c, dict) and set(c) == {"rule", "result", "why"} for c in checks)
    assert "gold set" in str(told["note"])


def test_the_status_of_a_run() -> None:
    trainer = Trainer(total=240)
    trainer.train(120)
    feed = Feed()
    feed.log(trainer.text)
    feed.caught_up()
    told = shapes.status(feed.session.run)
    assert set(told) >= {
        "id", "name", "command", "host", "pid", "state", "exit", "step", "total_steps", "epoch",
        "started", "ended", "rate", "eta", "loss", "eval_loss", "verdict",
    }  # fmt: skip
    assert (told["step"], told["total_steps"], told["exit"]) == (120, 240, None)
    feed.ended()
    over = shapes.status(feed.session.run)
    assert over["exit"] == {"code": 0, "signal": None, "cause": ""}
    assert (over["state"], over["eta"]) == ("ended", None)
