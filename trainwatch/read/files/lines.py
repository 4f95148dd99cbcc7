"""Metric files made of lines: JSON lines and tables.

The law of this file: what a line means is the dialects' business; here is only which files are worth
following. A log that merely has such a name is none: its first line must be an object or a header.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.dialect import dialects
from trainwatch.read.formats import table
from trainwatch.read.records import UNKNOWN_STEP, Metrics
from trainwatch.read.stream import Stream

if TYPE_CHECKING:
    from trainwatch.read.records import Record

_NAMES = (
    # LLaMA-Factory, ms-swift, verl, torchtune; detectron2, mmengine, DeiT; SB3
    "trainer_log.jsonl", "logging.jsonl", "metrics.jsonl", "log.jsonl", "train_log.jsonl",
    "training_log.jsonl", "train.jsonl", "history.jsonl", "metrics.json", "scalars.json",
    "*.log.json", "progress.json", "log.txt",
    # Lightning, Keras, ultralytics, SB3, timm, CatBoost; what people call their own
    "metrics.csv", "results.csv", "progress.csv", "summary.csv", "log.csv", "logs.csv",
    "training.csv", "train.csv", "training_log.csv", "train_log.csv", "history.csv", "loss.csv",
    "losses.csv", "learn_error.tsv", "test_error.tsv", "metrics.tsv", "log.tsv",
)  # fmt: skip
_HEAD = 256 << 10
WANTS = tuple(Want(pattern, _HEAD, 0) for name in _NAMES for pattern in (name, f"*/{name}"))


def follow(source: str) -> Lines:
    """Begin to read one file."""
    return Lines(source)


class Lines:
    """One file, read as a stream of lines."""

    def __init__(self, source: str) -> None:
        self._stream = Stream(source, dialects(), exact=True)
        self._begin = b""
        self._is_one: bool | None = None
        self._from_zero = False

    def feed(self, offset: int, data: bytes) -> list[Metrics]:
        """The rows that these bytes complete."""
        if self._is_one is None:
            offset, data = offset - len(self._begin), self._begin + data
            self._begin = data
            self._is_one = begins(data)
        if not self._is_one:
            return []
        self._begin = b""
        records: list[Record] = self._stream.feed(offset, data, None)
        rows = [record for record in records if isinstance(record, Metrics)]
        if offset == 0:
            self._from_zero = _counts_from_zero(rows)
        return [_counted_up(record) for record in rows] if self._from_zero else rows


def begins(data: bytes) -> bool | None:
    """Whether the first line begins a metric file; None while it is not whole."""
    if data.lstrip()[:1] == b"{":
        return True
    line, end, _ = data.lstrip().partition(b"\n")
    if not end:
        return None if len(line) < 1 << 12 else False
    return table.read(line.decode("utf-8", "replace").strip()) is not None


def _counts_from_zero(rows: list[Metrics]) -> bool:
    """Keras' CSVLogger numbers its epochs 0, 1, ... where its screen says 1, 2, ...

    Its rows tell an epoch, no step, and each evaluated quantity beside the trained one.
    """
    if not rows or rows[0].epochs[0] != 0 or rows[0].steps[0] != UNKNOWN_STEP:
        return False
    printed = {key.key for key in rows[0].keys}
    evaluated = {key.removeprefix("val_") for key in printed if key.startswith("val_")}
    return "loss" in evaluated and evaluated <= printed


def _counted_up(record: Metrics) -> Metrics:
    return record._replace(epochs=array("d", (epoch + 1 for epoch in record.epochs)))
