"""Which bar is the training's own, and what the others are.

The law of this file: decided bar by bar in stream order, from label, total and what was logged
while a bar was the last one drawn; never from chunks or clocks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from trainwatch.read.records import Progress, Split

if TYPE_CHECKING:
    from trainwatch.read.dialect import Bar

Unit = Literal["step", "epoch", "batch", "other"]

_EVAL = re.compile(r"(?i)\b(?:val|valid|validat\w*|eval\w*|dev|predict\w*|infer\w*)(?![a-z])")
_TEST = re.compile(r"(?i)\btest(?:ing|s)?\b")
_TRAIN = re.compile(r"(?i)\b(?:train\w*|steps?|iter\w*|fit\w*|epochs?|loss)\b")
_ONE_EPOCH = re.compile(r"(?i)\bepoch\W{0,3}\d")
_EPOCHS = re.compile(r"(?i)\bepochs?\W*$")
_DESCRIBES = re.compile(r"(?i)(?:loss|acc\w*)\W{1,3}\d")  # numbers where a name would stand
_SANITY = re.compile(r"(?i)sanity")
_OTHER_UNIT = re.compile(
    r"(?i)^(?:[kmgt]?i?b|bytes?|examples?|files?|rows?|shards?|tokens?|docs?)$"
)


class Bars:
    """The bars of one stream."""

    def __init__(self) -> None:
        self._own: Bar | None = None  # the training's own as last drawn; known by its total
        self._logged = False  # rows of training were logged under it
        self._last: Bar | None = None  # of the unlabelled ones, the last drawn
        self._headed: bool | None = None  # a heading stood over the next bar; None: never yet
        self._settling: Bar | None = None  # the training's own that shows means, as last drawn
        self.bare_total: int | None = None
        """Total of the training's own bar while it is bare: without label and postfix."""

    def progress(self, bar: Bar, source: str, offset: int, at: float | None) -> Progress:
        """What the bar says, as a record."""
        split, unit = self._judge(bar)
        return Progress(
            source, offset, bar.done, bar.total, unit, bar.label, split,
            bar.elapsed, bar.remaining, bar.rate, at,
        )  # fmt: skip

    @property
    def strayed(self) -> bool:
        """Whether another bar than the training's own was the last one drawn."""
        return self._last is not self._own

    def logged(self) -> None:
        """A row of training was logged: the bar under way is the training's own."""
        self._logged = True
        bar = self._last
        if bar and bar.total and 0 < bar.done < bar.total:
            self._own, self.bare_total = bar, _bare_total(bar)

    def _judge(self, bar: Bar) -> tuple[Split, Unit]:
        if bar.settles:
            if _EVAL.search(bar.label):
                return _labelled(bar)[0], "batch"
            return "test" if not bar.label and self._is_beside(bar) else "train", "batch"
        if bar.label and not _DESCRIBES.search(bar.label):
            return _labelled(bar)
        self._last = bar
        if self._is_own(bar):
            self._own = bar
            self.bare_total = _bare_total(bar)
            return "train", "epoch" if bar.unit == "epoch" else "step"
        return "eval", "batch"

    def headed(self) -> None:
        """A heading told a count: the next bar is that of an epoch of training."""
        self._headed = True

    def _is_beside(self, bar: Bar) -> bool:
        """Whether it is drawn beside the epochs: another total, or begun again without a heading."""
        own, headed = self._settling, self._headed
        if headed:
            self._headed = False
        if own is not None and not headed:
            begun_again = headed is False and own.done == own.total and bar.done < own.done
            if begun_again or own.total != bar.total:
                return True
        self._settling = bar
        return False

    def _is_own(self, bar: Bar) -> bool:
        own = self._own
        if own is None or own.total is None or own.total == bar.total or _of_training(bar):
            return True
        finished = own.done >= own.total
        if _tells_loss(bar) and not (_tells_loss(own) and finished):
            return True
        return finished and not self._logged


def _of_training(bar: Bar) -> bool:
    return bool(re.search(r"(?i)\btrain\w*\W{1,3}(?:loss|acc)", f"{bar.label} {bar.postfix}"))


def _tells_loss(bar: Bar) -> bool:
    return "loss" in bar.postfix.lower() or "loss" in bar.label.lower()


def _bare_total(bar: Bar) -> int | None:
    whole = bar.total is not None and bar.total.is_integer()
    return int(bar.total or 0) if whole and bar.unit == "it" and not bar.postfix else None


def _labelled(bar: Bar) -> tuple[Split, Unit]:
    label = bar.label
    if _OTHER_UNIT.match(bar.unit) or _SANITY.search(label):
        return "other", "other"
    if _EVAL.search(label):
        return "eval", "batch"
    if _TEST.search(label):
        return "test", "batch"
    if not _TRAIN.search(label):
        return "other", "other"
    if bar.unit == "epoch" or _EPOCHS.search(label):
        return "train", "epoch"
    steps = bar.unit == "step" or re.search(r"(?i)\bsteps?\b", label)
    within = bar.unit == "batch" or _ONE_EPOCH.search(label)
    return "train", "step" if steps or not within else "batch"
