"""Which train loss stands beside an eval loss.

The law of this file: a gap is only told where both numbers speak of the same place of the run. An
eval loss is the value at one step; a logged train loss is a mean since the log before it, so it
speaks of the middle between the two. The mean of the train losses in a window of one evaluation
interval, centred on the evaluation, is closest to a value at that step; while the later half is
still to come the earlier half stands in, and is replaced when it has come.
"""

from __future__ import annotations

from bisect import bisect_right
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.limits import Limits

if TYPE_CHECKING:
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.series import Axis, Series

LEAST = 3
"""Fewer train losses than this in the window: the last three are taken."""


class Pair(NamedTuple):
    """The two losses at one evaluation."""

    index: int  # type: ignore[assignment]  # of the evaluation; hides tuple.index
    place: float  # on the axis that both are known on
    step: int | None
    epoch: float | None
    eval: float
    train: float | None  # None: no train loss speaks of this place
    centred: bool  # False: the later half of the window is still to come

    @property
    def gap(self) -> float | None:
        """Eval minus train; None where there is nothing to compare with."""
        return None if self.train is None else self.eval - self.train


def reinforced(store: MetricStore) -> bool:
    """Whether this is reinforcement learning, whose loss says nothing of progress."""
    names = {s.key.name for s in store.series()}
    return "reward" in names and bool(names & _REINFORCED)


_REINFORCED = {"kl", "reward_std", "frac_reward_zero_std", "approx_kl", "policy_loss"}


class Pairing:
    """The pairs of each evaluation set, kept up to date at the cost of what is new."""

    def __init__(self, store: MetricStore) -> None:
        self.limits = Limits()
        self._store = store
        self._known: dict[object, tuple[object, list[Pair]]] = {}

    def apart(self) -> str:
        """Why train and eval loss cannot be set against each other; "" when they can."""
        if reinforced(self._store):
            return "the loss of reinforcement learning is no measure of progress"
        train, evals = self._store.loss, self._store.eval_loss
        if train is None:
            return "no train loss is reported"
        pair = self._first(evals) if evals else None
        if pair is None or pair.train is None:
            return ""
        low, high = sorted((abs(pair.train), abs(pair.eval)))
        if low * self.limits.comparable >= high and pair.train * pair.eval >= 0:
            return ""
        told = f"train ({pair.train:.4g}) and eval loss ({pair.eval:.4g})"
        return f"{told} do not measure the same thing"

    def _first(self, evals: Series) -> Pair | None:
        finite = (i for i in range(len(evals)) if isfinite(evals.values[i]))
        first = next(finite, None)
        return None if first is None else self.pair(evals, first)

    def pairs(self, evals: Series) -> list[Pair]:
        """Every finite evaluation that no restart ran again, in order."""
        train = self._store.loss
        axis = axis_of(train, evals) if train and len(train) and len(evals) else None
        basis = (self._store.repaired, axis, len(evals.segments), train and len(train.segments))
        old_basis, old = self._known.get(evals.key.series, (None, []))
        kept = []
        if old_basis == basis:
            settled = next((i for i, p in enumerate(old) if not p.centred), len(old))
            kept = old[: max(settled - 1, 0)]
        found = kept + _pairs(train, evals, kept[-1].index + 1 if kept else 0)
        self._known[evals.key.series] = basis, found
        return found

    def pair(self, evals: Series, index: int) -> Pair:
        """The pair of one evaluation."""
        return _one(self._store.loss, evals, index)

    def during(self, evals: Series, first: int, last: int) -> tuple[float, int] | None:
        """(mean, number) of the train losses logged from one evaluation interval to another."""
        train = self._store.loss
        if train is None or not len(train):
            return None
        axis = axis_of(train, evals)
        a = _Window(train, evals, axis, first).logs()[0]
        b = _Window(train, evals, axis, last).logs()[1]
        mean = train.mean(a, b) if a < b else None
        return None if mean is None else (mean, b - a)


