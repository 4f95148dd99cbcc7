"""How much of what a curve does is chance.

The law of this file: pure functions over lists of numbers; robust, so that one outlier or one jump
does not count as noise.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import islice
from math import exp, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAD_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation in median absolute deviations."""


def median(values: Sequence[float]) -> float:
    """The middle value, the mean of the two middle ones for an even count."""
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


def running_medians(values: Sequence[float], width: int) -> list[float]:
    """The median of each ``width`` neighbours; shorter by ``width - 1`` than ``values``."""
    if width == 1:
        return list(values)
    window = sorted(values[:width])
    half, odd = divmod(width, 2)
    found = [window[half] if odd else (window[half - 1] + window[half]) / 2]
    for old, new in zip(values, islice(values, width, None), strict=False):
        del window[bisect_left(window, old)]
        insort(window, new)
        found.append(window[half] if odd else (window[half - 1] + window[half]) / 2)
    return found


FEW = 12
"""Among fewer values the course itself bends, and its bends would count as noise."""


def sigma(values: Sequence[float]) -> float:
    """Standard deviation of the noise: a smooth course nearly vanishes in second differences.

    Of a short course less is left in third differences: there the smaller of the two counts.
    """
    if len(values) < 5:
        return 0.0
    bends = _rises(_rises(values))
    found = MAD_TO_SIGMA * median([abs(b) for b in bends]) / sqrt(6)
    if 6 <= len(values) < FEW:
        thirds = [abs(b) for b in _rises(bends)]
        found = min(found, MAD_TO_SIGMA * median(thirds) / sqrt(20))
    return found


def _rises(values: Sequence[float]) -> list[float]:
    return [b - a for a, b in zip(values, islice(values, 1, None), strict=False)]


def sigma_near(values: Sequence[float], level: float) -> float:
    """The noise at the height ``level``: proportional where the curve spans more than a factor 3."""
    low = min(values)
    if low > 0 and max(values) > 3 * low:
        return level * (exp(sigma([log(v) for v in values])) - 1)
    return sigma(values)


def trend(values: Sequence[float]) -> float:
    """Mann-Kendall z: above 1.64 a rise is unlikely to be chance (one-sided 5 %).

    H. B. Mann, Nonparametric tests against trend, Econometrica 13 (1945). Of long stretches evenly
    spaced values are compared.
    """
    stride = max(len(values) // 100, 1)
    values = values[::stride]
    n = len(values)
    if n < 4:
        return 0.0
    score, before = 0, list[float]()
    for value in values:
        score += bisect_left(before, value) + bisect_right(before, value) - len(before)
        insort(before, value)
    spread = sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return (score - (score > 0) + (score < 0)) / spread


def steady(values: Sequence[float], least: float) -> bool:
    """Whether a stretch rises by more than chance: every one of three or four, else by its trend."""
    if len(values) < 5:
        return len(values) >= 3 and all(rise > 0 for rise in _rises(values))
    return trend(values) > least
