"""Everything a rule may look at, and what it may say.

The law of this file: a rule sees a ``Case`` and returns a ``Finding``; it changes nothing. Whatever
is costly is computed once per case and only when a rule asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.run.course import ABSURD, Course, course
from trainwatch.run.noise import running_medians, sigma
from trainwatch.run.pairing import reinforced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.run.limits import Limits
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.pairing import Pair, Pairing
    from trainwatch.run.series import Series
    from trainwatch.run.worth import Worth

NOISE_REACH = 2000
"""So many newest train logs tell the noise; longer histories are looked at in blocks."""

State: TypeAlias = Literal[
    "not-enough-data", "broken-numbers", "not-training", "stalled", "diverging",
    "overfitting", "turning", "plateau", "never-better", "healthy",
]  # fmt: skip
Severity: TypeAlias = Literal["ok", "info", "warning", "critical"]
Result: TypeAlias = Literal["clear", "fired", "skipped"]


@dataclass(frozen=True)
class Silence:
    """How long nothing was printed, and what the machine does meanwhile."""

    seconds: float
    usual: float | None  # seconds between two lines of this run
    longest: float | None = None  # silence of this run that ended
    cpu: float | None = None  # cores in use by the run
    busy: float | None = None  # 0..1, of the cards of this run
    power: float | None = None  # watts, of the cards of this run
    power_usual: float | None = None


@dataclass(frozen=True)
class Finding:
    """What one rule says."""

    rule: str
    result: Result
    why: str
    severity: Severity = "ok"
    headline: str = ""
    advice: str | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    course: Course | None = None  # the evaluation set it speaks of


class Setting(NamedTuple):
    """What is known of the run besides its numbers."""

    silence: Silence | None = None  # None: it ended, or is not watched live
    ended: bool = False
    over: bool = False  # it ended, or nobody writes it any more as far as is known
    checkpoints: Mapping[int, str] = {}  # step -> name of a complete one
    worth: Worth | None = None
    slowdown: float | None = None  # times the usual length of a step


@dataclass(frozen=True)
class Case:
    """One run before the rules."""

    metrics: MetricStore
    pairing: Pairing
    limits: Limits
    setting: Setting

    @cached_property
    def loss(self) -> Series | None:
        """The training loss."""
        return self.metrics.loss

    @cached_property
    def courses(self) -> list[Course]:
        """The evaluation losses that have any finite value."""
        found = [course(s, self.metrics.grain(s)) for s in self.metrics.evals]
        return [c for c in found if len(c)]

    @cached_property
    def reinforced(self) -> bool:
        """Whether this is reinforcement learning, whose loss says nothing of progress."""
        return reinforced(self.metrics)

    @cached_property
    def train_values(self) -> Sequence[float]:
        """The finite train losses that no restart ran again."""
        if self.loss is None:
            return []
        pieces, highest = self.loss.pieces(), self.loss.highest()
        sound = not self.loss.marks and highest is not None and highest < ABSURD
        if sound and pieces == [(0, len(self.loss))]:
            return self.loss.values
        return [v for a, b in pieces for v in self.loss.values[a:b] if abs(v) < ABSURD]

    @cached_property
    def train_noise(self) -> float:
        """Standard deviation of one newer train loss around its course."""
        return sigma(self.train_values[-NOISE_REACH:])

    def lowest_train(self, width: int) -> tuple[float, int]:
        """(lowest median of ``width`` neighbours before the newest ones, its index in the series)."""
        loss, values = self.loss, self.train_values
        if loss is None or len(values) > NOISE_REACH:
            return self._lowest_blocks(width)
        head = running_medians(values[:-width], width)
        at = min(range(len(head)), key=head.__getitem__)
        return head[at], at + width // 2

    def _lowest_blocks(self, width: int) -> tuple[float, int]:
        """The same over the means of many equal blocks, for long histories."""
        assert self.loss is not None
        size = -(-len(self.loss) // 500)
        means = [
            (mean, i)
            for a, b in self.loss.pieces()
            for i in range(a, b - width, size)
            if (mean := self.loss.mean(i, min(i + size, b - width))) is not None
        ]
        return min(means)

    def kept(self, step: int | None) -> str | None:
        """The name of the whole checkpoint of that step."""
        return None if step is None else self.setting.checkpoints.get(step)

    def beside(self, chosen: Course, at: int) -> Pair:
        """The pair of one evaluation."""
        return self.pairing.pair(chosen.series, chosen.indexes[at])

    @cached_property
    def comparable(self) -> str:
        """Why train and eval loss cannot be set against each other; "" when they can."""
        return self.pairing.apart()

    def train_over(self, chosen: Course, start: int, stop: int) -> tuple[float, int] | None:
        """(mean, number) of the train losses logged during the evaluations ``start .. stop``."""
        return self.pairing.during(chosen.series, chosen.indexes[start], chosen.indexes[stop - 1])


def evaluations(count: int) -> str:
    """So many of them."""
    return "1 evaluation" if count == 1 else f"{count} evaluations"


def named(chosen: Course | None, case: Case) -> str:
    """Which evaluation set, where there are several to tell apart: " of X", else nothing."""
    if chosen is None or len(case.courses) < 2 or chosen.series.key.dataset is None:
        return ""
    return f" of {chosen.series.key.dataset}"
