"""What metric files tell about rows that the log told already, or never showed.

The law of this file: a row of a file that repeats one of the log lends it its step and precision; a
row that repeats none was printed where we did not look and is put in its place. A row that the log
is still about to show waits for it. Files wait until the log has been read up to now.
"""

from __future__ import annotations

import re
from array import array
from math import isnan
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP
from trainwatch.run.batch import breaks, rows_of, same
from trainwatch.run.kinship import Kinship
from trainwatch.run.matching import epoch_half, match, position
from trainwatch.run.rows import EXACT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainwatch.read.records import Key, Metrics
    from trainwatch.run.metrics import MetricStore


class History:
    """The metric files of one run, on their way into the store."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self.kinship = Kinship(store)
        self.left_out: dict[str, list[Metrics]] = {}
        """The newest rows of files that are not believed to be this run's."""
        self._waiting: list[Metrics] | None = []  # until the log has been read up to now
        self._ahead: list[Metrics] = []  # told by a file before the log showed it
        self._told: dict[str, Told] = {}

    def caught_up(self) -> None:
        """The log has been read up to now."""
        waiting, self._waiting = self._waiting or [], None
        for record in waiting:
            self.add(record)
        if self.kinship.over:
            self._release(lambda _: True)

    def add(self, record: Metrics) -> None:
        """Rows of a file. Each version of it may come whole again."""
        self.kinship.met(record)
        if self._waiting is not None:
            self._waiting.append(record)
            return
        if not self.kinship.believes(record):
            self._leave_out(record)
            return
        self._release(lambda held: held.source != record.source)
        known = self._told.setdefault(_story(record.source), Told()).fresh(record)
        if known < len(record.steps):
            self._merge(rows_of(record, range(known, len(record.steps))))
        self._recall()

    def shown(self) -> None:
        """The log went on: rows that waited for it may have come."""
        held, self._ahead = self._ahead, []
        for record in held:
            self._merge(record)
        self._recall()

    def ended(self, at: float) -> None:
        """The log shows nothing more."""
        self.kinship.ended = at
        if self._waiting is None:
            self._release(lambda _: True)
            self._recall()

    def _leave_out(self, record: Metrics) -> None:
        kept = self.left_out.setdefault(record.source, [])
        if kept and record.offsets[0] <= kept[-1].offsets[-1]:
            kept.clear()  # a newer version of the file
        kept.append(record)

    def _recall(self) -> None:
        """Look again at what was left out."""
        believed = [
            source
            for source, records in self.left_out.items()
            if any(self.kinship.believes(record) for record in records)
        ]
        for source in believed:
            for record in self.left_out.pop(source):
                self.add(record)

    def _release(self, which: Callable[[Metrics], bool]) -> None:
        held, self._ahead = self._ahead, []
        for record in held:
            if which(record):
                self._merge(record, wait=False)
            else:
                self._ahead.append(record)

    # --- one record -----------------------------------------------------------------------

    def _merge(self, record: Metrics, *, wait: bool = True) -> None:
        new = []
        changed: dict[Key, int] = {}
        for i in range(len(record.steps)):
            row = match(self._store, record, i)
            if row is None:
                new.append(i)
            else:
                self._repair(row, record, i, changed)
        for key, first in changed.items():
            series = self._store.make(key)
            series.corrected(first)
            series.moved(first, len(series))
        self._store.version += 1
        self._store.repaired += 1
        self._put_in(record, self._hold(record, new) if wait and not self.kinship.over else new)

    def _repair(self, row: int, record: Metrics, i: int, changed: dict[Key, int]) -> None:
        rows, step, epoch = self._store.rows, record.steps[i], record.epochs[i]
        if not isnan(epoch):
            rows.set_epoch(row, epoch)
        if step > 0 and epoch > 0:
            self._store.steps_per_epoch = step / epoch
        told = []
        for key, column in zip(record.keys, record.columns, strict=True):
            series = self._store.get(key)
            index = None if series is None else series.places.index(row)
            if series is not None and index is not None:
                series.correct(index, column[i])
                changed[key] = min(changed.get(key, index), index)
                told.append(series)
        self._store.corrected(row, told, step)

    def _hold(self, record: Metrics, new: list[int]) -> list[int]:
        """Keep back what the log is still about to show; the rest."""
        ahead = [i for i in new if self._is_ahead(record, i)]
        if ahead:
            self._ahead.append(rows_of(record, ahead))
        return [i for i in new if i not in ahead] if ahead else new

    def _is_ahead(self, record: Metrics, i: int) -> bool:
        shown = self._store.shown
        if shown is None:
            return False
        step, epoch = record.steps[i], record.epochs[i]
        lead = self._store.get(record.keys[0])
        if lead is not None and position(lead, step, epoch) < len(lead):
            return False
        newest = self._store.rows.step(shown)
        if newest is not None and step != UNKNOWN_STEP:
            return step >= newest
        seen = self._store.rows.epoch(shown)
        return seen is not None and epoch >= seen - epoch_half(epoch)

    def _put_in(self, record: Metrics, new: Sequence[int]) -> None:
        """Rows that the log never showed, each group at its place."""
        if len(new) == len(record.steps) and not any(self._store.get(k) for k in record.keys):
            self._exact(self._store.append(record), len(new))
            return
        for group in self._groups(record, new):
            part = rows_of(record, group)
            first = self._store.enter(part)
            self._exact(first, len(group))
            back = breaks(part.steps, part.epochs)
            for key, column in zip(part.keys, part.columns, strict=True):
                series = self._store.make(key)
                at = position(series, part.steps[0], part.epochs[0])
                if at == len(series):
                    series.extend(first, column, back)
                else:
                    series.splice(at, first, column)

    def _groups(self, record: Metrics, new: Sequence[int]) -> Iterator[list[int]]:
        """Neighbours that belong between the same two points of every series."""
        series = [s for key in record.keys if (s := self._store.get(key))]
        group: list[int] = []
        before: list[int] = []
        for i in new:
            at = [position(s, record.steps[i], record.epochs[i]) for s in series]
            if group and (i != group[-1] + 1 or at != before):
                yield group
                group = []
                at = [position(s, record.steps[i], record.epochs[i]) for s in series]
            group.append(i)
            before = at
        if group:
            yield group

    def _exact(self, first: int, size: int) -> None:
        for row in range(first, first + size):
            self._store.rows.flags[row] |= EXACT


