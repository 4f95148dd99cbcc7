"""Databases of trackers: mlflow's ``mlflow.db`` and trackio's ``<project>.db``.

The law of this file: the database and its write-ahead log come as bytes and are read together,
whichever of the two changed. One database holds many runs; the one that logged last is meant.
mlflow keeps the devices' numbers among the metrics under ``system/``; they have panels of their own.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import TYPE_CHECKING

from trainwatch.facts import FileBytes, Want
from trainwatch.read.dialect import Term
from trainwatch.read.meaning import plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.rows import Rows
from trainwatch.read.sqlite import MAGIC, Database, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.records import Metrics

LOG = "-wal"
_LARGEST = 16 << 20
_NAMES = ("mlflow.db", "*/mlflow.db", "trackio/*.db", "*/trackio/*.db")
WANTS = tuple(Want(name + end, _LARGEST, 0) for name in _NAMES for end in ("", LOG))
_ENDS = (".db", ".sqlite", ".sqlite3")
_HUGE = sys.float_info.max  # mlflow writes it for infinity


def wants_of(name: str) -> tuple[Want, ...]:
    """What to ask for when a file of this name is itself what the user named."""
    if not name.endswith(_ENDS):
        return ()
    return Want(name, _LARGEST, 0), Want(name + LOG, _LARGEST, 0)


class Databases:
    """The databases of one run: each as it last came, with its log."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._logs: dict[str, bytes] = {}

    def feed(self, fact: FileBytes) -> tuple[str, list[Metrics] | None] | None:
        """The database that this file belongs to, and its rows; None when it is no such file."""
        path = fact.path.removesuffix(LOG)
        if len(fact.data) < fact.size or fact.offset:
            return None  # too large to be sent whole
        if path == fact.path and fact.data.startswith(MAGIC):
            self._data[path] = fact.data
        elif path != fact.path and path.endswith(_ENDS):
            self._logs[path] = fact.data
        else:
            return None
        return path, read(path, self._data.get(path, b""), self._logs.get(path, b""))


def is_one(fact: FileBytes) -> bool:
    """Whether these bytes are the beginning of a database."""
    return fact.path.endswith(_ENDS) and fact.offset == 0 and fact.data.startswith(MAGIC)


def read(source: str, data: bytes, log: bytes) -> list[Metrics] | None:
    """The rows of the run that logged last."""
    database = Database(data, log)
    rows, placing = Rows(), Placing(exact=True)
    for place, numbers in enumerate(_newest(list(_logged(database)))):
        how = plan(tuple(map(Term, numbers)), joins=True)
        if how.keys:
            for placed in placing.place(Lot(how, [[v] for v in numbers.values()], [place])):
                rows.add(placed)
    return rows.take(source, None)


_Logged = tuple[object, dict[str, float]]  # run, numbers


def _newest(logged: list[_Logged]) -> list[dict[str, float]]:
    found = [numbers for run, numbers in logged if run == logged[-1][0]]
    if any(numbers.get("step", 1.0) for numbers in found):
        return found
    calls = Counter[str]()
    for numbers in found:  # no step was given; then mlflow writes 0: how many times this was logged
        calls.update(numbers.keys())
        numbers["step"] = max(calls[key] for key in numbers if key != "step") - 1.0
    return found


def _logged(database: Database) -> Iterator[_Logged]:
    for row in database.table("metrics"):
        if "run_uuid" in row:
            yield from _by_mlflow(row)
        elif "metrics" in row:
            yield from _by_trackio(row)


def _by_mlflow(row: dict[str, Value]) -> Iterator[_Logged]:
    key, value, step = row.get("key"), row.get("value"), row.get("step")
    if not isinstance(key, str) or not isinstance(value, int | float) or key.startswith("system/"):
        return
    number = math.nan if row.get("is_nan") else float(value)
    if abs(number) >= _HUGE:
        number = math.copysign(math.inf, number)
    if isinstance(step, int):
        yield row["run_uuid"], {key: number, "step": float(step)}


def _by_trackio(row: dict[str, Value]) -> Iterator[_Logged]:
    text, step = row.get("metrics"), row.get("step")
    if not isinstance(text, str | bytes) or not isinstance(step, int):
        return
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(told, dict):
        numbers = {key: n for key, value in told.items() if (n := _number(value)) is not None}
        own = plan(tuple(map(Term, numbers))).step is not None
        run = row.get("run_id") or row.get("run_name")
        yield run, numbers if own else {**numbers, "step": float(step)}


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):  # trackio's own spelling of what JSON has no word for
        return {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value)
    if isinstance(value, int):
        return float(value) if abs(value) < 1 << 1000 else None
    return value if isinstance(value, float) else None
