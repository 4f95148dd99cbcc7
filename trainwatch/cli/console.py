"""What the place where text is printed can show.

The law of this file: it looks at the environment and at stdout, and decides nothing else. NO_COLOR,
COLUMNS, TERM=dumb and locales without UTF-8 are honoured here and nowhere else.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row

Glyphs: TypeAlias = Literal["braille", "block", "ascii"]

_PLAIN_WIDTH = 80


class Console(NamedTuple):
    """Where text goes."""

    width: int
    colour: bool
    glyphs: Glyphs
    zone: int  # seconds east of UTC


def console(glyphs: str = "auto") -> Console:
    """What stdout is now; ``glyphs`` as the settings say."""
    _survive_any_locale()
    return Console(_width(), _colour(), chosen_glyphs(glyphs), zone())


def show(rows: Sequence[Row], glyphs: str = "auto") -> None:
    """Print what was drawn, with the characters that can be shown here."""
    from trainwatch.draw.glyphs import suited
    from trainwatch.draw.rows import plain

    sys.stdout.write(plain(suited(list(rows), console(glyphs).glyphs)) + "\n")
    sys.stdout.flush()


def has_screen() -> bool:
    """Whether a full-screen program can run here."""
    if os.environ.get("TERM", "dumb") in ("dumb", ""):
        return False
    return _is_terminal(sys.__stdin__) and _is_terminal(sys.__stdout__)


def chosen_glyphs(wanted: str) -> Glyphs:
    """What charts are drawn with: as wished, or for "auto" the best that can be shown."""
    for glyphs in ("braille", "block", "ascii"):
        if wanted == glyphs:
            return glyphs
    encoding = (getattr(sys.__stdout__, "encoding", "") or "").lower().replace("-", "")
    if encoding != "utf8" or os.environ.get("TERM") == "dumb":
        return "ascii"
    return "block" if os.environ.get("TERM") == "linux" else "braille"


def wants_colour() -> bool:
    """Whether colour is welcome (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def zone() -> int:
    """Seconds that local time is east of UTC now."""
    return time.localtime().tm_gmtoff


def _colour() -> bool:
    return wants_colour() and _is_terminal(sys.__stdout__)


def _width() -> int:
    return shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError, OSError):
        return False


def _survive_any_locale() -> None:
    """A character that the locale lacks becomes a question mark instead of an exception."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
