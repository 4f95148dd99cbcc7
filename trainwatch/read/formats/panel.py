"""Panels: ``|    loss | 45.9 |``, one key and its number per line, framed by dashes.

The law of this file: each line is a part; the record is all parts up to the line that ends the
frame. Lines that name a section (``| train/ | |``) belong to it.
"""

from __future__ import annotations

import re

from trainwatch.read.dialect import Pairs, Sample, Term
from trainwatch.read.numbers import NUMBER, number

SAMPLES = (
    # stable-baselines3, a local run
    Sample("| time/              |          |\n|    total_timesteps | 512      |\n------", {}),
    Sample(
        "| time/ | |\n|    total_timesteps | 768 |\n| train/ | |\n|    loss | 45.9 |\n-------------",
        {"loss": 45.9, "@step": 768},
    ),
)

_LINE = re.compile(
    rf"\s*[|│]\s{{0,20}}(?P<key>[A-Za-z][^|│]{{0,80}}?)\s*[|│]\s*(?P<value>{NUMBER})?\s*[|│]\s*"
)
_LONGEST = 300


def read(text: str) -> Pairs | None:
    """One line of a panel; without a pair when it only names a section."""
    found = _LINE.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        return None
    value = number(found["value"]) if found["value"] else None
    if value is None:
        return Pairs(0, len(text), (), (), (), part=True) if found["key"][-1] == "/" else None
    key = Term(found["key"])
    return Pairs(0, len(text), (key,), (value,), (found.span("value"),), part=True)
