"""The main chart: train and evaluation loss with everything that happened on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.plot import Mark, Plot
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.run.run import Run
    from trainwatch.run.series import Axis, Series

AXES: tuple[Axis, ...] = ("step", "epoch", "entry", "time")


def plot(run: Run, now: float | None = None) -> Plot:
    """The loss of a run."""
    metrics = run.metrics
    return Plot(
        "loss",
        metrics.loss,
        tuple(_primary_first(metrics.evals, metrics.eval_loss)),
        checkpoints(run),
        best(run, now),
        origin(run),
        _nothing_yet(run),
    )


def checkpoints(run: Run) -> tuple[Mark, ...]:
    """The moments at which checkpoints were written."""
    return tuple(Mark(c.step, c.epoch, c.created) for c in run.checkpoints.own)


def best(run: Run, now: float | None = None) -> Mark | None:
    """The best evaluation."""
    found, series = run.verdict(now).best, run.metrics.eval_loss
    if found is None or series is None:
        return None
    if found.step is not None:
        index = series.nearest("step", found.step)
    elif found.epoch is not None:
        index = series.nearest("epoch", found.epoch)
    else:
        index = found.evaluation - 1 if found.evaluation <= len(series) else None
    if index is None:
        return Mark(found.step, found.epoch, None, found.value)
    entry = series.places.place("entry", index)
    return Mark(found.step, found.epoch, series.at(index), found.value, entry)


def origin(run: Run) -> float | None:
    """When the run started, as far as that is known."""
    return run.target.started if run.target is not None else None


def _primary_first(evals: list[Series], primary: Series | None) -> list[Series]:
    return sorted(evals, key=lambda s: s is not primary)


def _nothing_yet(run: Run) -> tuple[str, ...]:
    if not run.lines:
        refused = run.troubles.under("file:")
        if refused:
            return ("no loss line yet", clean(refused.text.rpartition("/")[2]))
        if run.target and run.target.kind == "folder":
            return ("no loss line yet", "no log and no metric file is in this folder so far")
        return ("no loss line yet", "nothing has been printed so far")
    read = f"no loss line yet: {units.count(run.lines)} line{'' if run.lines == 1 else 's'} read"
    if run.unread:
        some = f"{units.count(run.unread)} with numbers not understood"
        return (read, f"{some}: name yours with --metric loss=REGEX")
    return (read, "the first usually comes after logging_steps steps")
