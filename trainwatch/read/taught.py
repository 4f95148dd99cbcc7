"""Lines that the user taught: ``name=regex``, one number each.

The law of this file: a taught line is read by its pattern and by nothing else. The number is the
group named ``value``, else the first group, else the first number in what matched.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainwatch.read.dialect import Term
from trainwatch.read.formats import keyvalue
from trainwatch.read.meaning import plan
from trainwatch.read.numbers import number
from trainwatch.read.sense import Row
from trainwatch.read.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 4096


class Taught:
    """The user's own patterns. Raises ``re.error`` for one that is no regular expression."""

    def __init__(self, patterns: Sequence[tuple[str, str]]) -> None:
        self._patterns = [(name, re.compile(pattern)) for name, pattern in patterns]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def read(self, text: str, offset: int) -> Row | None:
        """The numbers of a taught line, at the step and epoch that the line tells."""
        text = text[:_LONGEST]
        found = [(name, _value(match)) for name, p in self._patterns if (match := p.search(text))]
        terms = [Term(name, None, "metric") for name, value in found if value is not None]
        values = [value for _, value in found if value is not None]
        if not terms:
            return None
        counts = keyvalue.counts(text)
        how = plan((*terms, *counts.terms), counts.split)
        return Row(how, (*values, *counts.values), offset)


def _value(match: re.Match[str]) -> float | None:
    if match.re.groups:
        group = match["value"] if "value" in match.re.groupindex else match[1]
        return number(group or "")
    found = tokens(match[0])
    return found[0].value if found else None
