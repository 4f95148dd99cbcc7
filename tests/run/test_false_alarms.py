"""What looks like trouble and is none, and trouble that hides behind what looks like something else.

Each family is a clean course under noise, told log by log; the alarm is looked for at every evaluation.
"""

from __future__ import annotations

from math import exp, sin
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.run.runs import report
from trainwatch.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.run.verdict import Verdict

EVALS, LOGS = 40, 5


def falling(x: float, rate: float = 5.0) -> float:
    return 1 + 2 * exp(-rate * x)


def spike(x: float, at: float) -> float:
    """Three times the loss, and back within a few dozen steps."""
    return falling(x, 2) + (3 * exp(-(x - at) / 0.02) if x >= at else 0)


def harder(x: float) -> float:
    """The data become harder for both at 40 % of the run."""
    return falling(x, 3) if x < 0.4 else 0.9 + 1.1 * exp(-4 * (x - 0.4))


def bent(x: float) -> float:
    """Overfits by half from 30 % on."""
    return falling(x, 6) if x < 0.3 else falling(0.3, 6) * (1 + 0.5 * (x - 0.3) / 0.7)


def verdicts(
    train: Callable[[float], float], evaluation: Callable[[float], float] | None, seed: int
) -> list[Verdict]:
    """What is said after each evaluation interval."""
    random, run, found = Random(seed), Run(), []
    for log in range(1, EVALS * LOGS + 1):
        x = log / (EVALS * LOGS)
        report(run, log * 10, loss=train(x) * random.gauss(1, 0.01))
        if log % LOGS == 0:
            if evaluation:
                report(run, log * 10, eval_loss=evaluation(x) * random.gauss(1, 0.01))
            found.append(run.verdict())
    return found


def alarms(found: list[Verdict]) -> set[str]:
    return {verdict.state for verdict in found if verdict.severity in ("warning", "critical")}


@pytest.mark.parametrize("seed", range(3))
def test_a_spike_that_dies_away_ends_no_training(seed: int) -> None:
    """At its height nobody can know; it is withdrawn while it still falls."""
    found = verdicts(lambda x: spike(x, 0.45), lambda x: spike(x, 0.45), seed)
    assert sum(verdict.severity == "critical" for verdict in found) <= 1
    assert found[-1].state == "healthy"


@pytest.mark.parametrize("seed", range(3))
def test_what_is_harder_for_both_is_no_overfitting(seed: int) -> None:
    assert "overfitting" not in alarms(verdicts(harder, harder, seed))


@pytest.mark.parametrize("seed", range(3))
def test_a_train_loss_of_nearly_nothing_may_double_while_the_evaluation_overfits(seed: int) -> None:
    found = verdicts(lambda x: 2 * exp(-12 * x) + 0.004 * (1 + 3 * max(x - 0.5, 0)), bent, seed)
    assert alarms(found) == {"overfitting"}
    assert found[-1].state == "overfitting"


def test_a_loss_that_goes_up_and_down_is_known_after_its_first_time() -> None:
    found = verdicts(lambda x: 0.7 + 0.2 * sin(30 * x), None, 0)
    assert "diverging" not in {verdict.state for verdict in found[EVALS // 2 :]}


def test_a_loss_far_above_its_start_diverges_even_where_it_slowly_falls() -> None:
    found = verdicts(lambda x: falling(x) * (1000 if x > 0.7 else 1), None, 0)
    assert {verdict.state for verdict in found[-10:]} == {"diverging"}


def test_a_third_evaluation_that_came_down_again_is_noise_until_more_is_known() -> None:
    run = Run()
    for step, loss in ((100, 2.66), (200, 2.95), (300, 2.92)):
        for log in range(5):
            report(run, step - 80 + 20 * log, loss=3 - step / 1000)
        report(run, step, eval_loss=loss)
    assert run.verdict().state != "overfitting"


def test_a_metric_without_any_loss_has_its_best_told() -> None:
    run = Run()
    for epoch, value in enumerate((0.5, 0.9, 0.8), 1):
        report(run, None, epoch, eval_accuracy=value)
    verdict = run.verdict()
    assert verdict.state == "not-enough-data"
    assert verdict.headline.endswith("the best was 0.9 at epoch 2, 1 value ago; now 0.8.")


def test_reinforcement_learning_has_its_reward_told() -> None:
    run = Run()
    for step, reward in ((10, 1.0), (20, 3.0), (30, 2.0)):
        report(run, step, loss=0.01, reward=reward, kl=0.1)
    assert "By reward the best was 3 at step 20, 1 value ago; now 2." in run.verdict().headline
