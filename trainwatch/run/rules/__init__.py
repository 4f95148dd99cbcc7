"""The rules of the diagnosis, one group per file.

The law of this folder: a rule is a function from a ``Case`` to a ``Finding``. It fires, is clear,
or is skipped and says why; the order of precedence is that of ``RULES`` and of nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.run.rules.evaluation import never_better, overfitting, plateau, turning
from trainwatch.run.rules.numbers import broken_numbers, not_training
from trainwatch.run.rules.silence import slow, stalled
from trainwatch.run.rules.training import diverging, spikes, stairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.run.case import Case, Finding

RULES: tuple[Callable[[Case], Finding], ...] = (
    broken_numbers,
    not_training,
    stalled,
    diverging,
    overfitting,
    turning,
    plateau,
    never_better,
)
"""In order of precedence: the first that fires is the state."""

REMARKS: tuple[Callable[[Case], Finding], ...] = (stairs, spikes, slow)
"""Told beside the state, never the state."""
