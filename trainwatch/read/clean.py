"""The one sanitiser: every foreign string passes here before a person sees it.

The law of this file: what leaves it holds no control character, no escape sequence and nothing
invisible or reordering, whatever came in; it takes linear time; cleaning twice changes nothing.
Log text, metric names, paths, arguments, host and GPU names, exception texts and the answers of a
remote machine are all foreign. Colours survive only as parsed values (``Sgr``), never as bytes.

The classes are those of ECMA-48 (control sequences and strings, in their ESC and their C1 form) and
of the Unicode general category (format characters, separators, surrogates, marks).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple, TypeAlias

Colour: TypeAlias = "int | tuple[int, int, int] | None"
"""A palette index 0..255, an RGB triple, or the terminal's default."""


class Sgr(NamedTuple):
    """The graphic rendition of a piece of text (ECMA-48 SGR), as far as it is harmless to keep."""

    fore: Colour = None
    back: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Sgr()

# A string (OSC, DCS, APC, PM, SOS) that nobody ends is cut after so many characters: what follows
# may be honest text.
_ESCAPE = re.compile(
    "(?:\x1b\\[|\x9b)(?P<csi>[0-?]{0,64}[ -/]{0,8}[@-~]?)"
    "|(?:\x1b[]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x00-\x1f\x7f\x9c]{0,1024}(?:\x07|\x1b\\\\|\x9c)?"
    "|\x1b[()*+][0-9A-Za-z]"
)
_SEEN_PER_SHOWN = 16  # how many characters are looked at for each one that may be shown
_MARKS_PER_CELL = 3
_TAB = 8
_DOT, _BROKEN = "·", "\ufffd"


def clean(text: str, limit: int = 4096) -> str:
    """``text`` made safe to show on one line: at most ``limit`` characters, no colours left."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    return "".join(part for part, _ in clean_styled(text, limit))


def clean_styled(text: str, limit: int = 4096) -> list[tuple[str, Sgr]]:
    """``text`` made safe, as pieces with the colours it asked for; at most ``limit`` characters."""
    seen = limit * _SEEN_PER_SHOWN
    cut = len(text) > seen
    text = text[:seen]
    pieces: list[tuple[str, Sgr]] = []
    style, start, column = PLAIN, 0, 0
    for escape in _ESCAPE.finditer(text):
        column += _piece(pieces, text[start : escape.start()], style, column, limit)
        style = _rendition(escape["csi"] or "", style)
        start = escape.end()
    column += _piece(pieces, text[start:], style, column, limit)
    return _limited(pieces, limit) if cut or column > limit else pieces


def strip_escapes(text: str) -> str:
    """``text`` without escape sequences; for reading, not for showing (other controls remain)."""
    return _ESCAPE.sub("", text)


def _piece(pieces: list[tuple[str, Sgr]], text: str, style: Sgr, column: int, limit: int) -> int:
    """Append what is safe of ``text``, joined to a piece of the same style; its length."""
    if not text or column > limit:
        return 0
    if not (text.isascii() and text.isprintable()):
        text = _visible(text, column)
    if pieces and pieces[-1][1] == style:
        pieces[-1] = (pieces[-1][0] + text, style)
    elif text:
        pieces.append((text, style))
    return len(text)


def _limited(pieces: list[tuple[str, Sgr]], limit: int) -> list[tuple[str, Sgr]]:
    kept: list[tuple[str, Sgr]] = []
    left = limit - 1
    for text, style in pieces:
        if left <= 0:
            break
        kept.append((text[:left], style))
        left -= len(text)
    return [*kept, ("…", PLAIN)] if limit > 0 else []


def _visible(text: str, column: int) -> str:
    text = text.translate(_GLYPHS)
    if "\t" in text:
        text = (" " * (column % _TAB) + text).expandtabs(_TAB)[column % _TAB :]
    return text if text.isascii() else _few_marks(text)


def _few_marks(text: str) -> str:
    if not any(_is_mark(c) for c in set(text)):
        return text
    kept: list[str] = []
    marks = _MARKS_PER_CELL  # a mark with nothing before it would land on a neighbour's cell
    for c in text:
        marks = marks + 1 if _is_mark(c) else 0
        if marks <= _MARKS_PER_CELL:
            kept.append(c)
    return "".join(kept)


def _is_mark(c: str) -> bool:
    return unicodedata.category(c) in ("Mn", "Me")


class _Glyphs(dict[int, str]):
    """What is shown for a code point; computed when first met."""

    def __missing__(self, code: int) -> str:
        shown = _glyph(code)
        if len(self) < 1 << 14:
            self[code] = shown
        return shown


def _glyph(code: int) -> str:
    c = chr(code)
    category = unicodedata.category(c)
    if c == "\t":
        return c
    if code < 0x20:
        return chr(0x2400 + code)
    if category in ("Cc", "Cs") or code & 0xFFFE == 0xFFFE:
        return _BROKEN
    if any(code in selectors for selectors in _SELECTORS):
        return ""  # they change a width that nobody can predict
    if category in ("Cf", "Zl", "Zp") or code in _BLANK:
        return _DOT
    return " " if category == "Zs" else c


_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0), range(0x1F3FB, 0x1F400))
"""Variation selectors, and the tones of skin."""
# Letters and marks that show nothing: Hangul and Khmer fillers, grapheme joiner, Mongolian selectors.
_BLANK = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
_BLANK |= set(range(0xE0000, 0xE1000))
_GLYPHS = _Glyphs()

_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {
    22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",),
    39: ("fore",), 49: ("back",),
}  # fmt: skip


def _rendition(csi: str, style: Sgr) -> Sgr:
    """The style after one control sequence; every sequence but a well-formed SGR leaves it as it is."""
    if csi[-1:] != "m" or not re.fullmatch("[0-9;:]*", csi[:-1]):
        return style
    codes = [int(code[:4] or 0) for code in re.split("[;:]", csi[:-1])][:32]
    at = 0
    while at < len(codes):
        code = codes[at]
        at += 1
        if code in (38, 48):
            colour, at = _extended(codes, at)
            style = style._replace(fore=colour) if code == 38 else style._replace(back=colour)
        else:
            style = _basic(code, style)
    return style


def _basic(code: int, style: Sgr) -> Sgr:
    if code == 0:
        return PLAIN
    if code in _ON:
        return style._replace(**{_ON[code]: True})
    if code in _OFF:
        return style._replace(**{name: getattr(PLAIN, name) for name in _OFF[code]})
    for base, first in ((30, 0), (90, 8)):
        if base <= code <= base + 7:
            return style._replace(fore=code - base + first)
        if base + 10 <= code <= base + 17:
            return style._replace(back=code - base - 10 + first)
    return style


def _extended(codes: list[int], at: int) -> tuple[Colour, int]:
    """The colour after 38 or 48: ``5;index`` or ``2;red;green;blue``; and where to go on."""
    if codes[at : at + 1] == [5] and at + 1 < len(codes):
        return min(codes[at + 1], 255), at + 2
    if codes[at : at + 1] == [2] and at + 3 < len(codes):
        red, green, blue = (min(code, 255) for code in codes[at + 1 : at + 4])
        return (red, green, blue), at + 4
    return None, len(codes)
