"""What a person is told without looking: raised when it holds, withdrawn when it is gone."""

from __future__ import annotations

import pytest

from tests.run.runs import report
from trainwatch import facts
from trainwatch.run.alerts import GONE, HOLD, Alert, Alerts
from trainwatch.run.run import Run

T0 = 1_000_000.0
FALLING = [1.0, 0.8, 0.7, 0.65, 0.62, 0.6]


class Watch:
    """A run that trains, and somebody who looks at it."""

    def __init__(self, *stop_on: str) -> None:
        self.run, self.alerts, self.at, self.evals = Run(), Alerts(stop_on), T0, 0
        self.run.apply(facts.CaughtUp(T0))
        self.alive()

    def alive(self) -> None:
        self.run.apply(facts.Chunk("output.log", int(self.at - T0), b"x\n", self.at))
        self.run.latest = self.at

    def evaluate(self, *values: float) -> list[Alert]:
        for value in values:
            self.evals += 1
            report(self.run, 100 * self.evals, loss=1 / self.evals, eval_loss=value)
        return self.alerts.look(self.run)

    def wait(self, seconds: float) -> list[Alert]:
        self.at += seconds
        self.alive()
        return self.alerts.look(self.run)


def test_what_is_grave_counts_at_once_and_the_rest_when_it_holds() -> None:
    watch = Watch()
    assert watch.evaluate(*FALLING, 0.63, 0.64, 0.65, 0.66) == []
    assert watch.run.verdict().severity == "warning"
    assert watch.wait(HOLD / 2) == []
    (alert,) = watch.wait(HOLD)
    assert (alert.rule, alert.severity, alert.state) == ("overfitting", "warning", "active")
    assert 0.05 < (alert.value or 0) < 0.1
    (graver,) = watch.evaluate(0.8, 0.9, 1.0)
    assert (graver.rule, graver.severity, graver.since) == ("overfitting", "critical", alert.since)
    assert watch.wait(100) == []
    assert len(watch.alerts.timeline) == 1


def test_a_new_best_withdraws_it_and_it_stays_in_the_timeline() -> None:
    watch = Watch()
    watch.evaluate(*FALLING, 0.9, 1.0, 1.1)
    assert watch.evaluate(0.5, 0.45) == []
    assert watch.wait(GONE / 2) == []
    (alert,) = watch.wait(GONE)
    assert (alert.state, alert.until) == ("withdrawn", watch.at)
    assert [a.state for a in watch.alerts.timeline] == ["withdrawn"]


def test_what_wavers_is_one_alert() -> None:
    watch = Watch()
    watch.evaluate(*FALLING, 0.9, 1.0, 1.1)
    for value in (0.59, 1.2, 0.58, 1.3):
        watch.evaluate(value)
        assert watch.wait(1.0) == []
    assert len(watch.alerts.timeline) == 1


def test_an_acknowledged_one_counts_no_longer_and_is_not_raised_again() -> None:
    watch = Watch()
    watch.evaluate(*FALLING, 0.9, 1.0, 1.1)
    assert len(watch.alerts.standing) == 1
    assert watch.alerts.acknowledge() == 1
    assert watch.evaluate(1.2, 1.3) == []
    assert (watch.alerts.standing, watch.alerts.timeline[0].state) == ([], "acknowledged")


def test_a_bad_end_is_told_and_a_good_one_is_not() -> None:
    for code, told in ((1, ["failed"]), (0, [])):
        watch = Watch()
        watch.evaluate(*FALLING)
        watch.run.apply(facts.Ended(code, None, "", T0 + 1))
        assert [a.rule for a in watch.alerts.look(watch.run)] == told
        assert watch.alerts.look(watch.run) == []


def test_a_run_of_the_past_is_no_news() -> None:
    run, alerts = Run(), Alerts()
    for i, value in enumerate([*FALLING, 0.9, 1.0, 1.1]):
        report(run, 100 * i, loss=1 / (i + 1), eval_loss=value)
    run.apply(facts.CaughtUp(T0))
    assert alerts.look(run) == []


@pytest.mark.parametrize(
    ("stop_on", "stops"),
    [((), False), (("overfitting",), True), (("critical",), True), (("diverging",), False)],
)
def test_nothing_is_stopped_unless_it_was_asked_for(stop_on: tuple[str, ...], stops: bool) -> None:
    watch = Watch(*stop_on)
    watch.evaluate(*FALLING, 0.63, 0.64, 0.65, 0.66)
    assert not any(map(watch.alerts.stops, watch.wait(0) + watch.wait(2 * HOLD)))
    assert any(map(watch.alerts.stops, watch.evaluate(0.8, 0.9, 1.0))) is stops


def test_a_quiet_rule_counts_when_it_was_named() -> None:
    plateau = [1.0, 0.8, 0.7, *([0.7] * 12)]
    assert Watch().evaluate(*plateau) == []
    watch = Watch("plateau")
    watch.evaluate(*plateau)
    (alert,) = watch.wait(HOLD)
    assert alert.rule == "plateau"
    assert watch.alerts.stops(alert)


def test_a_stopped_process_is_told_before_its_patience_ends() -> None:
    watch = Watch()
    watch.evaluate(*FALLING)
    watch.run.apply(facts.ProcessReading(7, "stopped", 0.0, 0, [7], T0))
    watch.wait(0)
    (alert,) = watch.wait(HOLD)
    assert alert.rule == "stalled"
    assert "SIGSTOP" in alert.text
    watch.run.apply(facts.ProcessReading(7, "running", 1.0, 0, [7], T0))
    assert [a.state for a in watch.wait(GONE)] == ["withdrawn"]
