"""Every number the run reported, as series over shared rows.

The law of this file: each point exists once, in the order read. A row waits for the step that it
did not tell until the training's own counter tells it; what files know better comes by ``History``.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Split
from trainwatch.run.batch import breaks, said_once, same
from trainwatch.run.grain import Grain
from trainwatch.run.rows import EXACT, GUESSED, NO_STEP, Rows
from trainwatch.run.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Point(NamedTuple):
    """One reported number with everything known of it: the fields of ``export``."""

    split: Split
    name: str
    key: str
    dataset: str | None
    value: float
    step: int | None
    epoch: float | None
    rank: int | None
    time: float | None
    source: str
    offset: int


class _KeySet(NamedTuple):
    """Keys that were reported together."""

    number: int
    series: tuple[Series, ...]


class MetricStore:
    """All series of a run."""

    def __init__(self) -> None:
        self.version = 0
        """Counts every change: what was computed from an older version is out of date."""
        self.repaired = 0
        """Counts the changes that reached further back than the newest rows."""
        self.rows = Rows()
        self.steps_per_epoch: float | None = None
        """Told by a file; gives steps to rows that only tell their epoch."""
        self._series: dict[Key, Series] = {}
        self._grains: dict[Series, Grain] = {}
        self.shown: int | None = None
        """The newest row that was printed; None while all comes from files."""
        self._partly: dict[int, set[Series]] = {}  # row -> what of it files told, if not yet all
        self._waiting: dict[str, int] = {}  # source -> first row that waits for its step
        # The rows as stretches that reported the same keys: first row, number of the set of keys.
        self._block_rows: array[int] = array("I")
        self._block_sets: array[int] = array("I")
        self._sets: dict[tuple[Key, ...], _KeySet] = {}

    # --- growing --------------------------------------------------------------------------

    def add(self, record: Metrics) -> None:
        """Rows that the training printed."""
        record = said_once(record)
        if not record.steps or (len(record.steps) == 1 and self._said(record)):
            return
        first = self.append(record)
        self.shown = len(self.rows) - 1
        for series, column in zip(self._set(record.keys).series, record.columns, strict=True):
            self.grain(series).see(column)
        if record.joins and UNKNOWN_STEP in record.steps:
            self._waiting.setdefault(record.source, first)
            self._guess(first)

    def append(self, record: Metrics) -> int:
        """Rows behind everything that is there; the first one's number."""
        first = self.enter(record)
        back = breaks(record.steps, record.epochs)
        for series, column in zip(self._set(record.keys).series, record.columns, strict=True):
            series.extend(first, column, back)
        return first

    def enter(self, record: Metrics) -> int:
        """The rows alone, without their values, which go where ``splice`` puts them."""
        self.version += 1
        first = self.rows.extend(
            record.source, record.steps, record.epochs, record.offsets, record.at
        )
        block = self._set(record.keys).number
        if not self._block_sets or self._block_sets[-1] != block:
            self._block_rows.append(first)
            self._block_sets.append(block)
        return first

    def _set(self, keys: tuple[Key, ...]) -> _KeySet:
        found = self._sets.get(keys)
        if found is None:
            series = tuple(self.make(key) for key in keys)
            found = self._sets[keys] = _KeySet(len(self._sets), series)
        return found

    def _said(self, record: Metrics) -> bool:
        """Whether the newest row said the same: every process of a job printed it."""
        row = len(self.rows) - 1
        step = record.steps[0]
        if row < 0 or step == UNKNOWN_STEP or self.rows.step(row) != step:
            return False
        if self.rows.source(row) != record.source or self.rows.flags[row] & (EXACT | GUESSED):
            return False
        for series, column in zip(self._set(record.keys).series, record.columns, strict=True):
            if not len(series) or series.places.row(-1) != row or series.last != column[0]:
                return False
        epoch = self.rows.epoch(row)
        return epoch is None or same(epoch, record.epochs[0])

    # --- steps ----------------------------------------------------------------------------

    def settle(self, source: str, step: int) -> bool:
        """The training's own counter of ``source`` tells ``step``: what waited for it has it."""
        first = self._waiting.pop(source, None)
        if first is None:
            return False
        for row in range(first, len(self.rows)):
            if self.rows.flags[row] & (NO_STEP | GUESSED) and self.rows.source(row) == source:
                self.rows.set_step(row, step)
        self.moved(first)
        return True

    def corrected(self, row: int, series: Sequence[Series], step: int) -> None:
        """A file told these values of a row that the log showed, and the step when it is known."""
        known = self._partly.get(row)
        if known is None and not self.rows.flags[row] & EXACT:
            known = self._partly[row] = set()
        if known is not None:
            known.update(series)
            if len(known) >= self._width(row):
                del self._partly[row]
        if step != UNKNOWN_STEP:
            self.rows.set_step(row, step, EXACT)

    def told_by_file(self, row: int, series: Series) -> bool:
        """Whether this value of a row has its full precision from a file."""
        if not self.rows.flags[row] & EXACT:
            return False
        return row not in self._partly or series in self._partly[row]

    def _width(self, row: int) -> int:
        block = self._block_sets[bisect_right(self._block_rows, row) - 1]
        return next(len(s.series) for s in self._sets.values() if s.number == block)

    def _guess(self, first: int) -> None:
        if self.steps_per_epoch is None:
            return
        for row in range(first, len(self.rows)):
            epoch = self.rows.epoch(row)
            if self.rows.flags[row] & NO_STEP and epoch is not None:
                self.rows.set_step(row, round(epoch * self.steps_per_epoch), GUESSED)
        self.moved(first)

    def moved(self, first: int) -> None:
        """Steps of rows from ``first`` on became known."""
        self.rows.hold(first)
        for series in self._series.values():
            low = len(series)
            while low and series.places.row(low - 1) >= first:
                low -= 1
            if low < len(series):
                series.moved(low, len(series))
        self.version += 1

    # --- asking ---------------------------------------------------------------------------

    def get(self, key: Key) -> Series | None:
        """The series that a column belongs to."""
        return self._series.get(key.series)

    def make(self, key: Key) -> Series:
        """The series that a column belongs to, an empty one where there was none."""
        found = self.get(key)
        if found is None:
            found = self._series[key.series] = Series(key, self.rows)
            self._grains[found] = Grain()
        return found

    def grain(self, series: Series) -> Grain:
        """How finely the values of a series were printed."""
        return self._grains[series]

    def series(self) -> list[Series]:
        """Every series, in the order in which they were first met."""
        return list(self._series.values())

    def find(
        self, name: str = "loss", split: Split = "train", dataset: str | None = None
    ) -> Series | None:
        """One series; of several ranks the lowest."""
        found = [
            s
            for k, s in self._series.items()
            if (k.name, k.split, k.dataset) == (name, split, dataset)
        ]
        return min(found, key=_rank, default=None)

    @property
    def loss(self) -> Series | None:
        """The training loss."""
        return self.find()

    @property
    def evals(self) -> list[Series]:
        """The evaluation losses, one per evaluation set."""
        found = [s for k, s in self._series.items() if k.name == "loss" and k.split == "eval"]
        lowest: dict[str | None, Series] = {}
        for series in sorted(found, key=_rank):
            lowest.setdefault(series.key.dataset, series)
        return [s for s in found if s in lowest.values()]

    @property
    def eval_loss(self) -> Series | None:
        """The evaluation loss of the primary set: the unnamed one, else the first met."""
        evals = self.evals
        return next((s for s in evals if s.key.dataset is None), evals[0] if evals else None)

    def points(self) -> Iterator[Point]:
        """Every point, in the order read."""
        sets = [list(zip(keys, s.series, strict=True)) for keys, s in self._sets.items()]
        bounds = pairwise([*self._block_rows, len(self.rows)])
        for (first, end), block in zip(bounds, self._block_sets, strict=True):
            for row in range(first, end):
                for key, series in sets[block]:
                    index = series.places.index(row)
                    if index is not None:
                        yield self._point(key, series.values[index], row)

    def _point(self, key: Key, value: float, row: int) -> Point:
        rows = self.rows
        return Point(
            split=key.split,
            name=key.name,
            key=key.key,
            dataset=key.dataset,
            value=value,
            step=rows.step(row),
            epoch=rows.epoch(row),
            rank=key.rank,
            time=rows.at(row),
            source=rows.source(row),
            offset=rows.offsets[row],
        )


def _rank(series: Series) -> int:
    return -1 if series.key.rank is None else series.key.rank
