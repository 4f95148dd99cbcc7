"""The curve of a quantity over the run.

The law of this file: a chart asks its series for one value per dot column and never walks points;
the x scale snaps to a ladder, so that what is drawn stands still while the run grows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Axis: TypeAlias = Literal["step", "epoch", "time"]


@dataclass(frozen=True)
class ChartView:
    """How a person looks at a chart; everything else follows from the run."""

    axis: Axis = "step"
    log_y: bool = False
    smoothing: float = 0.6  # weight of the past in the moving average; 0 shows the raw curve alone
    start: float | None = None  # the window, in units of the axis; None = from the beginning
    stop: float | None = None  # None = to the end, and follow it
    cursor: float | None = None  # in units of the axis
    robust: bool = True  # outliers may leave the picture, marked at its edge
