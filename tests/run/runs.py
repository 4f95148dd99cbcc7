"""Short ways to fill a run."""

from __future__ import annotations

from array import array
from math import nan
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics
from trainwatch.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.run.curves import Course

EVERY = 100
"""Steps between two evaluations."""


def key_of(printed: str) -> Key:
    """``eval_a:loss`` is the loss of set a, ``eval_loss`` that of the only one, ``loss`` train."""
    if not printed.startswith("eval_"):
        return Key(printed, "train", None, printed)
    dataset, _, name = printed.removeprefix("eval_").rpartition(":")
    return Key(name, "eval", dataset or None, printed)


def report(run: Run, step: int | None, epoch: float | None = None, **values: float) -> None:
    """One row of numbers."""
    keys = tuple(key_of(name) for name in values)
    columns = tuple(array("d", [value]) for value in values.values())
    steps = array("q", [UNKNOWN_STEP if step is None else step])
    epochs = array("d", [nan if epoch is None else epoch])
    run.apply(Metrics("output.log", keys, columns, steps, epochs, array("q", [0]), None))


def run_of(
    evals: Sequence[float],
    train: Sequence[float] | None = None,
    per_eval: int = 1,
    **more: Sequence[float],
) -> Run:
    """A run with evaluations every ``EVERY`` steps and ``per_eval`` train logs before each.

    ``more``: further columns of the evaluation rows (``eval_...``) or of the train rows.
    """
    run = Run()
    for i, value in enumerate(evals):
        report_evaluation(run, i, value, train, per_eval, **more)
    return run


def report_evaluation(
    run: Run,
    i: int,
    value: float,
    train: Sequence[float] | None = None,
    per_eval: int = 1,
    **more: Sequence[float],
) -> None:
    """Evaluation ``i`` and the train logs before it."""
    for j in range(per_eval):
        log = i * per_eval + j
        loss = train[log] if train else 2.0 / (1 + log)
        extra = {k: v[log] for k, v in more.items() if not k.startswith("eval_")}
        report(run, EVERY * i + EVERY * (j + 1) // per_eval, loss=loss, **extra)
    extra = {k: v[i] for k, v in more.items() if k.startswith("eval_")}
    report(run, EVERY * (i + 1), eval_loss=value, **extra)


def run_of_course(course: Course) -> Run:
    """A made-up history as a run."""
    return run_of(course.evals, course.train, course.per_eval)


def check(run: Run, rule: str) -> tuple[str, str]:
    """(result, why) of one rule."""
    return next((c.result, c.why) for c in run.verdict().checks if c.rule == rule)
