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


class _Shown:
    """The evaluation numbers that rows of one kind showed."""

    def __init__(self) -> None:
        self.values: tuple[float, ...] = ()
        self.changed = 0  # rows
        self.unchanged = 0


class Placing:
    """What one stream has told about where its training stands and how it calls its numbers.

    An ``exact`` one repeats nothing and means its steps as it writes them.
    """

    def __init__(self, exact: bool = False) -> None:
        self._exact = exact
        self.counting = Counting(exact)
        """The counts that the last line stood by."""
        self._counting: dict[int | None, Counting] = {None: self.counting}
        self._claims: dict[Key, list[int]] = {}  # on each series: the claims in the order of use
        self._demoted: set[tuple[Key, int]] = set()
        self._names: dict[Plan, tuple[Key, ...]] = {}
        self._last: Plan | None = None
        self._evaluates = False  # an evaluation set that is no test set was seen
        self._labelled = False  # lines begin with the rank, as ``srun --label`` writes it
        self._shown: dict[Plan, _Shown] = {}

    def place(self, lot: Lot) -> Iterator[Placed]:
        """The rows in their places."""
        plan = lot.plan
        keys = self._keys(plan)
        waits = plan.joins and plan.step is None
        waits = waits and (plan.epoch is not None or self._counting[None].step == UNKNOWN_STEP)
        for rank, rows in self._ranks(lot):
            ranked = keys if rank is None else tuple(key._replace(rank=rank) for key in keys)
            if waits:
                yield _waiting(lot, ranked, rows, self._counting[None].epoch)
            else:
                yield from self._rows(lot, ranked, rows, rank)

    def head(self, lot: Lot) -> None:
        """Counts that hold for the lines below."""
        for rank, rows in self._ranks(lot):
            for name in dict.fromkeys((None, rank)):
                self.counting = self._counting.setdefault(name, Counting(self._exact))
                self.counting.stand(self._told(lot, rows.start, self.counting), trains=True)

    # --- names ----------------------------------------------------------------------------

    def _keys(self, plan: Plan) -> tuple[Key, ...]:
        """The series of a plan, as this stream has come to call them."""
        self._learn(plan)
        known = self._names.get(plan)
        if known is None:
            known = self._names[plan] = self._called(plan)
        return known

    def _learn(self, plan: Plan) -> None:
        if plan is self._last:
            return
        self._last = plan
        if not self._evaluates and any(key.split == "eval" for key in plan.keys):
            self._evaluates = True
            self._names.clear()
        for key, claim in zip(plan.keys, plan.claims, strict=True):
            if key.name == "loss" and self._demotes(key.series, claim):
                self._names.clear()

    def _demotes(self, series: Key, claim: int) -> bool:
        """Whether this use of a name proves that a weaker claim on it is something else.

        A stronger word, a weaker one, and the stronger again: they are two quantities of one run.
        The weaker word alone, or after the other, may be all that a (new) run prints.
        """
        used = self._claims.setdefault(series, [])
        if not used or used[-1] != claim:
            used.append(claim)
        if len(used) < 3 or not used[-1] == used[-3] < used[-2]:
            del used[:-2]
            return False
        self._demoted.add((series, used[-2]))
        del used[:-1]
        return True

    def _called(self, plan: Plan) -> tuple[Key, ...]:
        named, taken = [], set()
        for key, claim, plain in zip(plan.keys, plan.claims, plan.plains, strict=True):
            found = key
            if (key.series, claim) in self._demoted:
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
        counting = self.counting = self._counting.setdefault(rank, Counting(self._exact))
        steps, epochs = array("q"), array("d")
        for row in rows:
            step, epoch = counting.stand(self._told(lot, row, counting), lot.plan.trains)
            steps.append(step)
            epochs.append(epoch)
        part = slice(rows.start, rows.stop)
        columns = [lot.columns[place][part] for place in lot.plan.places]
        placed = Placed(keys, columns, lot.offsets[part], steps, epochs, joins=False)
        if self._exact or not lot.plan.mixed:
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

    def _repeats(self, plan: Plan, values: tuple[float, ...]) -> bool:
        """Whether the numbers are those of the row before, in rows that mostly repeat them."""
        shown = self._shown.setdefault(plan, _Shown())
        same = values == shown.values and any(map(_many_digits, values))
        shown.values = values
        shown.changed += not same
        shown.unchanged += same
        return same and shown.unchanged >= shown.changed

    def _fresh(self, plan: Plan, placed: Placed, row: int) -> Placed:
        """One row without the evaluation numbers that it only repeats from the row before."""
        keys = placed.keys
        values = tuple(column[row] for column in placed.columns)
        shown = tuple(v for key, v in zip(keys, values, strict=True) if key.split != "train")
        stale = self._repeats(plan, shown)
        kept = [i for i, key in enumerate(keys) if key.split == "train" or not stale]
        return Placed(
            tuple(keys[i] for i in kept),
            [[values[i]] for i in kept],
            [placed.offsets[row]],
            [placed.steps[row]],
            [placed.epochs[row]],
            joins=False,
        )


def _waiting(lot: Lot, keys: tuple[Key, ...], rows: range, epoch: float) -> Placed:
    """Rows that have their step from the training's own bar, as far as it has told it.

    ``epoch``: that of a heading above, for rows that tell none.
    """
    part = slice(rows.start, rows.stop)
    told = list(lot.steps[part])
    unknown = [UNKNOWN_STEP] * (len(rows) - len(told))
    place = lot.plan.epoch
    epochs = [epoch] * len(rows) if place is None else lot.columns[place][part]
    columns = [lot.columns[place][part] for place in lot.plan.places]
    return Placed(keys, columns, lot.offsets[part], told + unknown, epochs, joins=True)


def _many_digits(value: float) -> bool:
    """Whether two equal values of this kind are hardly chance."""
    return math.isfinite(value) and len(f"{abs(value):.6g}".replace(".", "").strip("0")) >= 3