class Told:
    """What one kind of file told so far, so that its next, longer version costs only what is new.

    Every checkpoint of a run carries the whole history up to it; they tell the same story.
    """

    def __init__(self) -> None:
        self._steps = array("q")
        self._leads = array("d")
        self._next = 0
        self._offset = -1
        self._source = ""

    def fresh(self, record: Metrics) -> int:
        """How many leading rows of ``record`` were told before."""
        if record.source != self._source or record.offsets[0] <= self._offset:
            self._next, self._source = 0, record.source
        self._offset = record.offsets[-1]
        here, size, lead = self._next, len(record.steps), record.columns[0]
        self._next += size
        told = slice(here, here + size)
        if self._steps[told] == record.steps and self._leads[told] == lead:
            return size
        known = 0
        while known < min(size, len(self._steps) - here) and self._same(here, known, record):
            known += 1
        if known < size:
            self._steps[here + known :] = record.steps[known:]
            self._leads[here + known :] = lead[known:]
        return known

    def _same(self, here: int, i: int, record: Metrics) -> bool:
        if self._steps[here + i] != record.steps[i]:
            return False
        return same(self._leads[here + i], record.columns[0][i])


def _story(source: str) -> str:
    """Files of one run that tell the same history: those of its checkpoints and of its folder."""
    return re.sub(r"(kept/)?checkpoint-\d+/", "", source)
