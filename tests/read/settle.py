"""The step join as the run does it, over a reader's records: what is left must not depend on chunks."""

from __future__ import annotations

from typing import NamedTuple

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Notice, Progress, Unread
from trainwatch.read.rows import counts_steps, step_of


class Read(NamedTuple):
    """Everything that reading a source came to."""

    points: list[tuple[int, Key, str, int, str]]  # offset, key, value, step, epoch
    progress: dict[tuple[str, str, str], Progress]
    notices: list[tuple[str, str, int]]
    unread: int
    sample: str


def read(data: bytes, cuts: list[int] | None = None, reader: Reader | None = None) -> Read:
    """``data`` through a reader in the given chunks, ended."""
    reader = reader or Reader()
    records: list[object] = []
    start = 0
    for end in [*(cuts or []), len(data)]:
        records += reader.feed(facts.Chunk("log", start, data[start:end], 1.0))
        start = end
    return settled([*records, *reader.finish()])


def settled(records: list[object]) -> Read:
    """The records after the join."""
    points: list[tuple[int, Key, str, int, str]] = []
    waiting: list[int] = []
    count = 0
    progress: dict[tuple[str, str, str], Progress] = {}
    for record in records:
        if isinstance(record, Metrics):
            _rows(record, points, waiting)
        elif isinstance(record, Progress):
            if counts_steps(record):
                for i in waiting:
                    points[i] = (*points[i][:3], step_of(int(record.done), count), points[i][4])
                waiting.clear()
                count = int(record.done)
            progress[record.split, record.unit, record.label] = record
    notices = [(str(r.kind), r.text, r.offset) for r in records if isinstance(r, Notice)]
    unread = [r for r in records if isinstance(r, Unread)]
    return Read(
        sorted(points, key=lambda p: p[0]),
        progress,
        notices,
        sum(r.count for r in unread),
        next((r.sample for r in unread if r.sample), ""),
    )


def _rows(
    record: Metrics, points: list[tuple[int, Key, str, int, str]], waiting: list[int]
) -> None:
    for row, offset in enumerate(record.offsets):
        for key, column in zip(record.keys, record.columns, strict=True):
            if record.steps[row] == UNKNOWN_STEP and (record.joins or waiting):
                waiting.append(len(points))
            epoch = repr(record.epochs[row])
            points.append((offset, key, repr(column[row]), record.steps[row], epoch))
