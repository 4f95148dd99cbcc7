"""The diagnosis: each state, what it rests on, and what it refuses to say."""

from __future__ import annotations

from math import inf, nan
from random import Random

import pytest

from tests.run.curves import FAMILIES, Course, course
from tests.run.runs import EVERY, check, report, report_evaluation, run_of, run_of_course
from tests.run.trainer import Feed
from trainwatch import facts
from trainwatch.run.limits import Limits, configured, table
from trainwatch.run.run import Run

FALLING = [1.0, 0.8, 0.7, 0.65, 0.62, 0.6]


def test_nothing_is_said_of_too_few_numbers() -> None:
    verdict = run_of([1.0, 0.9]).verdict()
    assert verdict.state == "not-enough-data"
    assert "2 of 3 evaluations" in verdict.headline
    assert {c.result for c in verdict.checks if c.rule == "overfitting"} == {"skipped"}
    assert Run().verdict().state == "not-enough-data"


def test_without_evaluations_a_falling_train_loss_says_nothing_of_generalisation() -> None:
    run = Run()
    for i in range(20):
        report(run, i, loss=2 / (1 + i))
    verdict = run.verdict()
    assert verdict.state == "not-enough-data"
    assert "no evaluation" in verdict.headline
    assert check(run, "diverging")[0] == "clear"
    assert "gold set" in verdict.note


def test_healthy() -> None:
    verdict = run_of(FALLING).verdict()
    assert (verdict.state, verdict.severity) == ("healthy", "ok")
    assert verdict.best == verdict.last
    assert verdict.best is not None
    assert (verdict.best.step, verdict.best.value) == (6 * EVERY, 0.6)


def test_overfitting_names_the_best_the_rise_and_what_the_train_loss_did() -> None:
    verdict = run_of([*FALLING, 0.63, 0.67, 0.71, 0.75]).verdict()
    assert (verdict.state, verdict.severity) == ("overfitting", "critical")
    assert verdict.best is not None
    assert verdict.best.step == 6 * EVERY
    assert verdict.evidence["since_best"] == 4
    assert verdict.evidence["rise"] > 0.05
    assert verdict.evidence["train_change"] < 0
    assert "0.75" in verdict.headline
    assert "step 600" in verdict.headline


def test_overfitting_is_told_without_any_train_loss() -> None:
    run = Run()
    for i, value in enumerate([*FALLING, 0.63, 0.67, 0.71, 0.75]):
        report(run, None, float(i + 1), eval_loss=value)
    verdict = run.verdict()
    assert verdict.state == "overfitting"
    assert "no train loss" in verdict.headline
    assert (verdict.gap, verdict.no_gap) == (None, "no train loss is reported")


def test_an_alarm_is_withdrawn_as_soon_as_a_new_best_comes() -> None:
    evals = [1.0, 0.7, 0.6, 0.58, 0.62, 0.66, 0.7, 0.72]
    assert run_of(evals).verdict().state == "overfitting"
    assert run_of([*evals, 0.6, 0.5]).verdict().state == "healthy"


def test_train_and_eval_loss_both_up_is_divergence_not_overfitting() -> None:
    train = [1.0, 0.8, 0.7, 0.65, 0.62, 0.6, 0.7, 0.8, 0.9, 1.0]
    verdict = run_of([*FALLING, 0.7, 0.8, 0.9, 1.0], train).verdict()
    assert (verdict.state, verdict.severity) == ("diverging", "critical")


def test_a_loss_that_explodes_and_one_that_never_was_as_low_as_at_the_start() -> None:
    exploding = [4.5, 3.8, 3.2, 2.8, 2.5, 2.2, 2.0, 2.9, 4.6, 8.5]
    too_hot = [1.4, 3.0, 20.0, 30.0, 14.0, 12.0, 11.0, 10.0, 9.0, 9.0, 9.0, 8.0]
    for losses in (exploding, too_hot):
        run = Run()
        for i, loss in enumerate(losses):
            report(run, i, loss=loss)
        assert run.verdict().state == "diverging"


