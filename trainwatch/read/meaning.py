"""The keys of one record, taken together: which column each becomes, and what kind of row it is.

The law of this file: a plan depends on the keys alone, never on the values, so it is made once per
shape and reading a row is only picking numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from trainwatch.read.lexicon import Word, tells_training, word
from trainwatch.read.records import Key, Split


class Plan(NamedTuple):
    """How a row with certain keys is read."""

    keys: tuple[Key, ...]  # one per column
    places: tuple[int, ...]  # which number of the row each column takes
    step: int | None  # places of the counters
    epoch: int | None
    total: int | None
    summary: bool  # means of a whole run, told at its end: no points
    trains: bool  # a row of training itself


@lru_cache(4096)
def plan(keys: tuple[str, ...]) -> Plan | None:
    """The plan for a record with these keys; None when it does not report a training."""
    words = [word(key) for key in keys]
    if not tells_training([w.name for w in words if w.role == "metric"]):
        return None
    sets = _datasets(keys)
    columns = tuple(
        (place, _key(key, w, sets))
        for place, (key, w) in enumerate(zip(keys, words, strict=True))
        if w.role == "metric"
    )
    series = tuple(key for _, key in columns)
    if len({key.series for key in series}) < len(series):
        return None
    return Plan(
        series,
        tuple(place for place, _ in columns),
        _place(words, "step"),
        _place(words, "epoch"),
        _place(words, "total"),
        "train_runtime" in keys and "train_loss" in keys and "loss" not in keys,
        any(key.split == "train" and key.name == "loss" for key in series),
    )


def _place(words: list[Word], role: str) -> int | None:
    return next((place for place, w in enumerate(words) if w.role == role), None)


def _datasets(keys: tuple[str, ...]) -> dict[str, str]:
    """Prefix -> name of the evaluation set.

    The Trainer names a set between ``eval_`` and the metric; only the companion
    ``eval_<set>_runtime`` tells the name from a part of the metric's own name.
    """
    found = {}
    for key in keys:
        for split in ("eval_", "test_"):
            if key.startswith(split) and key.endswith("_runtime") and key != split + "runtime":
                found[key.removesuffix("runtime")] = key[len(split) : -len("_runtime")]
    return found


def _key(key: str, w: Word, sets: dict[str, str]) -> Key:
    split: Split = w.split or "train"
    for prefix, dataset in sets.items():
        if key.startswith(prefix):
            return Key(word(key[len(prefix) :]).name, split, dataset, key)
    return Key(w.name, split, None, key)
