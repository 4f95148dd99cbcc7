"""How numbers are spelled in logs.

The law of this file: a spelling is a number only when all of it is understood; ``None`` otherwise.
Not-a-number and the infinities are numbers here: they are findings. Digits too big for a float are
not: they would turn into an infinity that nobody printed.
"""

from __future__ import annotations

import math
import re

FINITE = r"[-+]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
SPECIAL = r"[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?|INF)\b"
NUMBER = f"(?:{FINITE}|{SPECIAL})"

TOKEN = re.compile(
    r"(?<![A-Za-z_.@\d])(?<![A-Za-z]-)"
    rf"((?:(?<![\w.)\]])[-+])?(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|{SPECIAL})"
)
"""A number in running text (group 1): not a digit of a word (``f1``, ``acc@5``, ``v2.0.1``)."""

_WHOLE = re.compile(rf"\s*({NUMBER})\s*(%|[kKMGB](?![a-zA-Z]))?\s*")
_SCALE = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
_LONGEST = 64


def number(text: str) -> float | None:
    """The value of ``text`` if it spells a number: ``1,192``, ``15.7k``, ``3.87E+00``, ``nan``, ``7%``."""
    found = _WHOLE.fullmatch(text[: _LONGEST + 1])
    if not found or len(text) > _LONGEST:
        return None
    value = float(found[1].replace(",", ""))
    if math.isinf(value) and "n" not in found[1].lower():
        return None
    return value * _SCALE.get(found[2] or "", 1)
