"""Metric files: one format per file.

The law of this folder: a module offers ``WANTS`` (which files, and how much of them) and ``read``
(the whole file -> records). A file that is half written is waited for, never an error. Values that
a file holds are at full precision: where the log shows the same point, the run keeps the file's.
"""

from __future__ import annotations

import importlib
import pkgutil
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trainwatch import facts
    from trainwatch.read.records import Metrics


class Format(Protocol):
    """What a module in this folder offers."""

    __name__: str
    WANTS: tuple[facts.Want, ...]

    def read(self, source: str, data: bytes) -> list[Metrics] | None:
        """Every row of a whole file; None while it is cut or half written."""


class Files:
    """The metric files of one run."""

    def __init__(self) -> None:
        self._points: dict[str, tuple[str, int, int]] = {}

    def feed(self, fact: facts.FileBytes) -> list[Metrics]:
        """The rows of a file that arrived whole; nothing when it is no metric file."""
        for form in formats():
            if any(_matches(fact.path, want.pattern) for want in form.WANTS):
                rows = form.read(fact.path, fact.data) if len(fact.data) == fact.size else None
                if rows is None:
                    return []
                name = form.__name__.rpartition(".")[2]
                lines = sum(len(m.steps) for m in rows)
                self._points[fact.path] = name, lines, sum(len(m.steps) * len(m.keys) for m in rows)
                return rows
        return []

    @property
    def tallies(self) -> list[tuple[str, str, int, int]]:
        """(file, format, rows, points)."""
        return [(path, *told) for path, told in self._points.items()]


@cache
def formats() -> tuple[Format, ...]:
    """Every format of this folder."""
    return tuple(
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    )


def wants() -> tuple[facts.Want, ...]:
    """What to ask the probe for."""
    return tuple(want for form in formats() for want in form.WANTS)


def _matches(path: str, pattern: str) -> bool:
    return fnmatch(path, pattern) or fnmatch(path, "*/" + pattern)
