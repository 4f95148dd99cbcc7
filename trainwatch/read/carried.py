"""Numbers that a bar carries in its label and its postfix.

The law of this file: a bar repeats what it carries at every redraw, so only what changed is news; an
evaluation's numbers are news once it is over, even unchanged. Running means count when the bar is
full. What the bar of an epoch shows before it moves was reached at the end of the epoch before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.dialect import Pairs, Term
from trainwatch.read.formats import keyvalue
from trainwatch.read.lexicon import word
from trainwatch.read.meaning import plan
from trainwatch.read.sense import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.dialect import Bar
    from trainwatch.read.records import Progress


class Carried:
    """What the bars of one stream have shown."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], float] = {}
        self._evaluated = False
        self._epoch = float("nan")
        self._moved = float("-inf")  # the last epoch whose bar did

    def news(
        self, drawn: Bar, before: Pairs | None, progress: Progress, epoch: float
    ) -> Row | None:
        """The numbers that this state of a bar shows anew; ``before`` are those in its label."""
        if drawn.settles and epoch != self._epoch:
            self._epoch = epoch
            self._shown.clear()
        full = drawn.total is not None and drawn.done >= drawn.total
        within = progress.unit == "batch" and progress.split == "train"
        if within and drawn.done and before:
            self._moved = max([self._moved, *_epochs(before.terms, before.values)])
        if progress.split in ("eval", "test") and full:
            self._evaluated = True
        if (drawn.settles or progress.split != "train") and not full:
            return None
        if (progress.split == "other" and not before) or not (before or drawn.postfix):
            return None
        pairs = _both(before, keyvalue.read(drawn.postfix) if drawn.postfix else None)
        kept = [
            i
            for i, term in enumerate(pairs.terms)
            if self._is_news(term, pairs.values[i], progress)
        ]
        terms = tuple(pairs.terms[i] for i in kept)
        values = tuple(pairs.values[i] for i in kept)
        if within and not drawn.done and drawn.total:
            if self._moved == float("-inf"):
                return None
            drawn, values = drawn._replace(done=drawn.total), self._at_end(terms, values)
        how = plan(
            (*terms, *_counts(drawn, progress)),
            None if progress.split == "train" else progress.split,
        )
        if not (how.told and how.keys):
            return None
        self._evaluated = False
        return Row(how, (*values, drawn.done, drawn.total or 0.0), progress.offset)

    def _at_end(self, terms: Sequence[Term], values: Sequence[float]) -> tuple[float, ...]:
        """The values of a bar that has not moved: the epoch that they were reached in is over."""
        pairs = zip(terms, values, strict=True)
        return tuple(self._moved if word(t.key).role == "epoch" else v for t, v in pairs)

    def _is_news(self, term: Term, value: float, progress: Progress) -> bool:
        meaning = word(term.key)
        if meaning.role != "metric":
            return meaning.role in ("epoch", "epochs")
        key = (progress.split, term.key)
        before, self._shown[key] = self._shown.get(key), value
        fresh = self._evaluated and (meaning.split or term.split) in ("eval", "test")
        return fresh or (value != before and not (value != value and before != before))  # noqa: PLR0124 - NaN


def _epochs(terms: Sequence[Term], values: Sequence[float]) -> list[float]:
    """The epoch that is told, or nothing."""
    pairs = zip(terms, values, strict=True)
    return [value for term, value in pairs if word(term.key).role == "epoch"]


def _both(*found: Pairs | None) -> Pairs:
    """What stands in front of the bar and behind it."""
    kept = [pairs for pairs in found if pairs]
    return Pairs(
        0,
        0,
        tuple(term for pairs in kept for term in pairs.terms),
        tuple(value for pairs in kept for value in pairs.values),
        (),
    )


def _counts(drawn: Bar, progress: Progress) -> tuple[Term, Term]:
    """What the bar's own count is for the row: a step of the training, or one of the epoch."""
    if progress.unit == "step" and not drawn.settles:
        return Term("bar", None, "step"), Term("bar", None, "steps" if drawn.total else "skip")
    if progress.unit == "epoch":
        return Term("bar", None, "epoch"), Term("bar", None, "epochs" if drawn.total else "skip")
    if progress.split == "train":
        total = Term("bar", None, "batches" if drawn.total else "skip")
        return Term("bar", "train", "batch"), total
    return Term("bar", None, "skip"), Term("bar", None, "skip")
