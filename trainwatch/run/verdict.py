"""What the curves say about the run.

The law of this file: the first rule that fires is the state; every rule tells whether it fired, was
clear or could not be applied and why. No verdict rests on the gap alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.case import Case, Finding, Result, Setting, Severity, State, evaluations, named
from trainwatch.run.limits import Limits
from trainwatch.run.rules import REMARKS, RULES
from trainwatch.run.rules.tasks import Standing, standing
from trainwatch.run.worth import Worth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwatch.run.course import Course
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.pairing import Pairing

__all__ = ["Best", "Check", "Gap", "Severity", "State", "Verdict", "Worth", "judge"]

INVISIBLE = "Bad labels and a wrong task are invisible in these curves: only a gold set shows them."
"""Stands in the detail of every verdict."""


class Best(NamedTuple):
    """One evaluation that stands out."""

    step: int | None
    epoch: float | None
    value: float
    checkpoint: str | None
    evaluation: int
    """Which one it was, counted from 1."""


class Gap(NamedTuple):
    """Eval minus train loss at the same place."""

    value: float
    train: float
    eval: float
    step: int | None


class Check(NamedTuple):
    """One rule and what came of it."""

    rule: str
    result: Result
    why: str


@dataclass(frozen=True)
class Verdict:
    """The judgement with its evidence."""

    state: State
    severity: Severity
    headline: str
    advice: str | None = None
    best: Best | None = None
    last: Best | None = None
    gap: Gap | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    worth: Worth | None = None
    dataset: str | None = None
    """The evaluation set it speaks of, where there are several."""
    noise: float | None = None
    """Standard deviation of one evaluation around its course."""
    no_gap: str = ""
    """Why there is no gap to tell; "" where there is one."""
    note: str = INVISIBLE
    fired: tuple[Finding, ...] = ()
    """Everything that is to be told, whichever of it is the state."""


def judge(
    metrics: MetricStore,
    pairing: Pairing,
    limits: Limits | None = None,
    setting: Setting | None = None,
) -> Verdict:
    """The verdict on what is known now."""
    case = Case(metrics, pairing, limits or Limits(), setting or Setting())
    findings = [rule(case) for rule in RULES]
    remarks = [remark(case) for remark in REMARKS]
    fired = next((f for f in findings if f.result == "fired"), None)
    finding = fired or _not_enough(case) or _healthy(case)
    checks = tuple(_check(f, fired) for f in (*findings, *remarks))
    chosen = finding.course or (case.courses[0] if case.courses else None)
    gap, no_gap = _gap(case, chosen)
    return Verdict(
        state=finding.rule,  # type: ignore[arg-type]  # rules are named as the states they lead to
        severity=finding.severity,
        headline=finding.headline,
        advice=finding.advice,
        best=_mark(case, chosen, chosen.best) if chosen else None,
        last=_mark(case, chosen, len(chosen) - 1) if chosen else None,
        gap=gap,
        evidence=finding.evidence,
        checks=checks,
        worth=case.setting.worth,
        dataset=chosen.series.key.dataset if chosen else None,
        noise=chosen.sigma if chosen else None,
        no_gap=no_gap,
        fired=tuple(f for f in (*findings, *remarks) if f.result == "fired"),
    )


def _check(finding: Finding, state: Finding | None) -> Check:
    """A rule that fires below the state is not a second state."""
    if state and finding is not state and finding.result == "fired" and finding.headline:
        return Check(finding.rule, "skipped", f"{state.rule} says more ({finding.why})")
    return Check(finding.rule, finding.result, finding.why)


def _mark(case: Case, chosen: Course, at: int) -> Best:
    index = chosen.indexes[at]
    step = chosen.series.step(index)
    return Best(step, chosen.series.epoch(index), chosen.values[at], case.kept(step), at + 1)


def _gap(case: Case, chosen: Course | None) -> tuple[Gap | None, str]:
    if chosen is None:
        return None, "no evaluation yet"
    if case.comparable:
        return None, case.comparable
    pair = case.beside(chosen, len(chosen) - 1)
    if pair.train is None or pair.gap is None:
        return None, "no finite train loss near the evaluation"
    return Gap(pair.gap, pair.train, pair.eval, pair.step), ""


def _not_enough(case: Case) -> Finding | None:
    """Nothing is wrong, but too little is known to say that all is well."""
    limits, logs = case.limits, len(case.train_values)
    evals = max((len(c) for c in case.courses), default=0)
    if evals >= limits.fewest_evals and not case.reinforced:
        return None
    evidence = {"evals": float(evals), "logs": float(logs)}
    state = "not-enough-data"
    if case.reinforced:
        headline = (
            "Reinforcement learning: its loss is no measure of progress; watch reward and kl."
        )
        return _by_metric(case, state, headline, standing(case, "reward"), evidence)
    if not evals and not logs:
        return _by_metric(case, state, _no_loss(case), standing(case), evidence)
    if logs < limits.fewest_logs:
        told = f"{evals} of {limits.fewest_evals:g} evaluations, {logs} of {limits.fewest_logs:g} train logs"
        return Finding(state, "fired", "", "info", f"Not enough data yet: {told}.", None, evidence)
    found = "no evaluation" if not evals else f"{evals} of {limits.fewest_evals:g} evaluations"
    return Finding(
        state, "fired", "", "info",
        f"The train loss shows nothing wrong ({case.train_values[0]:.4g} to {case.train_values[-1]:.4g});"
        f" {found}, so nothing says yet whether it generalises.",
        None if evals else "Evaluate now and then (eval_strategy) to see overfitting.",
        evidence,
    )  # fmt: skip


def _by_metric(
    case: Case, state: str, headline: str, told: Standing | None, evidence: dict[str, float]
) -> Finding:
    """What a metric says where no loss can be judged."""
    if told is None:
        hint = case.metrics.series() and not case.reinforced
        advice = "Name yours with --metric loss=REGEX." if hint else None
        return Finding(state, "fired", "", "info", headline, advice, evidence)
    headline = f"{headline} {told.sentence}"
    return Finding(state, "fired", "", "info", headline, told.advice, {**evidence, **told.evidence})


def _no_loss(case: Case) -> str:
    """That the measure of the diagnosis is missing, and what is there instead."""
    names = [s.key.key or s.key.name for s in case.metrics.series()]
    if not names:
        return "No loss yet: nothing to judge."
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"No loss is reported, only {', '.join(names[:3])}{more}: the rules judge losses."


def _healthy(case: Case) -> Finding:
    chosen = case.courses[0]
    best, last = chosen.values[chosen.best], chosen.values[-1]
    evidence = {
        "rise": chosen.relative(chosen.scales[0], case.limits)[0],
        "noise": chosen.sigma,
        "evals": float(len(chosen)),
        "since_best": float(chosen.since_best),
    }
    where = (
        f" at step {step:,}" if (step := chosen.series.step(chosen.indexes[chosen.best])) else ""
    )
    if chosen.since_best == 0:
        headline = f"Learning: the newest evaluation{named(chosen, case)} is the best, {last:.4g}."
    else:
        ago = evaluations(chosen.since_best)
        headline = f"Best{named(chosen, case)} {best:.4g}{where}, {ago} ago; now {last:.4g}."
    return Finding("healthy", "fired", "", "ok", headline, _still_falling(case, chosen), evidence)


def _still_falling(case: Case, chosen: Course) -> str | None:
    """Underfitting cannot be seen; that the curve still falls at the end can."""
    third = len(chosen) // 3
    if not case.setting.over or third < 2 or chosen.since_best > 1:
        return None
    then = sum(chosen.values[-2 * third : -third]) / third
    now = sum(chosen.values[-third:]) / third
    if then <= 0 or then - now < max(0.01 * then, 2 * chosen.sigma):
        return None
    return f"Eval loss still fell at the end ({1 - now / then:.1%} over the last third): more steps may help."
