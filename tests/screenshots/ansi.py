"""What a terminal shows, as cells: the output of ``tmux capture-pane -e`` -> runs of styled text.

The law of this file: it knows SGR and nothing else; the capture has no other control sequence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

INK, PAPER = "#d8dee9", "#101418"
_NAMED = (
    "#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
    "#6b7280", "#ff7b86", "#b5e890", "#ffd68a", "#8cc8ff", "#dd9bf5", "#7fdbe6", "#ffffff",
)  # fmt: skip
_SGR = re.compile(r"\x1b\[([\d;]*)m")


@dataclass(frozen=True)
class Look:
    """How a cell looks."""

    ink: str = INK
    paper: str = PAPER
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False

    @property
    def colours(self) -> tuple[str, str]:
        """Foreground and background as they are seen."""
        return (self.paper, self.ink) if self.reverse else (self.ink, self.paper)


class Text(NamedTuple):
    """A run of cells that look the same."""

    column: int
    text: str
    look: Look


def lines(captured: str) -> Iterator[list[Text]]:
    """The runs of each line; a look lasts over line ends until it is changed."""
    look = Look()
    for line in captured.splitlines():
        runs, column, start = [], 0, 0
        for match in _SGR.finditer(line):
            text = line[start : match.start()]
            if text:
                runs.append(Text(column, text, look))
                column += len(text)
            look, start = changed(look, match[1]), match.end()
        if line[start:]:
            runs.append(Text(column, line[start:], look))
        yield runs


def changed(look: Look, parameters: str) -> Look:
    """The look after one SGR sequence."""
    codes = iter([int(code or 0) for code in parameters.split(";")])
    for code in codes:
        if code in (38, 48):
            colour = _extended(codes)
            look = replace(look, ink=colour) if code == 38 else replace(look, paper=colour)
        else:
            look = _simple(look, code)
    return look


def _simple(look: Look, code: int) -> Look:
    if code == 0:
        return Look()
    if 30 <= code <= 37 or 90 <= code <= 97:
        return replace(look, ink=_NAMED[code - 30 if code < 90 else code - 82])
    if 40 <= code <= 47 or 100 <= code <= 107:
        return replace(look, paper=_NAMED[code - 40 if code < 100 else code - 92])
    single: dict[int, dict[str, object]] = {
        1: {"bold": True}, 2: {"dim": True}, 3: {"italic": True}, 4: {"underline": True},
        7: {"reverse": True}, 22: {"bold": False, "dim": False}, 23: {"italic": False},
        24: {"underline": False}, 27: {"reverse": False}, 39: {"ink": INK}, 49: {"paper": PAPER},
    }  # fmt: skip
    return replace(look, **single.get(code, {}))  # type: ignore[arg-type]


def _extended(codes: Iterator[int]) -> str:
    if next(codes) == 2:
        return "#{:02x}{:02x}{:02x}".format(*(next(codes) for _ in range(3)))
    index = next(codes)
    if index < 16:
        return _NAMED[index]
    if index >= 232:
        return "#" + f"{8 + 10 * (index - 232):02x}" * 3
    cube = [0, 95, 135, 175, 215, 255]
    index -= 16
    return f"#{cube[index // 36]:02x}{cube[index // 6 % 6]:02x}{cube[index % 6]:02x}"
