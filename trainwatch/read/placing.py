"""Numbers that were understood find their place: which series, which step, which epoch.

The law of this file: a row stands where its line says, else where the lines before it stood; only a
mapping literal that tells no step waits for the training's own bar. Which of several words is "the
loss" of a run, and whether a test set serves as the evaluation set, is decided by what the run
prints, in stream order.
"""

from __future__ import annotations

import math
from array import array
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.counting import Counting, Told
from trainwatch.read.records import UNKNOWN_STEP, Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.read.meaning import Plan


class Lot(NamedTuple):
    """Rows that were read by one plan."""

    plan: Plan
    columns: Sequence[Sequence[float]]  # one per number of the plan's terms
    offsets: Sequence[int]
    steps: Sequence[int] = ()  # of the first rows: what bars told


class Placed(NamedTuple):
    """Rows of the same series, ready to be told."""

    keys: tuple[Key, ...]
    columns: Sequence[Sequence[float]]
    offsets: Sequence[int]
    steps: Sequence[int]
    epochs: Sequence[float]
    joins: bool  # rows without a step take it from the training's own bar


class Placing:
    """What one stream has told about where its training stands and how it calls its numbers."""

    def __init__(self) -> None:
        self._counting: dict[int | None, Counting] = {None: Counting()}
        self._claims: dict[Key, int] = {}
        self._names: dict[Plan, tuple[Key, ...]] = {}
        self._evaluates = False  # an evaluation set that is no test set was seen
        self._labelled = False  # lines begin with the rank, as ``srun --label`` writes it
        self._shown: dict[Plan, tuple[float, ...]] = {}

    @property
    def counting(self) -> Counting:
        """The counts of the lines that name no rank."""
        return self._counting[None]

    def place(self, lot: Lot) -> Iterator[Placed]:
        """The rows in their places."""
        plan = lot.plan
        keys = self._keys(plan)
        waits = plan.joins and plan.step is None
        waits = waits and (plan.epoch is not None or self.counting.step == UNKNOWN_STEP)
        for rank, rows in self._ranks(lot):
            ranked = keys if rank is None else tuple(key._replace(rank=rank) for key in keys)
            if waits:
                yield _waiting(lot, ranked, rows)
            else:
                yield from self._rows(lot, ranked, rows, rank)

    def head(self, lot: Lot) -> None:
        """Counts that hold for the lines below."""
        for rank, rows in self._ranks(lot):
            counting = self._counting.setdefault(rank, Counting())
            counting.stand(self._told(lot, rows.start, counting), trains=True)

    # --- names ----------------------------------------------------------------------------

    def _keys(self, plan: Plan) -> tuple[Key, ...]:
        """The series of a plan, as this stream has come to call them."""
        known = self._names.get(plan)
        if known is None:
            self._learn(plan)
            known = self._names[plan] = self._called(plan)
        return known

    def _learn(self, plan: Plan) -> None:
        splits = {key.split for key in plan.keys}
        news = "eval" in splits and not self._evaluates
        self._evaluates = self._evaluates or "eval" in splits
        for key, claim in zip(plan.keys, plan.claims, strict=True):
            series = key.series
            best = self._claims.get(series)
            if best is None or claim < best:
                self._claims[series] = claim
                news = news or best is not None
        if news:
            self._names.clear()

    def _called(self, plan: Plan) -> tuple[Key, ...]:
        named, taken = [], set()
        for key, claim, plain in zip(plan.keys, plan.claims, plan.plains, strict=True):
            found = key
            if claim > self._claims.get(key.series, claim):
                found = found._replace(name=plain)
            if key.split == "test" and not self._evaluates and not plan.final:
                found = found._replace(split="eval")
            if found.series in taken:
                found = key._replace(name=plain)
            taken.add(found.series)
            named.append(found)
        return tuple(named)

    # --- places ---------------------------------------------------------------------------

    def _ranks(self, lot: Lot) -> Iterator[tuple[int | None, range]]:
        """Stretches of rows of one rank."""
        plan, size = lot.plan, len(lot.offsets)
        place = plan.rank
        if plan.label is not None:
            counted = plan.step is not None or plan.epoch is not None or plan.batch is not None
            self._labelled = self._labelled or counted
            place = plan.label if self._labelled else place
        if place is None:
            yield None, range(size)
            return
        start = 0
        for rank, group in groupby(lot.columns[place]):
            end = start + sum(1 for _ in group)
            yield int(rank) if math.isfinite(rank) else None, range(start, end)
            start = end

    def _rows(
        self, lot: Lot, keys: tuple[Key, ...], rows: range, rank: int | None
    ) -> Iterator[Placed]:
        counting = self._counting.setdefault(rank, Counting())
        steps, epochs = array("q"), array("d")
        for row in rows:
            step, epoch = counting.stand(self._told(lot, row, counting), lot.plan.trains)
            steps.append(step)
            epochs.append(epoch)
        part = slice(rows.start, rows.stop)
        columns = [lot.columns[place][part] for place in lot.plan.places]
        placed = Placed(keys, columns, lot.offsets[part], steps, epochs, joins=False)
        if not lot.plan.mixed:
            yield placed
            return
        for row in range(len(rows)):
            yield self._fresh(lot.plan, placed, row)

    def _told(self, lot: Lot, row: int, counting: Counting) -> Told:
        plan, columns = lot.plan, lot.columns
        step = plan.step
        if step is None and plan.label is not None and not self._labelled:
            step = plan.label
        if plan.steps is not None:
            counting.steps = columns[plan.steps][row]
        if plan.epochs is not None:
            counting.epochs = columns[plan.epochs][row]
        return Told(
            *(
                None if place is None else columns[place][row]
                for place in (step, plan.epoch, plan.batch, plan.batches)
            )
        )

    def _fresh(self, plan: Plan, placed: Placed, row: int) -> Placed:
        """One row without the evaluation numbers that it only repeats from the row before."""
        keys = placed.keys
        values = tuple(column[row] for column in placed.columns)
        shown = tuple(v for key, v in zip(keys, values, strict=True) if key.split != "train")
        stale = shown == self._shown.get(plan) and any(_many_digits(value) for value in shown)
        self._shown[plan] = shown
        kept = [i for i, key in enumerate(keys) if key.split == "train" or not stale]
        return Placed(
            tuple(keys[i] for i in kept),
            [[values[i]] for i in kept],
            [placed.offsets[row]],
            [placed.steps[row]],
            [placed.epochs[row]],
            joins=False,
        )


def _waiting(lot: Lot, keys: tuple[Key, ...], rows: range) -> Placed:
    """Rows that have their step from the training's own bar, as far as it has told it."""
    part = slice(rows.start, rows.stop)
    told = list(lot.steps[part])
    unknown = [UNKNOWN_STEP] * (len(rows) - len(told))
    place = lot.plan.epoch
    epochs = [math.nan] * len(rows) if place is None else lot.columns[place][part]
    columns = [lot.columns[place][part] for place in lot.plan.places]
    return Placed(keys, columns, lot.offsets[part], told + unknown, epochs, joins=True)


def _many_digits(value: float) -> bool:
    """Whether two equal values of this kind are hardly chance."""
    return math.isfinite(value) and len(f"{abs(value):.6g}".replace(".", "").strip("0")) >= 3