def axis_of(train: Series, evals: Series) -> Axis | None:
    """The first axis on which both are known."""
    ends = (train, 0), (train, -1), (evals, 0), (evals, -1)
    if all(s.step(i) is not None for s, i in ends):
        return "step"
    return "epoch" if all(s.epoch(i) is not None for s, i in ends) else None


def _pairs(train: Series | None, evals: Series, start: int) -> list[Pair]:
    indexes = (i for a, b in evals.pieces() for i in range(max(a, start), b))
    return [_one(train, evals, i) for i in indexes if isfinite(evals.values[i])]


def _one(train: Series | None, evals: Series, i: int) -> Pair:
    place, beside, centred = float(i + 1), None, True
    if train is not None and len(train):
        window = _Window(train, evals, axis_of(train, evals), i)
        place, (beside, centred) = window.place, window.mean()
    return Pair(i, place, evals.step(i), evals.epoch(i), evals.values[i], beside, centred)


class _Window:
    """The train losses around one evaluation."""

    def __init__(self, train: Series, evals: Series, axis: Axis | None, i: int) -> None:
        self._train = train
        self._axis = axis
        self._per = len(train) / len(evals)  # train logs per evaluation, where no axis is shared
        self.place = (evals.places.place(axis, i) if axis else i + 1.0) or 0.0
        self._half = self._interval(evals, i) / 2
        self._low, self._high = self._piece()

    def mean(self) -> tuple[float | None, bool]:
        """The train loss beside the evaluation, and whether the window is whole."""
        if self._high <= self._low:
            return None, True
        spacing = self._spacing()
        lag = spacing / 2
        if spacing > self._half:  # about one log per evaluation: the one before and the one after
            here = self._find(self.place, after=True)
            low, high = max(here - 1, self._low), min(here + 1, self._high)
            beside = here > self._low and self.place - self._at(here - 1) <= 1.5 * spacing
            return (self._train.mean(low, high) if beside else None), here < self._high
        centred = self._at(self._high - 1) >= self.place + self._half + lag
        low = self._find(self.place - self._half + lag)
        high = self._find(self.place + (self._half + lag if centred else 0), after=True)
        if high - low < LEAST:
            low = max(high - LEAST, self._low)
        return self._train.mean(low, high), centred

    def logs(self) -> tuple[int, int]:
        """The train logs of the evaluation interval that ends here."""
        here = self._find(self.place, after=True)
        before = self._find(self.place - 2 * self._half, after=True)
        return (before if before < here else max(here - 1, self._low)), here

    def _interval(self, evals: Series, i: int) -> float:
        found = []
        for a, b in ((i - 1, i), (i, i + 1)):
            if a >= 0 and b < len(evals) and b not in evals.segments:
                one = evals.places.place(self._axis, a) if self._axis else float(a)
                other = evals.places.place(self._axis, b) if self._axis else float(b)
                if one is not None and other is not None and other > one:
                    found.append(other - one)
        return min(found, default=self.place)

    def _piece(self) -> tuple[int, int]:
        """The stretch of the train loss that the place lies in."""
        pieces = self._train.pieces()
        if self._axis is None or len(pieces) == 1:
            return pieces[0][0], pieces[-1][1]
        starts = [self._train.places.place(self._axis, a) or 0.0 for a, _ in pieces]
        return pieces[max(bisect_right(starts, self.place) - 1, 0)]

    def _at(self, index: int) -> float:
        if self._axis is None:
            return (index + 1) / self._per
        return self._train.places.place(self._axis, index) or 0.0

    def _find(self, place: float, *, after: bool = False) -> int:
        if self._axis is None:
            index = int(place * self._per + (1e-9 if after else -1e-9))
            return min(max(index, self._low), self._high)
        return self._train.places.find(self._axis, place, self._low, self._high, after=after)

    def _spacing(self) -> float:
        """How far apart the train logs are here."""
        here = self._find(self.place, after=True)
        last = min(max(here - 1, self._low + 1), self._high - 1)
        if last <= self._low:
            return self._half
        return self._at(last) - self._at(last - 1)
