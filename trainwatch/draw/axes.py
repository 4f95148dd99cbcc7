"""Scales and their ticks.

The law of this file: any finite numbers make a scale, down to 5e-324 and up to 1e308; ticks are round
numbers in the axis's unit and their labels never overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil, floor, frexp, isfinite, ldexp, log10
from sys import float_info
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trainwatch.run.series import Axis

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE = (1.0, 2.0, 5.0, 10.0)
_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Scale:
    """Where a value lies between the top and the bottom of a chart ``dots`` dots high."""

    low: float
    high: float
    dots: int
    log: bool = False  # low must be positive

    def dot(self, value: float) -> int:
        """The dot row of a value, 0 at the top; at most one chart height beyond the edges."""
        return self.rows((value,))[0]

    def rows(self, values: Iterable[float]) -> list[int]:
        """The dot row of each value."""
        low, span = self._base
        last = self.dots - 1
        if self.log:
            floor_ = low - span
            values = [log10(v) if v > 0 else floor_ for v in values]
        elif self._shift:
            most = min(2 * max(abs(self.low), abs(self.high)), float_info.max)
            values = [ldexp(min(max(-most, v), most), self._shift) for v in values]
        factor, base = last / span, last + 0.5 + low * (last / span)
        lowest, highest = low - span, low + 2 * span
        return [floor(base - min(max(lowest, v), highest) * factor) for v in values]

    @cached_property
    def _shift(self) -> int:
        """Power of two that keeps the arithmetic finite on extreme numbers."""
        largest = max(abs(self.low), abs(self.high))
        return 0 if 1e-150 < largest < 1e150 else -frexp(largest)[1]

    @cached_property
    def _base(self) -> tuple[float, float]:
        if self.log:
            low, high = log10(self.low), log10(self.high)
        else:
            low, high = ldexp(self.low, self._shift), ldexp(self.high, self._shift)
        return low, (high - low) or 1.0


def widened(low: float, high: float) -> tuple[float, float]:
    """The range itself, or one around a constant."""
    if low < high:
        return low, high
    pad = abs(low) / 10 or 1.0
    limit = float_info.max
    return max(low - pad, -limit), min(high + pad, limit)


def step_of(low: float, high: float, most: int, whole: bool = False) -> float:
    """The smallest round step that cuts the range in at most ``most`` parts."""
    raw = high / most - low / most
    if raw <= 0 or not isfinite(raw):
        return 0.0
    if whole and raw < 1:
        return 1.0
    power = 10.0 ** floor(log10(raw))
    if power == 0 or not isfinite(power):
        return 0.0
    for factor in _WHOLE if whole else _ROUND:
        if factor * power >= raw * (1 - 1e-9):
            return factor * power
    return 10 * power


def ticks(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """Round numbers within the range, at most ``most + 1``."""
    step = step_of(low, high, max(most, 1), whole)
    if not step:
        return [low, high] if low < high else [low]
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    found = [k * step for k in range(first, min(last, first + most + 1) + 1)]
    return [value for value in found if isfinite(value)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers for a logarithmic scale: decades, or finer where few decades show."""
    if high / 10 < low:
        return ticks(low, high, most)
    first, last = floor(log10(low)), ceil(log10(high))
    for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [float(f"{f}e{k}") for k in range(first, last + 1) for f in factors]
        found = [v for v in found if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
        if len(found) <= most + 1:
            break
    else:
        every = -(-len(found) // max(most, 1))
        found = found[::every]
    return found if len(found) > 1 else ticks(low, high, most)


def clock_ticks(low: float, high: float, most: int) -> list[float]:
    """Round times in seconds: quarters of an hour, not hundreds of seconds."""
    raw = (high - low) / max(most, 1)
    if raw > _CLOCK[-1]:
        return [v * 86400 for v in ticks(low / 86400, high / 86400, most, whole=True)]
    if raw < 1:
        return ticks(low, high, most)
    step = next(s for s in _CLOCK if s >= raw * (1 - 1e-9))
    return [float(k * step) for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """The numbers of one axis with a common number of decimals and a common unit."""
    if not values:
        return []
    largest = max(abs(v) for v in values)
    gap = min((abs(b - a) for a, b in pairwise(values) if a != b), default=0.0)
    gap = gap if isfinite(gap) and gap else largest
    if largest and (largest >= 1e15 or largest < 1e-3 or gap < 1e-5):
        digits = next((d for d in range(9) if all(_told(v, d, gap) for v in values)), 9)
        return [f"{v:.{digits}e}" if v else "0" for v in values]
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if largest >= factor * (10 if unit == "k" else 1):
            places = _decimals(gap / factor)
            if places <= 1:
                return [f"{v / factor:.{places}f}{unit}" if v else "0" for v in values]
            break
    return [f"{v:.{_decimals(gap)}f}" for v in values]


def log_labels(values: Sequence[float]) -> list[str]:
    """The numbers of a logarithmic axis, each as short as it can be."""
    return [f"{v:.4g}" for v in values]


def clock_labels(values: Sequence[float]) -> list[str]:
    """Times since the start, all in one shape: 90s, 1:30, 2:05:00, 3d."""
    if not values:
        return []
    gap = min((b - a for a, b in pairwise(values)), default=values[-1])
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if gap >= length and gap % length == 0 and (unit != "m" or values[-1] <= 3 * 3600):
            return [f"{v / length:.0f}{unit}" for v in values]
    if values[-1] < 120:
        return [f"{text}s" for text in labels(values)]
    if gap % 60 == 0:
        return [f"{v // 3600:.0f}:{v // 60 % 60:02.0f}h" for v in values]
    if values[-1] < 3600:
        return [f"{v // 60:.0f}:{v % 60:02.0f}" for v in values]
    return [f"{v // 3600:.0f}:{v // 60 % 60:02.0f}:{v % 60:02.0f}" for v in values]


class Tick(NamedTuple):
    """A labelled place of a horizontal axis."""

    value: float
    column: int
    label: str


def spaced(
    low: float, high: float, columns: int, column: Callable[[float], int], axis: Axis
) -> list[Tick]:
    """The ticks of a horizontal axis: as many as fit with two blanks between their labels."""
    for most in range(max(columns // 6, 1), 0, -1):
        if axis == "time":
            values = clock_ticks(low, high, most)
            texts = clock_labels(values)
        else:
            values = ticks(low, high, most, whole=axis in ("step", "entry"))
            texts = labels(values)
        found = [Tick(v, column(v), t) for v, t in zip(values, texts, strict=True)]
        found = [tick for tick in found if 0 <= tick.column < columns]
        room = min((b.column - a.column for a, b in pairwise(found)), default=columns)
        if room >= max((len(tick.label) for tick in found), default=0) + 2:
            return found
    return []


def _told(value: float, digits: int, gap: float) -> bool:
    """Whether so many digits of the mantissa tell the value apart from its neighbours."""
    return abs(float(f"{value:.{digits}e}") - value) <= gap / 100


def _decimals(gap: float) -> int:
    """Decimals that a number needs so that multiples of ``gap`` are told apart."""
    if gap <= 0:
        return 0
    places = max(-floor(log10(gap) + 1e-9), 0)
    return places + int(abs(gap * 10.0**places - round(gap * 10.0**places)) > 1e-6)
