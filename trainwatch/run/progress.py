"""Where the training stands.

The law of this file: of the counters that speak of training, one of steps beats one of epochs, and
that one beats a bar that starts anew with each epoch. What rows of numbers tell counts as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from trainwatch.read.records import Progress

_RANK = {"step": 3, "epoch": 2, "batch": 1, "other": 0}


class ProgressState(NamedTuple):
    """Where the training stands. Everything is None until something told it."""

    done: float | None = None
    total: float | None = None
    unit: Literal["step", "epoch", "batch", "other"] = "step"
    epoch: float | None = None
    epochs: float | None = None  # how many there will be
    elapsed: float | None = None  # seconds, as the counter itself tells
    remaining: float | None = None
    rate: float | None = None  # units per second, as the counter itself tells
    at: float | None = None

    @property
    def fraction(self) -> float | None:
        """Done of total, 0..1."""
        if self.done is None or not self.total:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)

    def counted(self, counter: Progress) -> ProgressState:
        """After a counter moved; the same state when it does not speak of the training."""
        if counter.split != "train" or _RANK[counter.unit] < self._rank():
            return self
        return self._replace(
            done=counter.done,
            total=counter.total,
            unit=counter.unit,
            elapsed=counter.elapsed,
            remaining=counter.remaining,
            rate=counter.rate,
            at=counter.at,
        ).with_epochs(None, None)

    def reported(self, step: int | None, epoch: float | None, at: float | None) -> ProgressState:
        """After a row of training told its step and epoch."""
        state = self
        if epoch is not None:
            state = state._replace(epoch=epoch)
        if step is not None and (self.unit != "step" or step > (self.done or 0)):
            total = self.total if self.unit == "step" else None
            state = state._replace(done=float(step), total=total, unit="step", at=at)
        return state.with_epochs(step, epoch)

    def with_epochs(self, step: int | None, epoch: float | None) -> ProgressState:
        """The number of epochs follows from a step and the epoch that was told for it.

        Epochs are told with two decimals: from an early step only a whole number can be concluded. A
        run that a number of steps ends has no whole number of epochs.
        """
        if self.unit == "epoch":
            return self._replace(epochs=self.total)
        if not (step and self.total and epoch) or step <= 0.02 * self.total:
            return self
        epochs, doubt = epoch * self.total / step, 0.005 * self.total / step
        if abs(epochs - round(epochs)) < min(0.02 * epochs, max(0.05, 2 * doubt), 0.3):
            epochs = float(round(epochs))
        elif doubt <= 0.01:
            epochs = round(epochs, 1)
        else:
            return self
        still = self.epochs is not None and abs(epochs - self.epochs) < 0.15
        return self if still else self._replace(epochs=epochs)

    def _rank(self) -> int:
        return -1 if self.done is None else _RANK[self.unit]
