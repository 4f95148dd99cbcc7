"""The course of one evaluation loss: where its best stretch was, and how far it is above it now.

The law of this file: numbers only, no judgement. The best of many noisy values is too good to be
true by an amount that is known (``bias``), and what is above it by chance is known too (``noise``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import hypot, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.noise import running_medians, sigma_near

if TYPE_CHECKING:
    from trainwatch.run.grain import Grain
    from trainwatch.run.limits import Limits
    from trainwatch.run.series import Series

ABSURD = 1e100
"""Losses from here on are no numbers to reckon with; NaN is not below it either."""

_MEDIAN_NOISE = {1: 1.0, 2: 0.71, 3: 0.67}
"""Standard deviation of the median of so many values; 1.25 / sqrt(n) for more (asymptotic)."""


class Scale(NamedTuple):
    """The course seen through medians of ``width`` neighbours."""

    width: int
    at: int  # first evaluation of the best stretch
    best: float
    tail: float  # the newest stretch
    noise: float  # standard deviation of such a median
    bias: float  # by how much the best of that many is too good by chance

    @property
    def rise(self) -> float:
        """How far the newest stretch is above the best one."""
        return self.tail - self.best


@dataclass(frozen=True)
class Course:
    """The evaluations that can be reckoned with and that no restart ran again."""

    series: Series
    grain: Grain
    indexes: list[int]  # in the series
    values: list[float]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def best(self) -> int:
        """The evaluation with the lowest loss; of equal ones the first."""
        return min(range(len(self.values)), key=self.values.__getitem__)

    @property
    def since_best(self) -> int:
        """Evaluations after the best one."""
        return len(self.values) - 1 - self.best

    @cached_property
    def width(self) -> int:
        """How many neighbours count as one: few where there are few, 5 % of many."""
        n = len(self.values)
        width = 1 if n < 8 else 2 if n < 16 else 3 if n < 50 else round(0.05 * n)
        return max(min(width, n // 3), 1)

    @cached_property
    def sigma(self) -> float:
        """Noise of one evaluation at the height of the best, the rounding of the print included."""
        level = self.values[self.best]
        return hypot(sigma_near(self.values, level), self.grain.half(level) / sqrt(3))

    @cached_property
    def medians(self) -> list[float]:
        """The running medians of the finest view."""
        return running_medians(self.values, self.width)

    @cached_property
    def scales(self) -> list[Scale]:
        """The finest view and coarser ones, up to a quarter of the run."""
        found = [self._scale(self.width)]
        width = 2 * self.width
        while width <= len(self.values) // 4:
            found.append(self._scale(width))
            width *= 2
        return found

    def _scale(self, width: int) -> Scale:
        n = len(self.values)
        medians = self.medians if width == self.width else running_medians(self.values, width)
        head = medians[: n - 2 * width + 1] or medians[:1]
        at = min(range(len(head)), key=head.__getitem__)
        noise = self.sigma * _MEDIAN_NOISE.get(width, 1.25 / sqrt(width))
        bias = noise * sqrt(2 * log(max(n / width, 1)))
        return Scale(width, at, head[at], medians[-1], noise, bias)

    def relative(self, scale: Scale, limits: Limits) -> tuple[float, float]:
        """(rise, the height it is a share of): of the best, or of the fall where that is near 0."""
        height = scale.best
        if self.near_zero(scale, limits):
            height = self.values[0] - scale.best
        return (scale.rise / height if height > 0 else 0.0), height

    def near_zero(self, scale: Scale, limits: Limits) -> bool:
        """Whether the best is too near to 0 to be the measure of a rise."""
        return scale.best <= 0 or scale.best < limits.near_zero * self.values[0]


def course(series: Series, grain: Grain) -> Course:
    """The course of an evaluation loss."""
    values = series.values
    indexes = [i for a, b in series.pieces() for i in range(a, b) if abs(values[i]) < ABSURD]
    return Course(series, grain, indexes, [values[i] for i in indexes])
