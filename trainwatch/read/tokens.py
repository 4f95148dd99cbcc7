"""The numbers of a line of text, and the text in front of each.

The law of this file: a digit inside a word is no number (``f1``, ``acc@5``, ``mAP50-95``), a sign
belongs to a number only where no word or number stands before it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGITS = re.compile(
    r"(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
)
_SPECIAL = re.compile(r"(?<![\w.])[-+]?(?:nan|NaN|NAN|[iI]nf(?:inity)?|INF)(?!\w)")
_WORD_BEFORE = re.compile(r"[\w.@]*[A-Za-z_][\w.@]*-$")
_UNIT = re.compile(r"%|[A-Za-zµ]+(?:/[A-Za-z]+)*")
_POINT = re.compile(r"\d\.\d")
_COMMA_ANY = re.compile(r"(?<=\d),(?=\d)(?!\d+,\d)")
_COMMA = re.compile(
    r"(?:[:=]|[^\W\d])[ \t]*[-+]?(?:0,\d+|(?!0\d)\d{1,9},(?:\d{1,2}|\d{4,}))(?:[eE][-+]?\d+)?(?![\d,.])"
)
_HAN = "\u2e80"  # from here on words are written without blanks
_LONGEST = 40
_MOST = 200


class Token(NamedTuple):
    """One number."""

    start: int
    end: int
    value: float
    gap: str  # the text between the number before and this one, without that one's unit
    unit: str  # what is glued to it: "ms", "%", "it/s"

    @property
    def whole(self) -> bool:
        """Whether it is a count."""
        return self.value >= 0 and self.value.is_integer()


def pointed(text: str) -> str:
    """``text`` with points for commas where its numbers are written ``0,8123``.

    A comma before three digits may part thousands: another number of the line, that begins with 0 or
    has not three digits behind it, must tell; and none may have a point.
    """
    if "," not in text or _POINT.search(text) or not _COMMA.search(text):
        return text
    return _COMMA_ANY.sub(".", text)


def has_digit(text: str) -> bool:
    """Whether there is any digit at all."""
    return any(c.isdigit() for c in text)


def tokens(text: str) -> list[Token]:
    """The numbers of ``text``, at most the first two hundred."""
    found: list[Token] = []
    before = 0
    for start, end in _places(text):
        value = number(text[start:end])
        if value is None or end - start > _LONGEST:
            continue
        unit = _UNIT.match(text, end)
        glued = unit[0] if unit else ""
        scaled = glued in ("k", "K")
        stop = end + scaled
        value, glued = (value * 1000, "") if scaled else (value, glued)
        found.append(Token(start, stop, value, text[before:start], glued))
        before = stop + len(glued)
        if len(found) >= _MOST:
            break
    return found


def _places(text: str) -> Iterator[tuple[int, int]]:
    special = [m.span() for m in _SPECIAL.finditer(text)] if _may_be_special(text) else []
    for found in _DIGITS.finditer(text):
        start, end = found.span()
        while special and special[0][0] < start:
            yield special.pop(0)
        signed = _start(text, start)
        if signed is not None:
            yield signed, end
    yield from special


def _may_be_special(text: str) -> bool:
    lower = text.lower()
    return "nan" in lower or "inf" in lower


def _start(text: str, start: int) -> int | None:
    """Where the number begins, with its sign; None where the digits belong to a word."""
    last = text[start - 1 : start]
    if (last.isalpha() and last < _HAN) or last in ("_", "@", "#", ".", "±", "$", "^"):
        return None
    if last not in ("-", "+"):
        return start
    before = text[start - 2 : start - 1] if start > 1 else ""
    if before.isalnum() or before in (")", "]", "_"):
        return None if _WORD_BEFORE.search(text, max(0, start - 40), start) else start
    return start - 1
