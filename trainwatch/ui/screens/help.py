"""All keys, from the bindings that do the work, and what the signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trainwatch.draw.rows import width, wrapped
from trainwatch.draw.table import MARKS
from trainwatch.ui.commands import actions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.dom import DOMNode

    from trainwatch.draw.rows import Row, Style

_KEYS: Final = 14
_SIGNS: Final[tuple[Row, ...]] = (
    [("──", "train"), ("  training loss, smoothed", "text"), ("    ──", "train-raw"), ("  as printed", "text")],
    [("◆", "eval"), ("   evaluation", "text"), ("   ★", "best"), ("   the best one", "text")],
    [("▴", "accent"), ("   a checkpoint", "text"), ("   ×", "critical"), ("   NaN or infinite", "text")],
)  # fmt: skip
_TOLD: Final = (
    ("gap", ("is evaluation minus training loss at the same step. A printed training loss is a mean over the steps "
     "before it, an evaluation a value at its step: the training loss is therefore taken around the evaluation, "
     "over half an evaluation interval to each side.")),
    ("mouse", "wheel: zoom at the pointer; shift and wheel: pan; drag: zoom to it; click: cursor."),
)  # fmt: skip
_STATES: Final[tuple[tuple[str, Style, str], ...]] = (
    ("~", "info", "being written"), ("!", "warning", "incomplete, or damaged"),
)  # fmt: skip


def rows(
    owners: Iterable[tuple[str, type[DOMNode]]], keys: Mapping[str, str], columns: int
) -> list[Row]:
    """The whole help, in two columns of actions where there is room for them."""
    out: list[Row] = [list(row) for row in _SIGNS]
    for name, told in _TOLD:
        first, *rest = wrapped(f"{name} {told}", max(columns, 1)) or [""]
        out.append([(first[: len(name)], "title"), (first[len(name) :], "text")])
        out += [[(line, "text")] for line in rest]
    out += [[], [("marks of checkpoints", "title")]]
    out += _columns([_mark(*mark) for mark in (*MARKS.values(), *_STATES)], columns)
    last = ""
    for where, owner in owners:
        entries: list[Row] = [
            [(_padded(" ".join(action.keys), _KEYS), "accent"), (action.sentence, "text")]
            for action in actions(owner, keys)
        ]
        if where != last:
            out += [[], [(where, "title")]]
        out += _columns(entries, columns)
        last = where
    return out


def _mark(mark: str, style: Style, words: str) -> Row:
    return [(_padded(mark, 4), style), (words, "text")]


def _columns(entries: list[Row], columns: int) -> list[Row]:
    if columns < 88:
        return [row for entry in entries for row in _broken(entry, columns)]
    half = (len(entries) + 1) // 2
    left, right = entries[:half], [*entries[half:], []]
    return [[*_wide(a, columns // 2), *b] for a, b in zip(left, right, strict=False)]


def _broken(entry: Row, columns: int) -> list[Row]:
    """A key and its sentence, which goes on below itself where there is no room."""
    key, (words, style) = entry
    first, *rest = wrapped(words, max(columns - width(key[0]), 1)) or [""]
    below = " " * width(key[0])
    return [[key, (first, style)], *([(below, "text"), (line, style)] for line in rest)]


def _wide(row: Row, columns: int) -> Row:
    used = sum(width(text) for text, _ in row)
    return [*row, (" " * max(columns - used, 1), "text")]


def _padded(text: str, columns: int) -> str:
    return text + " " * max(columns - width(text), 1)