def test_one_spike_is_no_divergence() -> None:
    random = Random(1)
    losses = [2 / (1 + i / 20) * (1 + random.gauss(0, 0.02)) for i in range(100)]
    losses[98] = 9.0
    run = Run()
    for i, loss in enumerate(losses):
        report(run, i, loss=loss)
    assert run.verdict().state == "not-enough-data"
    assert check(run, "spikes") == ("fired", "one spike in 100 train logs")


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("name", ["loss", "eval_loss"])
def test_numbers_that_are_none(name: str, value: float) -> None:
    train, evals = [1.0 / (i + 1) for i in range(10)], [1.0 / (i + 1) for i in range(10)]
    (train if name == "loss" else evals)[7:] = [value] * 3
    verdict = run_of(evals, train).verdict()
    assert (verdict.state, verdict.severity) == ("broken-numbers", "critical")
    assert verdict.evidence["first_step"] == 800
    assert name in verdict.headline


def test_a_value_that_was_broken_long_ago_is_the_past() -> None:
    train = [1.0 / (i + 1) for i in range(40)]
    train[3] = nan
    run = run_of([1.0 / (i + 1) for i in range(40)], train)
    assert run.verdict().state == "healthy"
    assert check(run, "broken-numbers") == ("clear", "loss was NaN at step 400, and recovered")


def test_nan_that_the_trainer_hides_as_zero() -> None:
    run = Run()
    for i in range(12):
        dead = i > 5
        report(run, 10 * i, loss=0.0 if dead else 2.0 / (i + 1), grad_norm=nan if dead else 1.0)
    verdict = run.verdict()
    assert verdict.state == "broken-numbers"
    assert verdict.evidence["first_step"] == 60


def test_fp16_loss_scaling_may_skip_a_step_but_not_the_recovery() -> None:
    def run_with(later: float) -> Run:
        run = Run()
        for i in range(30):
            loss = 1.5 - 0.02 * i if i < 8 else later - 0.001 * i
            report(run, i, loss=loss, grad_norm=inf if i == 7 else 1.0)
        return run

    assert run_with(1.2).verdict().state == "not-enough-data"
    assert run_with(7.0).verdict().state == "broken-numbers"


def test_a_learning_rate_of_zero() -> None:
    run = Run()
    for i in range(20):
        report(run, i, loss=1.4 + 0.1 * (i % 3), learning_rate=0.0)
    verdict = run.verdict()
    assert (verdict.state, verdict.severity) == ("not-training", "critical")
    assert "learning_rate is 0 on 20 of 20 logs" in verdict.headline


def test_an_evaluation_that_never_changes() -> None:
    verdict = run_of([0.7] * 4, [1.0, 0.9, 0.8, 0.7]).verdict()
    assert verdict.state == "not-training"
    assert verdict.evidence["identical_evals"] == 4


def test_turning_is_said_quietly() -> None:
    evals = [1.0, 0.8, 0.72, 0.7, 0.702, 0.705, 0.708, 0.712, 0.716, 0.719, 0.722, 0.724]
    verdict = run_of(evals).verdict()
    assert (verdict.state, verdict.severity) == ("turning", "info")
    assert verdict.evidence["trend"] > 1.64


def test_a_plateau_says_whether_the_learning_rate_has_decayed() -> None:
    evals = [1.0, 0.8, 0.7, *[0.7, 0.699] * 6]
    for last, words in ((1e-5, "has decayed"), (9e-5, "has not decayed yet")):
        rate = [1e-4 + (last - 1e-4) * i / 14 for i in range(15)]
        verdict = run_of(evals, learning_rate=rate).verdict()
        assert (verdict.state, verdict.severity) == ("plateau", "info")
        assert words in str(verdict.advice)


def test_never_better_than_the_first_evaluation() -> None:
    verdict = run_of([0.5, 0.52, 0.519, 0.521, 0.52]).verdict()
    assert verdict.state == "never-better"


def test_silence_counts_only_where_a_run_is_watched_live() -> None:
    run = run_of(FALLING)
    assert check(run, "stalled") == ("skipped", "the run is not watched live")
    run.apply(facts.Ended(0, None, "", 0.0))
    assert check(run, "stalled") == ("skipped", "the run has ended")


