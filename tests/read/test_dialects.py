"""Every dialect reads its own samples, and no other dialect takes them away."""

from __future__ import annotations

import math
import random
import re

import pytest

from trainwatch import facts
from trainwatch.read.dialect import Dialect, Sample, dialects
from trainwatch.read.reader import Reader
from trainwatch.read.records import Key, Metrics, Progress

SAMPLES = [
    pytest.param(dialect, sample, id=f"{dialect.__name__.rpartition('.')[2]}: {sample.text[:50]}")
    for dialect in dialects()
    for sample in dialect.SAMPLES
]


def column(key: Key) -> str:
    """How samples name a column."""
    if key.split == "train":
        return key.name
    return f"{key.split}:{key.dataset} {key.name}" if key.dataset else f"{key.split} {key.name}"


def read(text: str) -> dict[str, float]:
    """Everything that a few lines give, later lines over earlier ones."""
    reader = Reader()
    records = reader.feed(facts.Chunk("log", 0, text.encode() + b"\n", 0.0)) + list(reader.finish())
    found: dict[str, float] = {}
    for record in records:
        if isinstance(record, Metrics):
            for row, step in enumerate(record.steps):
                found.update(
                    {column(k): c[row] for k, c in zip(record.keys, record.columns, strict=True)}
                )
                if step >= 0:
                    found["@step"] = step
                if not math.isnan(record.epochs[row]):
                    found["@epoch"] = record.epochs[row]
    for record in records:
        if isinstance(record, Progress) and record.split == "train" and record.unit == "step":
            found["@step"] = record.done
            if record.total is not None:
                found["@total"] = record.total
    return found


@pytest.mark.parametrize(("dialect", "sample"), SAMPLES)
def test_a_sample_gives_what_it_says(dialect: Dialect, sample: Sample) -> None:
    found = read(sample.text)
    for name, value in sample.gives.items():
        assert name in found, (name, found)
        assert found[name] == pytest.approx(value, nan_ok=True), name
    if not sample.gives:
        assert not {name for name in found if not name.startswith("@")}


@pytest.mark.parametrize(("dialect", "sample"), SAMPLES)
def test_later_lines_of_the_same_shape_read_the_same(dialect: Dialect, sample: Sample) -> None:
    """The learned shape gives the columns that the dialect gave, whatever the digits."""
    rng = random.Random(5)
    before, _, last = sample.text.rpartition("\n")
    again = re.sub(r"(?<=\d\.)\d+", lambda m: "".join(rng.choices("123456789", k=len(m[0]))), last)
    once, twice = read(f"{before}\n{last}"), read(f"{before}\n{last}\n{again}")
    assert once.keys() == twice.keys()
