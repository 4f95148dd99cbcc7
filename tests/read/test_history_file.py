"""A history in one JSON value, in every shape that people dump one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.read.test_files import Disk, Told, told
from trainwatch import facts
from trainwatch.read.reader import Reader

LOSS, VAL = [1.0, 0.5, 0.25], [1.1, 0.75, 0.8]
ROWS = [
    {"epoch": i + 1, "loss": a, "val_loss": b}
    for i, (a, b) in enumerate(zip(LOSS, VAL, strict=True))
]
BOTH = [("train", "loss", a) for a in LOSS] + [("eval", "loss", b) for b in VAL]


def read(value: Any, name: str = "whatever.json") -> Told:
    """What a target of this content gives, named as a file that nobody knows."""
    reader = Reader()
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    records = reader.feed(facts.Chunk(name, 0, data, 1.0))
    return told(records + reader.feed(facts.CaughtUp(1.0)))


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"epochs": ROWS},
        {"loss": LOSS, "val_loss": VAL},
        {"history": {"loss": LOSS, "val_loss": VAL}, "params": {"epochs": 3}},
        {"epoch": [1, 2, 3], "train_loss": LOSS, "valid_loss": VAL},
        {"epoch": {"0": 1, "1": 2}, "loss": dict(enumerate(LOSS)), "val_loss": dict(enumerate(VAL))},
        {"loss": [[i, v] for i, v in enumerate(LOSS)], "val_loss": [[i, v] for i, v in enumerate(VAL)]},
        {"train": {"loss": LOSS}, "val": {"loss": VAL}},
        {"train": LOSS, "val": VAL},
        {"train_losses": LOSS, "val_losses": VAL},
        {"train": [{"step": i, "loss": v} for i, v in enumerate(LOSS)],
         "eval": [{"step": i, "loss": v} for i, v in enumerate(VAL)]},
        [["epoch", "loss", "val_loss"], *([i, a, b] for i, (a, b) in enumerate(zip(LOSS, VAL, strict=True)))],
        {"columns": ["loss", "val_loss"], "index": [0, 1, 2], "data": [list(r) for r in zip(LOSS, VAL, strict=True)]},
        [{"train_loss": str(a), "validation_loss": str(b), "note": "x"} for a, b in zip(LOSS, VAL, strict=True)],
    ],
)  # fmt: skip
def test_both_losses_are_read(value: Any) -> None:
    assert sorted(row[:3] for row in read(value)) == sorted(BOTH)


def test_a_dump_of_keras_tells_epochs() -> None:
    found = read({"loss": LOSS, "accuracy": [0, 0, 1], "val_loss": VAL, "val_accuracy": [0, 1, 1]})
    assert [row[4] for row in found if row[:2] == ("eval", "loss")] == [1.0, 2.0, 3.0]


def test_columns_of_different_length_span_the_same_run() -> None:
    found = read({"train_loss": [1.0, 0.9, 0.8, 0.7], "val_loss": [1.1, 1.0]})
    assert [row[2] for row in found] == [1.0, 0.9, 1.1, 0.8, 0.7, 1.0]


@pytest.mark.parametrize(
    "value",
    [
        [[1.0, 1.1], [0.5, 0.7]],
        {"first run": {"loss": LOSS, "val_loss": VAL}, "second run": {"loss": VAL}},
        {"alpha": 1, "beta": [True, None, "x"]},
        {"name": "x", "sizes": [1, 2, 3]},
        b'{"loss": [1.0, 0.5',
        b"[" * 100_000,
        [],
        7,
    ],
)
def test_what_is_no_history_gives_nothing(value: Any) -> None:
    assert read(value) == []


def test_numbers_that_are_none_are_findings() -> None:
    found = read(b'{"loss": [1.0, NaN, Infinity], "val_loss": [1.0, null, 1e400]}')
    assert [str(row[2]) for row in found if row[0] == "train"] == ["1.0", "nan", "inf"]
    assert [str(row[2]) for row in found if row[0] == "eval"] == ["1.0", "inf"]


def test_a_file_of_that_name_may_be_json_lines_that_grow() -> None:
    disk = Disk("/out/metrics.json")
    first, second = (b'{"iteration": %d, "total_loss": %d.5}\n' % (i, i) for i in (1, 2))
    assert [row[2] for row in disk.write(first)] == [1.5]
    assert [row[2] for row in disk.write(first + second)] == [2.5]
    assert [tally[2] for tally in disk.reader.tallies] == [2]
    whole = Disk("/out/metrics.json").write(json.dumps({"loss": LOSS, "val_loss": VAL}).encode())
    assert len(whole) == 6
