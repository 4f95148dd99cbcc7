"""How finely a value was printed, and so how far the true value may be from it.

The law of this file: a float carries its digits with it (``repr`` gives the shortest that reads
back the same). A printed value stands for everything that rounds to it.
"""

from __future__ import annotations

from math import floor, isfinite, isnan, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT = 8
"""Up to so many significant digits a value counts as rounded for printing."""

ENOUGH = 200
"""So many values tell how finely a series is printed."""


def digits(value: float) -> tuple[int, int]:
    """(significant digits, digits behind the point) of a value as it was printed."""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    significant = (whole + fraction).lstrip("0") if fraction else whole.strip("0")
    return len(significant), max(len(fraction) - int(exponent or 0), 0)


class Grain:
    """The finest printing met among the rounded values of one series."""

    def __init__(self) -> None:
        self._significant = 0
        self._decimals = 0
        self._seen = 0

    def see(self, values: Sequence[float]) -> None:
        """Take in values of the series; enough of them are looked at."""
        if self._seen >= ENOUGH:
            return
        self._seen += len(values)
        for value in values[:ENOUGH]:
            if isfinite(value):
                significant, decimals = digits(value)
                if significant <= SHORT:
                    self._significant = max(self._significant, significant)
                    self._decimals = max(self._decimals, decimals)

    def half(self, value: float) -> float:
        """Half of the last printed place: the most that rounding can have moved ``value``."""
        if not isfinite(value) or digits(value)[0] > SHORT:
            return 0.0
        by_digits = 0.0
        if value:
            by_digits = 10.0 ** (floor(log10(abs(value))) + 1 - max(self._significant, 1))
        return max(by_digits, 10.0**-self._decimals if self._decimals else 0.0) / 2

    def agrees(self, printed: float, exact: float) -> bool:
        """Whether ``exact``, printed as this series is, gives ``printed``."""
        if not isfinite(printed) or not isfinite(exact):
            return printed == exact or (isnan(printed) and isnan(exact))
        return abs(printed - exact) <= self.half(printed) * 1.001 + abs(exact) * 1e-12
