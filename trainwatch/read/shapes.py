"""Lines that differ only in their numbers have one shape; a shape is understood once.

The law of this file: a shape is what a dialect found in the first line of its kind, turned into a
bytes expression. It gives exactly what the dialect would give for every later line, only faster;
where that cannot be had, there is no shape and every line is read the slow way.
"""

from __future__ import annotations

import math
import re
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from trainwatch.read.numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainwatch.read.dialect import Pairs
    from trainwatch.read.meaning import Plan

DIGITS = b"0123456789"
_WANTED = rb"""["']?([-+.0-9A-Za-z]{1,40})["']?"""
_COUNT = rb"""["']?([0-9]{1,15})["']?"""
_QUOTES = "\"'"
_MOST = 4096
_LONGEST = 8192  # characters of a line worth a shape: an expression costs as much to make


def skeleton(line: bytes) -> bytes:
    """What two lines have in common that differ only in their numbers."""
    return line.translate(None, DIGITS)


def ending(line: bytes) -> tuple[bytes, int]:
    """What two lines have in common that end alike as well: in a number of as many digits."""
    return skeleton(line), len(line) - len(line.rstrip(DIGITS))


class Shape:
    """How all lines of one kind are read."""

    def __init__(self, plan: Plan, expression: bytes) -> None:
        self.plan = plan
        self.expression = expression
        """Matches a line without its end; one group per number."""
        self.rows = 0
        """How many rows were read by it so far."""
        self._match = re.compile(expression).fullmatch

    def columns(self, line: bytes) -> list[array[float]] | None:
        """The numbers of one line, each a column of its own."""
        found = self._match(line)
        return numbers([(text,) for text in found.groups()]) if found else None


def numbers(texts: Sequence[Sequence[bytes]]) -> list[array[float]] | None:
    """Columns of spelled numbers as numbers; None when one of them is no number."""
    try:
        columns = [array("d", map(float, column)) for column in texts]
    except ValueError:
        return None
    # Digits too big for a float become infinite without saying so.
    if all(map(math.isfinite, map(sum, columns))) or _honest(texts):
        return columns
    return None


def _honest(texts: Iterable[Sequence[bytes]]) -> bool:
    return all(number(text.decode()) is not None for column in texts for text in column)


class Shapes:
    """The shapes of one stream, by skeleton."""

    def __init__(self) -> None:
        self.known: dict[bytes, Shape | None] = {}
        """None: such a line tells nothing."""
        self._made: dict[tuple[bytes, Plan], Shape] = {}

    def forget(self) -> None:
        """Start anew: what lines mean changed, or too many kinds were met."""
        self.known.clear()
        self._made.clear()

    def learn(self, line: bytes, pairs: Pairs | None, plan: Plan | None) -> None:
        """Remember how ``line`` was read, if later lines like it can be read by shape."""
        if len(line) > _LONGEST:
            return
        if len(self.known) >= _MOST:
            self.forget()
        if pairs is None or plan is None:
            self.known[skeleton(line)] = None
            return
        expression = _expression(line.decode("utf-8", "replace"), pairs.spans, plan)
        if expression is None:
            return
        shape = self._made.get((expression, plan)) or Shape(plan, expression)
        self._made[expression, plan] = shape
        columns = shape.columns(line)
        if columns and repr([column[0] for column in columns]) == repr(list(pairs.values)):
            self.known[skeleton(line)] = shape


def _expression(text: str, spans: Sequence[tuple[int, int]], plan: Plan) -> bytes | None:
    """An expression that captures the texts at ``spans`` in every line of the kind of ``text``."""
    if not spans or any(a[1] > b[0] for a, b in pairwise(spans)):
        return None
    out, at = [], 0
    for place, (start, end) in enumerate(spans):
        quoted = (
            start > at and text[start - 1] in _QUOTES and text[end : end + 1] == text[start - 1]
        )
        counts = (
            place in (plan.step, plan.steps, plan.rank, plan.label) and text[start:end].isdigit()
        )
        out.append(_any_number(text[at : start - quoted]))
        out.append(_COUNT if counts else _WANTED)
        at = end + quoted
    return b"".join([*out, _any_number(text[at:].rstrip()), rb"[ \t]*"])


def _any_number(text: str) -> bytes:
    """``text`` with other digits in the places of its digits."""
    return re.sub(rb"[0-9]+", rb"[0-9]+", re.escape(text.encode()))
