"""A whole history in one JSON value: what people and Keras dump when a training is over.

The law of this file: three shapes, wherever in the value they lie: records (a list of objects),
columns (lists of numbers under names, as ``history.history`` of Keras and ``to_json`` of pandas
write them) and a table (a row of names, then rows of numbers). Numbers without names are no
history, and two histories in one value are none either: whose is it? Columns of different lengths
are taken to span the same run.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from trainwatch.facts import Want
from trainwatch.read.dialect import Term
from trainwatch.read.lexicon import split_in
from trainwatch.read.meaning import plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainwatch.read.records import Metrics

_NAMES = (
    "history.json", "training_history.json", "train_history.json", "loss_history.json",
    "metrics_history.json", "losses.json", "training_log.json", "train_log.json",
)  # fmt: skip
_OFTEN_LINES = ("metrics.json",)
"""Mostly JSON lines that grow: no more of it is sent at a time than their reader asks for."""
WANTS = tuple(
    Want(pattern, size, 0)
    for names, size in ((_NAMES, 4 << 20), (_OFTEN_LINES, 256 << 10))
    for name in names
    for pattern in (name, f"*/{name}")
)
_DEEPEST = 4
_MOST = 2_000_000
_COUNTERS = ("epoch", "step", "global_step", "iteration", "iter")
_ONE_OF = {"losses": "loss", "accuracies": "accuracy", "accs": "acc", "epochs": "epoch",
           "steps": "step", "iterations": "iteration", "iters": "iter"}  # fmt: skip

_Path: TypeAlias = tuple[str, ...]
_Row: TypeAlias = dict[str, float]


def read(source: str, data: bytes) -> list[Metrics] | None:
    """The rows of a history; none when the value is no history, None when it is cut."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and "log_history" in value:
        return []  # of the Trainer, which has its own reader
    rows, placing = Rows(), Placing()
    for place, row in enumerate(_history(value)[:_MOST]):
        how = plan(tuple(map(Term, row)))
        if how.told and not how.summary:
            for placed in placing.place(Lot(how, [[number] for number in row.values()], [place])):
                rows.add(placed)
    return rows.take(source, None)


def _history(value: Any) -> list[_Row]:
    """The rows of the records in the value, else of its table, else of its columns."""
    lists = _named(list(_records((), value)))
    if lists:
        return [row for _, rows in lists for row in rows]
    return _table(value) or _turned(dict(_named(list(_columns((), value)))))


# --- records ------------------------------------------------------------------------------


def _records(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        # The name above a list tells whether its records are of training or evaluation.
        split = path[-1:] if path and split_in(path[-1]) else ()
        yield path, [dict(_flat(item, split)) for item in value]
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        for name, inner in value.items():
            yield from _records((*path, name), inner)


def _flat(item: dict[str, Any], above: _Path) -> Iterator[tuple[str, float]]:
    for name, value in item.items():
        number = _number(value)
        if number is not None:
            yield "/".join((*above, name)) if not _counts(name) else name, number
        elif isinstance(value, dict) and len(above) < _DEEPEST:
            yield from _flat(value, (*above, name))


def _counts(name: str) -> bool:
    return name.lower() in _COUNTERS


# --- columns ------------------------------------------------------------------------------


def _columns(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        value = [value[key] for key in sorted(value, key=int)]  # to_json of pandas
    if isinstance(value, list) and path:
        values = [_number(v[-1] if isinstance(v, list) and len(v) == 2 else v) for v in value]
        if any(v is not None for v in values):
            yield path, values
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        for name, inner in value.items():
            yield from _columns((*path, name), inner)


def _named(found: list[tuple[_Path, Any]]) -> list[tuple[str, Any]]:
    """Each with as much of its path as tells it from the others; nothing for several histories."""
    above = {path[:-1] for path, _ in found}
    if len(above) > 1 and not all(split_in(" ".join(path)) or not path for path in above):
        return []
    named = []
    for path, values in found:
        kept = [name for name in path[:-1] if split_in(name)]
        named.append(("/".join([*kept, _singular(path[-1])] if path else kept), values))
    return named


def _singular(name: str) -> str:
    start, last = name[: name.rfind("_") + 1], name[name.rfind("_") + 1 :]
    return start + _ONE_OF[last.lower()] if last.lower() in _ONE_OF else name


def _turned(columns: Mapping[str, list[float | None]]) -> list[_Row]:
    """Columns as rows. Shorter ones are spread over the longest, each value at its interval's end."""
    longest = max(map(len, columns.values()), default=0)
    rows: list[_Row] = [{} for _ in range(longest)]
    for name, values in columns.items():
        for i, value in enumerate(values):
            if value is not None:
                rows[math.ceil((i + 1) * longest / len(values)) - 1][name] = value
    if not any(map(_counts, columns)) and _is_of_keras(columns):
        rows = [{"epoch": i + 1.0, **row} for i, row in enumerate(rows)]
    return rows


def _is_of_keras(columns: Mapping[str, list[float | None]]) -> bool:
    """Whether each evaluated quantity stands beside the trained one, once for each epoch."""
    evaluated = {name.removeprefix("val_") for name in columns if name.startswith("val_")}
    same = len(set(map(len, columns.values()))) == 1
    return same and "loss" in evaluated and evaluated <= columns.keys()


# --- a table ------------------------------------------------------------------------------


def _table(value: Any) -> list[_Row]:
    """A row of names and rows of numbers, or the two apart as pandas' ``orient="split"`` has them."""
    if isinstance(value, dict) and {"columns", "data"} <= value.keys():
        value = [value["columns"], *(value["data"] if isinstance(value["data"], list) else ())]
    match value:
        case [[*names], *lines] if names and all(isinstance(name, str) for name in names):
            return [_line(names, line) for line in lines if isinstance(line, list)]
    return []


def _line(names: Sequence[str], line: list[Any]) -> _Row:
    pairs = ((n, _number(v)) for n, v in zip(names, line, strict=False))
    return {name: number for name, number in pairs if number is not None}


def _number(value: object) -> float | None:
    """A number, or a text that is one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
