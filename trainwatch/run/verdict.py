"""What the curves say about the run.

The law of this file: rules in order of precedence; each tells whether it fired, was clear or could
not be applied and why, with the numbers it looked at. No rule judges by the gap alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

State: TypeAlias = Literal[
    "not-enough-data", "broken-numbers", "not-training", "stalled", "diverging",
    "overfitting", "turning", "plateau", "never-better", "healthy",
]  # fmt: skip
Severity: TypeAlias = Literal["ok", "info", "warning", "critical"]

INVISIBLE = "Bad labels and a wrong task are invisible in these curves: only a gold set shows them."


class Best(NamedTuple):
    """One evaluation that stands out."""

    step: int | None
    epoch: float | None
    value: float
    checkpoint: str | None


class Gap(NamedTuple):
    """Eval minus train loss at the same place."""

    value: float
    train: float
    eval: float
    step: int | None


class Check(NamedTuple):
    """One rule and what came of it."""

    rule: str
    result: Literal["clear", "fired", "skipped"]
    why: str


@dataclass(frozen=True)
class Worth:
    """Which checkpoint is best, by each measure there is."""

    best_by: Mapping[str, str]
    disagree: bool


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
