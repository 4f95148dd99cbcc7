"""Results of evaluations on a gold set: one shape per file.

The law of this folder: a shape offers ``SAMPLES`` (file name, content, what is found) and
``recognise(name, told)``: what a parsed JSON value tells, or None when it is not of this shape. No
shape takes another's samples. A file that is cut or malformed is no result, never an error.
"""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trainwatch.facts import Want
from trainwatch.read.records import Result, Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainwatch import facts

LARGEST = 4 << 20
NAMES = (
    "*results*.json", "*results*.jsonl", "*gold*.json", "*gold*.jsonl", "result-*.json", "*.eval",
    "*_results.csv",
)  # fmt: skip
FOLDERS = ("*eval*", "*results*", "*gold*", "*__*", "logs")
"""Folders in which evaluations leave their results; the harness puts the model's path into one."""


class Told(NamedTuple):
    """What one file tells."""

    scores: tuple[Score, ...]
    names: tuple[str, ...] = ()
    step: int | None = None
    made: float | None = None


class Sample(NamedTuple):
    """A file, and the first score in it."""

    name: str
    content: str
    first: Score


class Shape(Protocol):
    """What a module in this folder offers."""

    __name__: str
    TOOL: str
    SAMPLES: tuple[Sample, ...]

    def recognise(self, name: str, told: Any) -> Told | None:
        """What the parsed file tells; None when it is not of this shape."""


@cache
def shapes() -> tuple[Shape, ...]:
    """Every shape of this folder; those that call themselves FALLBACK come last."""
    found: list[Shape] = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return tuple(sorted(found, key=lambda shape: hasattr(shape, "FALLBACK")))


def wants(named: Sequence[str] = ()) -> list[Want]:
    """What to ask the probe for; ``named`` are files of any name, or folders."""
    own = {re.sub(r"([*?[])", r"[\1]", path.rpartition("/")[2]) for path in named}
    return [Want(name, LARGEST, 1) for name in (*sorted(own), *NAMES) if name]


def read(fact: facts.FileBytes, named: Sequence[str] = ()) -> list[Result]:
    """The results in a file that arrived whole; whatever a ``named`` one is called, it counts."""
    name = fact.path.rpartition("/")[2]
    if len(fact.data) != fact.size or not (_is_wanted(name) or fact.path in named):
        return []
    return [
        Result(
            fact.path, tool, told.scores, told.names, told.step,
            fact.mtime if told.made is None else told.made, fact.at,
        )
        for value in _values(name, fact.data)
        for tool, told in _recognised(name, value)
        if told.scores
    ]  # fmt: skip


def refusal(fact: facts.FileBytes, named: Sequence[str] = ()) -> str:
    """Why nothing is read of a log of evaluations, or of a file that was named."""
    meant = fact.path.endswith(".eval") or fact.path in named
    if not meant or len(fact.data) >= fact.size:
        return ""
    return f"it has {fact.size >> 20} MiB; results are read up to {LARGEST >> 20} MiB"


def _recognised(name: str, value: Any) -> list[tuple[str, Told]]:
    for shape in shapes():
        told = shape.recognise(name, value)
        if told is not None:
            return [(shape.TOOL, told)]
    return []


def _is_wanted(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in NAMES)


def _values(name: str, data: bytes) -> list[Any]:
    """The JSON value of the file, or that of each line; of a table each row, of a log its header."""
    if data.startswith(b"PK"):
        data = _header(data)
    if name.endswith(".csv"):
        import csv  # noqa: PLC0415 - seldom met

        return [
            dict(_cells(row))
            for row in csv.DictReader(data.decode("utf-8", "replace").splitlines())
        ]
    try:
        return [json.loads(data)]
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in data.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []


def _header(data: bytes) -> bytes:
    """The header of a zipped log of inspect_ai; nothing of a damaged one."""
    import zipfile  # noqa: PLC0415 - seldom met
    import zlib  # noqa: PLC0415 - seldom met

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("header.json") as file:
            return file.read(LARGEST)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, zlib.error):
        return b""


def _cells(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if key and isinstance(value, str):
            try:
                yield key, float(value)
            except ValueError:
                yield key, value


def number(value: object) -> float | None:
    """A value as a number; None for anything else, booleans and infinities among it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def whole(value: object) -> int | None:
    """A value as a whole number that is not negative."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def strings(value: Any, depth: int = 3) -> tuple[str, ...]:
    """Every string in a value that may hold a path or a name, not too deep."""
    if isinstance(value, str):
        return tuple(part.partition("=")[2] or part for part in value.split(",")) if value else ()
    if depth and isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return tuple(found for item in inner for found in strings(item, depth - 1))
    return ()
