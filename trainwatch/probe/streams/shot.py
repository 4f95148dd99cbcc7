"""What a terminal shows, as lines, and how two looks at it are joined.

The law of this file: pure. A line that was shown is never told twice and none is left out; where that
cannot be made sure, the answer is that nothing fits, and whoever asks marks a gap.
"""

import re
from typing import List, NamedTuple, Optional, Tuple

DEEP = 400  # lines that must agree at most
SURE = 3  # lines in a row that are not there twice by chance
# Control sequences of ECMA-48: CSI, OSC and the like, two-character escapes.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|[\x00-\x07\x0e-\x1a\x7f]",
    re.DOTALL,
)


class Shot(NamedTuple):
    """One look."""

    lines: List[str]  # finished ones, the oldest first
    rest: str  # the line in which the cursor stands; "" when it stands at the start of an empty one
    returned: bool = False  # the cursor went back to the start: what comes overwrites ``rest``
    rows: int = 0  # on the terminal, from its first row ever to the cursor; 0 = not known


def of_terminal(grid: List[str], lines: List[str], cursor: Tuple[int, int], rows: int) -> Shot:
    """A look from what a terminal tells.

    ``grid``: the rows on its screen as they stand; ``lines``: everything that it kept, wrapped rows
    joined; ``cursor``: its column and its row in ``grid``.
    """
    column, row = cursor
    last = max((k for k, text in enumerate(grid) if text.strip()), default=-1)
    kept = [line.rstrip() for line in lines]
    while kept and not kept[-1]:
        kept.pop()
    if not kept or row > last:  # below everything that is written
        return Shot(kept + [""] * (row - last - 1 if kept else 0), "", rows=rows)
    if row < last:  # it went up: whoever draws there goes on with movements of the cursor
        return Shot(kept, "", rows=rows)
    rest = kept.pop()
    written = grid[row].rstrip()
    if not rest.endswith(written):
        return Shot([*kept, rest], "", rows=rows)
    return Shot(kept, rest + " " * (column - len(written)), returned=column == 0, rows=rows)


def rendered(data: bytes) -> Tuple[List[str], str]:
    """Bytes as a terminal would show them, one below the other: finished lines, and the rest."""
    text = _ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = [_last_state(line) for line in text.split("\n")]
    return [line.rstrip() for line in lines[:-1]], lines[-1]


def _last_state(line: str) -> str:
    """What stands there after every return to the start of the line."""
    parts = [part for part in line.split("\r") if part]
    return parts[-1].expandtabs() if parts else ""


def begins(known: List[str], cut: bool, shot: Shot, expected: Optional[int] = None) -> int:
    """The place in ``shot.lines`` where what is not ``known`` begins; -1 when nothing fits.

    ``cut``: of the first known line only the end is known. Where several places fit, that one is
    taken which leaves about ``expected`` new lines, or else the fewest.
    """
    found = [k for k in range(len(shot.lines), 0, -1) if _fits(known, cut, shot.lines, k)]
    if not found:
        return -1
    if expected is None:
        return found[0]
    return min(found, key=lambda k: abs(len(shot.lines) - k - expected))


def _fits(known: List[str], cut: bool, lines: List[str], end: int) -> bool:
    """Whether ``lines`` up to ``end`` are the last that are known."""
    for back in range(1, min(len(known), end, DEEP) + 1):
        ours, theirs = known[-back], lines[end - back]
        if ours != theirs:
            return cut and back == len(known) and theirs.endswith(ours)
    return bool(known)


def last_known(known: List[str], shot: Shot) -> int:
    """Where the last lines end that were certainly told before, when nothing fits: 0 for nowhere.

    A cleared screen leaves the older lines in the history.
    """
    told = {tuple(known[k : k + SURE]) for k in range(len(known) - SURE + 1)}
    for end in range(len(shot.lines), SURE - 1, -1):
        if tuple(shot.lines[end - SURE : end]) in told:
            return end
    return 0


def goes_on(rest: str, shot: Shot) -> bool:
    """Whether the one line that was begun is the first of what is shown."""
    return bool(rest.strip()) and [*shot.lines, shot.rest][0].startswith(rest.rstrip())


def update(rest: str, fresh: List[str], shot: Shot) -> str:
    """What to write after ``rest``, the line that was not finished, to get to ``shot``."""
    told = []
    for line in [*fresh, shot.rest]:
        if line.startswith(rest):
            told.append(line[len(rest) :])
        elif line != rest.rstrip():
            told.append("\r" + line)
        told.append("\n")
        rest = ""
    told.pop()
    return "".join(told) + ("\r" if shot.returned else "")
