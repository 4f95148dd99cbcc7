"""What the room below the list of runs is used for: the curves of the run that is stood on.

The law of this file: where two or more are marked they are seen together, as ``=`` would show them large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import chart, compare, loss
from trainwatch.draw.plot import ChartView, settled
from trainwatch.draw.rows import Row, fit, length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.compare import Contender

LEAST, MOST = 10, 30
"""Lines below which a picture says nothing, and above which it says no more."""


def rows(
    marked: Sequence[Contender], here: Contender | None, columns: int, lines: int
) -> list[Row]:
    """Exactly ``lines`` rows; blank where there is no room or nothing to see."""
    tall = min(lines, MOST)
    made: list[Row] = []
    if tall >= LEAST and len(marked) > 1:
        quantity = compare.usual(marked)
        picture = compare.draw(marked, quantity, ChartView(), columns, tall - 2)
        made = [[], _rule(picture.title, columns), *picture.rows]
    elif tall >= LEAST and here is not None and here.run.target is not None:
        shown = loss.plot(here.run)
        view = settled(ChartView(), shown)
        drawn = chart.draw(shown, view, columns, tall - 2).rows
        made = [[], _rule([(f"loss of {here.name}", "title")], columns), *drawn]
    return [fit(row, columns) for row in [*made, *([[]] * (lines - len(made)))]]


def _rule(title: Row, columns: int) -> Row:
    """A line across with a title in it."""
    row: Row = [("─ ", "border"), *title, (" ", "border")]
    return [*row, ("─" * max(columns - length(row), 0), "border")]