def test_of_several_evaluation_sets_the_worst_is_named() -> None:
    run = Run()
    good, bad = [*FALLING, 0.59, 0.58, 0.57], [*FALLING, 0.7, 0.8, 0.9]
    for i, (one, other) in enumerate(zip(good, bad, strict=True)):
        report(run, EVERY * (i + 1), loss=1 / (i + 1))
        report(run, EVERY * (i + 1), **{"eval_easy:loss": one})
        report(run, EVERY * (i + 1), **{"eval_hard:loss": other})
    verdict = run.verdict()
    assert (verdict.state, verdict.dataset) == ("overfitting", "hard")
    assert "of hard" in verdict.headline


def test_loss_and_task_metric_may_pick_different_steps() -> None:
    evals = [*FALLING, 0.65, 0.7, 0.78, 0.85]
    accuracy = [0.5, 0.6, 0.65, 0.68, 0.7, 0.71, 0.74, 0.77, 0.8, 0.81]
    verdict = run_of(evals, eval_accuracy=accuracy).verdict()
    assert (verdict.state, verdict.severity) == ("overfitting", "warning")
    assert "the loss picks step 600, the metric step 1,000" in verdict.headline
    assert verdict.evidence["metric_best"] == 0.81
    worse = run_of(evals, eval_wer=accuracy).verdict()
    assert worse.severity == "critical"
    assert "metric_best" not in worse.evidence


@pytest.mark.parametrize(
    ("evals", "state"),
    [
        ([3.0, 1.0, 0.2, 0.05, 0.01, 0.012, 0.011, 0.01], "healthy"),
        ([3.0, 1.0, 0.2, 0.05, 0.01, 0.2, 0.4, 0.6], "overfitting"),
        ([2.0, 1.0, 0.0, -0.5, -1.0, -0.5, 0.0, 0.5], "overfitting"),
        ([2.0, 1.0, 0.0, -0.5, -1.0, -1.1, -1.2, -1.3], "healthy"),
        ([0.0] * 8, "not-training"),
    ],
)
def test_losses_near_and_below_zero(evals: list[float], state: str) -> None:
    assert run_of(evals).verdict().state == state


def test_a_loss_that_measures_something_else_has_no_gap() -> None:
    verdict = run_of([12.6, 12.0, 11.5, 11.0], [3.1, 3.0, 2.9, 2.8]).verdict()
    assert verdict.gap is None
    assert "do not measure the same thing" in verdict.no_gap


def test_reinforcement_learning_is_not_judged_by_its_loss() -> None:
    run = Run()
    for i in range(30):
        report(run, i, loss=0.01 * i, reward=0.1 * i, kl=0.01)
    verdict = run.verdict()
    assert verdict.state == "not-enough-data"
    assert "reward" in verdict.headline
    assert check(run, "diverging")[0] == "skipped"


