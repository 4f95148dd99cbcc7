"""The timeline of alarms: raised, withdrawn by a new best, and kept."""

from __future__ import annotations

from random import Random

import pytest

from tests.run.curves import course
from tests.run.runs import report, report_evaluation, run_of, run_of_course
from trainwatch.run.run import Run

FALLING = [1.0, 0.8, 0.7, 0.65, 0.62, 0.6]


def test_a_healthy_run_has_none() -> None:
    assert run_of(FALLING).alarms == []
    assert Run().alarms == []


def test_an_alarm_stands_until_a_new_best_withdraws_it_and_stays_in_the_timeline() -> None:
    up = [*FALLING, 0.65, 0.7, 0.75]
    (standing,) = run_of(up).alarms
    assert (standing.step, standing.withdrawn) == (800, None)
    (past,) = run_of([*up, 0.5, 0.45]).alarms
    assert (past.step, past.withdrawn_step) == (800, 1000)


def test_each_evaluation_set_has_its_own() -> None:
    run = Run()
    for i, value in enumerate([*FALLING, 0.7, 0.8, 0.9]):
        report(run, 100 * i, loss=1 / (i + 1))
        report(run, 100 * i, **{"eval_easy:loss": 1 / (i + 1)})
        report(run, 100 * i, **{"eval_hard:loss": value})
    assert [a.dataset for a in run.alarms] == ["hard"]


@pytest.mark.parametrize("family", ["overfitting", "double", "flat", "healthy"])
def test_the_timeline_does_not_depend_on_when_somebody_asks(family: str) -> None:
    made = course(Random(5), family, 40, 0.02)
    whole, asked = run_of_course(made), Run()
    for i, value in enumerate(made.evals):
        report_evaluation(asked, i, value, made.train, made.per_eval)
        assert len(asked.alarms) >= 0
    assert asked.alarms == whole.alarms
