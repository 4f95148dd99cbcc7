"""What does not work at the moment, and what the training told in words.

The law of this file: each trouble with its age and with what to do about it; the newest first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.rows import Row, wrapped
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.run.run import Run

_NOTICES = 12
_ELSEWHERE = frozenset({"devices", "link"})
"""Places whose trouble stands in a panel of its own, and in the header."""


def sign(run: Run) -> Row:
    """How many there are, for the edge of a frame; nothing where there are none."""
    count = sum(where not in _ELSEWHERE for where in run.troubles)
    return [(f"  ! {count} trouble{'s' if count > 1 else ''}", "warning")] if count else []


def source(run: Run) -> str:
    """Where what is read comes from, where that needed a search."""
    return clean(run.target.note, 1000) if run.target else ""


def rows(run: Run, columns: int, now: float) -> list[Row]:
    """Every open trouble, then the newest notices of the log."""
    inside = max(columns - 4, 1)
    out: list[Row] = [[(line, "label")] for line in wrapped(source(run), max(columns, 1))]
    out += [*([[]] if out else []), [("troubles", "title")]]
    if not run.troubles:
        out.append([("  none: everything that is watched can be read", "dim")])
    for trouble in sorted(run.troubles.values(), key=lambda t: -t.at):
        out.append(
            [
                ("! ", "warning"),
                (clean(trouble.where, 200), "value"),
                (f"  for {units.duration(now - trouble.at)}", "dim"),
            ]
        )
        out += [[(f"    {line}", "text")] for line in wrapped(clean(trouble.text), inside)]
        out += [[(f"    {line}", "label")] for line in wrapped(clean(trouble.fix), inside)]
    if run.notices:
        out += [[], [("told by the training", "title")]]
    for notice in reversed(run.notices[-_NOTICES:]):
        first, *rest = wrapped(clean(notice.text), max(inside - 12, 1)) or [""]
        out.append([(f"  {notice.kind:<12}  ", "label"), (first, "text")])
        out += [[(f"  {'':<12}  {line}", "text")] for line in rest]
    return out