def test_memorisation_shows_as_stairs_at_epoch_ends() -> None:
    run = Run()
    for i in range(60):
        report(run, i, (i + 1) / 20, loss=0.6 ** (i // 20) * (1 - 0.001 * (i % 20)))
    assert check(run, "stairs")[0] == "fired"
    smooth = Run()
    for i in range(60):
        report(smooth, i, (i + 1) / 20, loss=0.96**i)
    assert check(smooth, "stairs")[0] == "clear"


def test_the_evidence_is_the_same_in_steps_and_in_epochs() -> None:
    evals = [*FALLING, 0.63, 0.67, 0.71, 0.75]
    stepped, by_epoch = run_of(evals), Run()
    for i, value in enumerate(evals):
        report(by_epoch, None, float(i + 1), loss=2.0 / (1 + i), eval_loss=value)
    assert by_epoch.verdict().state == stepped.verdict().state == "overfitting"
    assert by_epoch.verdict().gap is not None


def test_a_verdict_is_made_anew_only_for_new_numbers() -> None:
    run = run_of(FALLING)
    assert run.verdict() is run.verdict()
    before = run.verdict()
    report(run, 700, loss=0.1)
    assert run.verdict() is not before


# --- against made-up histories whose truth is known ----------------------------------------


def test_overfitting_is_told_from_everything_else() -> None:
    """Macro F1 >= 0.95 for overfitting."""
    random = Random(2024)
    told = {(truth, said): 0 for truth in (True, False) for said in (True, False)}
    for family in FAMILIES:
        for size in (5, 7, 10, 15, 20, 30, 50, 100):
            for _ in range(8):
                made = course(random, family, size, random.choice((0, 0.01, 0.02, 0.05, 0.1)))
                said = run_of_course(made).verdict().state == "overfitting"
                told[made.overfitting, said] += 1
    wrong = told[True, False] + told[False, True]
    scores = [2 * right / (2 * right + wrong) for right in (told[True, True], told[False, False])]
    assert sum(scores) / 2 >= 0.95, told


def test_chance_is_no_overfitting() -> None:
    """False alarms on flat noisy curves <= 4 % (n >= 10)."""
    random = Random(2025)
    said = [
        run_of_course(
            course(random, "flat", size, random.choice((0.01, 0.02, 0.05, 0.1)))
        ).verdict()
        for size in (10, 15, 20, 30, 50, 100)
        for _ in range(50)
    ]
    assert sum(verdict.state == "overfitting" for verdict in said) <= 0.04 * len(said)


@pytest.mark.parametrize(
    "evals",
    [
        [1.0, 0.7, 0.55, 0.5, 0.53, 0.56, 0.6],
        [2.0, 1.4, 1.0, 0.9, 0.93, 0.96, 1.0],
        [0.69, 0.52, 0.47, 0.49, 0.51, 0.55],
    ],
)
def test_a_short_smooth_rise_is_told_from_its_own_bend(evals: list[float]) -> None:
    assert run_of(evals).verdict().state == "overfitting"
    assert run_of(evals[:4]).verdict().state != "overfitting"


def test_stopping_where_it_is_advised_keeps_the_best_evaluation() -> None:
    """The best evaluation found in >= 97 %, with a median delay of <= 22 evaluations."""
    random = Random(7)
    right, delays, tries = 0, [], 0
    for family in ("healthy", "plateau", "turning", "overfitting", "lr-drops", "stairs"):
        for size in (10, 20, 40):
            for _ in range(4):
                made = course(random, family, size, random.choice((0, 0.01, 0.02, 0.05)))
                stop = _advised(made)
                found = min(range(stop), key=made.evals.__getitem__)
                whole = min(range(size), key=made.evals.__getitem__)
                right += found == whole or made.clean[found] <= 1.01 * min(made.clean)
                tries += 1
                if made.overfitting:
                    delays.append(stop - 1 - found)
    assert right >= 0.97 * tries
    assert sorted(delays)[len(delays) // 2] <= 22


def _advised(made: Course) -> int:
    """How many evaluations had passed when stopping was advised."""
    run = Run()
    for i, value in enumerate(made.evals):
        report_evaluation(run, i, value, made.train, made.per_eval)
        if i > 2 and run.verdict().severity == "critical":
            return i + 1
    return len(made.evals)


# --- the table of limits ------------------------------------------------------------------


def test_every_limit_is_listed_with_its_source_and_can_be_set() -> None:
    rules = table(Limits())
    assert len(rules) == len({r.limit for r in rules}) >= 25
    assert all(r.meaning and r.source for r in rules)
    strict = configured({"overfit_rise": 0.5})
    run = run_of([*FALLING, 0.63, 0.67, 0.71, 0.75])
    run.limits = strict
    assert run.verdict().state != "overfitting"
    with pytest.raises(ValueError, match="there is no threshold called overfit; did you mean"):
        configured({"overfit": 1})


def test_a_real_log_line_of_nan_is_broken() -> None:
    feed = Feed()
    feed.log(
        "".join(
            f"{{'loss': {v}, 'grad_norm': {v}, 'epoch': {i}.0}}\n"
            for i, v in enumerate((1.5, "nan", "nan"))
        )
    )
    assert feed.session.run.verdict().state == "broken-numbers"
