"""The log's lines as a person sees them.

The law of this file: every line passes the sanitiser here; its colours stay, and what a search found
stands out from them. A progress bar that a line begins with gives way to what was printed behind it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from trainwatch.draw.rows import Row, fit, width
from trainwatch.read.clean import PLAIN, clean_styled

if TYPE_CHECKING:
    from trainwatch.draw.rows import Cell

LONGEST = 4096
"""Characters of a line that are looked at."""


_BAR_BEFORE = re.compile(r"\s*([^|]{0,60}\d%)\|[^|]{0,200}\| ?[^\[]{1,40}\[[^\]]{3,200}\](?=\S)")
"""A bar of tqdm, and right behind it what was printed while it stood there."""


def line(
    text: str | None, columns: int, *, left: int = 0, pattern: str = "", at_cursor: bool = False
) -> Row:
    """One line from column ``left`` on, exactly ``columns`` wide.

    ``text`` is raw; None = its bytes are not here yet. What ``pattern`` matches is shown as found.
    """
    edge: Row = [("›" if at_cursor else " ", "accent")]
    if text is None:
        return fit([*edge, ("…", "dim")], columns)
    pieces = _without_bar([_named(piece) for piece in clean_styled(text, LONGEST)])
    if pattern:
        pieces = _marked(pieces, _compiled(pattern))
    return fit([*edge, *_from(pieces, left)], columns)


def live(text: str, columns: int) -> Row:
    """The unfinished line, usually a progress bar."""
    return fit(
        [(" ", "text"), *((t, "label") for t, _ in clean_styled(text.strip(), LONGEST))], columns
    )


def matches(text: str, pattern: str) -> bool:
    """Whether a filter lets the line through."""
    return _compiled(pattern).search(text) is not None


@lru_cache(64)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression; text that is none is searched for as it stands."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(pattern), re.IGNORECASE)


def _named(piece: Cell) -> Cell:
    return (piece[0], "text") if piece[1] == PLAIN else piece


def _without_bar(pieces: Row) -> Row:
    """The pieces; of a bar at their beginning only how far it was."""
    bar = _BAR_BEFORE.match(pieces[0][0]) if pieces else None
    if bar is None:
        return pieces
    text, style = pieces[0]
    return [(f"{bar[1].rpartition(' ')[2]:>4} ", "dim"), (text[bar.end() :], style), *pieces[1:]]


def _from(pieces: Row, left: int) -> Row:
    """The pieces without their first ``left`` columns."""
    if left <= 0:
        return pieces
    kept: Row = []
    for text, style in pieces:
        if left <= 0:
            kept.append((text, style))
            continue
        cut = 0
        while cut < len(text) and left > 0:
            left -= width(text[cut])
            cut += 1
        if text[cut:]:
            kept.append((text[cut:], style))
    return kept


def _marked(pieces: Row, wanted: re.Pattern[str]) -> Row:
    """The pieces with what was found in the whole line shown as found."""
    whole = "".join(text for text, _ in pieces)
    spans = [m.span() for m in wanted.finditer(whole) if m.end() > m.start()]
    out: Row = []
    start = 0
    for text, style in pieces:
        out += [
            (whole[a:b], "found" if found else style)
            for a, b, found in _cut(spans, start, start + len(text))
        ]
        start += len(text)
    return out


def _cut(spans: list[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int, bool]]:
    """The stretch ``start .. stop`` cut at the spans: (from, to, whether inside one)."""
    out = []
    at = start
    for first, last in spans:
        a, b = max(first, start), min(last, stop)
        if a < b:
            if at < a:
                out.append((at, a, False))
            out.append((a, b, True))
            at = b
    if at < stop:
        out.append((at, stop, False))
    return out
