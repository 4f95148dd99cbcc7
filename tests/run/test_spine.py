"""The thin line through the run model: records in, series, points, verdict and shapes out."""

from __future__ import annotations

from array import array
from math import nan

from trainwatch import facts
from trainwatch.draw import shapes
from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Progress
from trainwatch.run.run import Run
from trainwatch.run.series import Span


def row(offset: int, epoch: float, step: int = UNKNOWN_STEP, **values: float) -> Metrics:
    keys = tuple(
        Key(k.removeprefix("eval_"), "eval" if k.startswith("eval_") else "train", key=k)
        for k in values
    )
    columns = tuple(array("d", [v]) for v in values.values())
    steps, epochs = array("q", [step]), array("d", [epoch])
    return Metrics("output.log", keys, columns, steps, epochs, array("q", [offset]), 100.0 + offset)


def bar(offset: int, done: float, total: float = 100, label: str = "") -> Progress:
    return Progress(
        "output.log", offset, done, total, "step", label, "train", 1.0, 2.0, 3.0, 100.0 + offset
    )


def test_a_row_takes_the_step_of_the_bar_that_follows_it() -> None:
    run = Run()
    for step in (10, 20, 30):
        run.apply(row(step, step / 100, loss=1 / step, grad_norm=2.0))
        run.apply(bar(step + 1, step))
    run.apply(row(31, 0.3, eval_loss=0.5))
    run.apply(bar(32, 4, 4, "Evaluating"))
    run.apply(bar(33, 30))
    points = list(run.metrics.points())
    assert [(p.key, p.step) for p in points] == [
        ("loss", 10), ("grad_norm", 10), ("loss", 20), ("grad_norm", 20),
        ("loss", 30), ("grad_norm", 30), ("eval_loss", 30),
    ]  # fmt: skip
    assert run.progress.done == 30
    assert run.progress.fraction == 0.3


def test_a_column_of_the_chart_holds_the_extremes_of_its_points() -> None:
    run = Run()
    for step in range(100):
        run.apply(row(step, step / 100, step, loss=float(step % 10)))
    loss = run.metrics.loss
    assert loss is not None
    assert loss.extent("step") == (0, 99)
    assert loss.spans("step", 0, 100, 10) == [Span(0, 9, 4.5, 10)] * 10


def test_values_that_are_not_finite_are_marks_and_strings() -> None:
    run = Run()
    run.apply(row(0, 0.1, 1, loss=1.0))
    run.apply(row(9, 0.2, 2, loss=nan))
    loss = run.metrics.loss
    assert loss is not None
    assert [i for i, _ in loss.marks] == [1]
    assert loss.spans("step", 0, 2, 1) == [Span(1, 1, 1, 1)]
    assert [line["value"] for line in shapes.export_lines(run)] == [1.0, "NaN"]


def test_what_is_not_known_is_null() -> None:
    run = Run()
    told = shapes.status(run)
    assert told["step"] is None
    assert told["eta"] is None
    assert told["state"] == "unknown"
    run.apply(facts.Ended(code=1, signal=None, cause="", at=5.0))
    assert run.state().word == "failed"
    assert shapes.diagnose(run.verdict())["state"] == "not-enough-data"


def test_a_run_without_a_metric_has_no_points() -> None:
    assert list(Run().metrics.points()) == []
