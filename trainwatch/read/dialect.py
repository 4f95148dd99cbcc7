"""Dialects: what they are, how they are found, and in which order they are asked.

The law of this file: a dialect is one module in ``read/formats`` with SAMPLES and ``read``; nothing
lists them. A dialect that would also understand another's samples is the more general one and is
asked after it. A dialect sees structure only; what the words mean is the lexicon's business.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from trainwatch.read import formats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.read.lexicon import Role
    from trainwatch.read.records import NoticeKind, Split


class Sample(NamedTuple):
    """Lines as they were printed, and what the last of them must give.

    ``gives`` names a column as ``name``, ``split name`` or ``split:dataset name``; ``@step``,
    ``@total`` and ``@epoch`` are the counters; empty: nothing may be read from it.
    """

    text: str
    gives: Mapping[str, float]


class Term(NamedTuple):
    """What stands with one number: its key as printed, and what its surroundings tell of it."""

    key: str
    split: Split | None = None
    role: Role | None = None


class Pairs(NamedTuple):
    """Words with numbers, found in ``text[start:end]`` of a line."""

    start: int
    end: int
    terms: tuple[Term, ...]
    values: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]  # where in the line each value is spelled
    joins: bool = False  # a record that is written over the bar and has its step from it
    part: bool = False  # one line of a record that ends where such lines end


class Bar(NamedTuple):
    """A progress bar as drawn, found in ``text[start:end]`` of a line."""

    start: int
    end: int
    label: str
    done: float
    total: float | None
    elapsed: float | None  # seconds
    remaining: float | None  # seconds
    rate: float | None  # units per second
    unit: str  # "it", "batch", "B", ...
    postfix: str
    settles: bool = False  # its numbers are running means, true only when the bar is full


class Event(NamedTuple):
    """Something told in words in ``text[start:end]`` of a line; ``text`` is the line."""

    start: int
    end: int
    kind: NoticeKind
    text: str


class Opening(NamedTuple):
    """A literal begins at ``start`` and goes on in the next lines."""

    start: int


class Table(Protocol):
    """The header of a table was found; it can read its rows."""

    terms: tuple[Term, ...]

    def row(self, text: str) -> Pairs | None:
        """The numbers of a row; None when the line is none."""


Found: TypeAlias = Pairs | Bar | Event | Opening | Table


class Dialect(Protocol):
    """What a module in ``read/formats`` offers."""

    __name__: str
    SAMPLES: Sequence[Sample]

    def read(self, text: str) -> Found | None:
        """The first thing of its kind in the line, or nothing."""


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect of the folder, the specific before the general."""
    found: list[Dialect] = [
        importlib.import_module(f"{formats.__name__}.{module.name}")
        for module in pkgutil.iter_modules(formats.__path__)
    ]
    return tuple(_ordered(found))


def _ordered(found: list[Dialect]) -> list[Dialect]:
    """Each after those whose samples it would understand too."""
    ordered: list[Dialect] = []
    while found:
        free = [d for d in found if not any(_steals(d, other) for other in found if other is not d)]
        ordered += free or found[:1]
        found = [d for d in found if d not in ordered]
    return ordered


def _steals(dialect: Dialect, other: Dialect) -> bool:
    if getattr(dialect, "DRAWS", False) or getattr(other, "DRAWS", False):
        return False
    lines = (line for sample in other.SAMPLES if sample.gives for line in sample.text.split("\n"))
    return any(dialect.read(line) for line in lines)
