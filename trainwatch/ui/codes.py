"""Styles and text as a terminal is told them, with as few bytes as that needs.

The law of this file: no control character leaves it that it did not make itself.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.color import Color, ColorSystem
    from rich.style import Style as Ink

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""General categories that a terminal obeys, hides or cannot encode."""
_ATTRIBUTES = (
    ("bold", 1),
    ("dim", 2),
    ("italic", 3),
    ("underline", 4),
    ("reverse", 7),
    ("strike", 9),
)


def printable(text: str) -> str:
    """``text`` without what is no picture: it takes no column, so nothing moves where it is missing."""
    if text.isprintable():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in _UNSEEN)


@lru_cache(4096)
def codes(ink: Ink, system: ColorSystem | None) -> tuple[frozenset[int], str, str]:
    """Attributes, foreground and background of a style as SGR parameters."""
    attributes = frozenset(code for name, code in _ATTRIBUTES if getattr(ink, name))
    return attributes, _colour(ink.color, system, True), _colour(ink.bgcolor, system, False)


def _colour(colour: Color | None, system: ColorSystem | None, foreground: bool) -> str:
    if colour is None or system is None or colour.is_default:
        return "39" if foreground else "49"
    return ";".join(colour.downgrade(system).get_ansi_codes(foreground))


def change(old: tuple[frozenset[int], str, str], new: tuple[frozenset[int], str, str]) -> str:
    """The shortest sequence that leads from one style to the other."""
    parameters: list[str] = []
    if old[0] - new[0]:
        parameters.append("0")
        old = (frozenset(), "39", "49")
    parameters += [str(code) for code in sorted(new[0] - old[0])]
    parameters += [after for before, after in zip(old[1:], new[1:], strict=True) if before != after]
    return f"\x1b[{';'.join(parameters)}m" if parameters else ""
