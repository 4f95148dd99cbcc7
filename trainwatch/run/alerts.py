"""What a person is told without looking: when something began to be wrong, and when it was over.

The law of this file: it decides and delivers nothing. It is asked again and again with the verdict
of the moment, on the time of the facts. What is critical counts at once, the rest when it has held
for ``HOLD`` seconds; nothing is withdrawn before it was gone for ``GONE``, so that a value that
wavers around a threshold is one alert and not twenty. A run that nobody trains any more gives none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.run.case import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.case import Severity
    from trainwatch.run.run import Run

HOLD = 5.0
GONE = 30.0
MOST = 200
"""So many newest alerts are kept."""
CRITICAL = "critical"
"""Stands for every rule where rules are named: whatever is critical."""
ENDED = "failed"
"""The training ended by itself, and badly."""

AlertState: TypeAlias = Literal["active", "withdrawn", "acknowledged"]


@dataclass(frozen=True)
class Alert:
    """One thing that was wrong."""

    rule: str
    severity: Severity
    text: str
    value: float | None  # the first number of the evidence
    step: int | None  # where the training stood
    since: float
    state: AlertState = "active"
    until: float | None = None  # when it was withdrawn


def _stopped(run: Run) -> dict[str, Finding]:
    """A process that was stopped is silent by somebody's will: that is told before its patience ends."""
    if run.process is None or run.process.state != "stopped":
        return {}
    why = f"The training stands still: {run.state().reason}."
    return {"stalled": Finding("stalled", "fired", why, "warning", why)}


class _Pending(NamedTuple):
    """A rule that fires, or does not any more, and since when."""

    since: float
    seen: float


class Alerts:
    """All alerts of one run, as they come and go."""

    def __init__(self, stop_on: Sequence[str] = ()) -> None:
        self.stop_on = frozenset(stop_on)
        """Rules on which a person wants the training stopped."""
        self.timeline: list[Alert] = []
        self._pending: dict[str, _Pending] = {}
        self._live = False

    @property
    def standing(self) -> list[Alert]:
        """Those that hold and that nobody has acknowledged; an end is told by the state itself."""
        return [a for a in self.timeline if a.state == "active" and a.rule != ENDED]

    def acknowledge(self) -> int:
        """A person has seen them; how many there were."""
        count = sum(alert.state == "active" for alert in self.timeline)
        self.timeline = [
            replace(a, state="acknowledged") if a.state == "active" else a for a in self.timeline
        ]
        return count

    def stops(self, alert: Alert) -> bool:
        """Whether the training is to be stopped for it: only a person's own wish does that.

        Overfitting stops it from where stopping is advised, not from the first sign.
        """
        if alert.state != "active" or alert.rule == ENDED:
            return False
        grave = alert.severity == CRITICAL
        if alert.rule in self.stop_on:
            return grave or alert.rule != "overfitting"
        return grave and CRITICAL in self.stop_on

    def look(self, run: Run) -> list[Alert]:
        """What is new at this moment: alerts that were raised or withdrawn."""
        if not run.caught_up:
            return []
        over = run.ended is not None or (run.process is None and not run.pace.grew)
        if over and not self._live:
            return []
        self._live = True
        firing = (
            {} if over else {f.rule: f for f in run.verdict(run.latest).fired if self._counts(f)}
        )
        if not over:
            firing |= _stopped(run)
        news = [] if over else self._gone(firing, run.latest)
        for rule, finding in firing.items():
            news += self._fires(rule, finding, run)
        return news + self._end(run)

    def _counts(self, finding: Finding) -> bool:
        return finding.severity in ("warning", "critical") or finding.rule in self.stop_on

    def _fires(self, rule: str, finding: Finding, run: Run) -> list[Alert]:
        now, known = run.latest, self._open(rule)
        pending = self._pending.get(rule)
        self._pending[rule] = _Pending(pending.since if pending else now, now)
        if known is not None:
            graver = finding.severity == CRITICAL != self.timeline[known].severity
            text = finding.headline or finding.why
            self.timeline[known] = replace(
                self.timeline[known], severity=finding.severity, text=text
            )
            return [self.timeline[known]] if graver else []
        if finding.severity != CRITICAL and now - self._pending[rule].since < HOLD:
            return []
        value = next(iter(finding.evidence.values()), None)
        return [self._raise(rule, finding.severity, finding.headline or finding.why, value, run)]

    def _raise(
        self, rule: str, severity: Severity, text: str, value: float | None, run: Run
    ) -> Alert:
        done = run.progress.done
        alert = Alert(rule, severity, text, value, None if done is None else int(done), run.latest)
        self.timeline = [*self.timeline, alert][-MOST:]
        return alert

    def _gone(self, firing: dict[str, Finding], now: float) -> list[Alert]:
        """Those whose rule has been clear for long enough."""
        news = []
        for rule in [r for r in self._pending if r not in firing]:
            known = self._open(rule)
            if known is not None and now - self._pending[rule].seen < GONE:
                continue
            del self._pending[rule]
            if known is not None:
                alert = replace(self.timeline[known], state="withdrawn", until=now)
                self.timeline[known] = alert
                news.append(alert)
        return news

    def _open(self, rule: str) -> int | None:
        """The place in the timeline of the alert of a rule that was not withdrawn."""
        places = range(len(self.timeline) - 1, -1, -1)
        return next(
            (
                i
                for i in places
                if self.timeline[i].rule == rule and self.timeline[i].state != "withdrawn"
            ),
            None,
        )

    def _end(self, run: Run) -> list[Alert]:
        state = run.state()
        if state.word not in ("failed", "killed") or self._open(ENDED) is not None:
            return []
        why = f" ({state.reason})" if state.reason else ""
        return [self._raise(ENDED, "critical", f"The training {state.word}{why}.", None, run)]
