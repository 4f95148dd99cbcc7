"""How fast the run goes, when it will be done, and whether it fell silent.

The law of this file: time is the time of the records; whoever asks says what time it is now. Steps
have a usual length; what takes longer (an evaluation, a save) is a pause, and pauses to come are
counted. A counter that starts again, or that jumps at a resume, begins a new measurement.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import NamedTuple

from trainwatch.run.noise import median
from trainwatch.run.progress import ProgressState

WINDOW = 256
"""So many newest samples of the counter, and signs of life, are kept."""
RECENT = 32
"""So many newest of them tell how fast it goes just now."""
ENOUGH = 5
"""Counts after which it is known how long a step takes."""
PAUSE = 4.0
"""Steps that take so many times the usual, and a second more, hold a pause."""
UNUSUAL = 600.0
"""Seconds of silence before the watch began from which on they count."""
JUMP = 50.0
"""A counter that makes so many usual steps at once was set, not counted: a resume."""


class Pause(NamedTuple):
    """A time in which the counter stood still longer than a step takes."""

    step: float  # where it stood
    seconds: float


class Pace:
    """Rate, time left, and the rhythm of the signs of life."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=WINDOW)  # (time, counter)
        self._pauses: deque[Pause] = deque(maxlen=WINDOW)
        self._begun: tuple[float, float] | None = None  # since when pauses are noticed
        self._step: float | None = None  # usual seconds per step, for as long as nothing is new
        self._signs: deque[float] = deque(maxlen=WINDOW)
        self._progress = ProgressState()
        self.grew = False
        """Something was printed while we watched."""

    # --- what happened --------------------------------------------------------------------

    def progress(self, progress: ProgressState) -> None:
        """The training's own counter moved."""
        self._progress = progress
        if progress.at is None or progress.done is None:
            return
        if self._samples:
            self._moved(progress.at, progress.done)
        if not self._samples or progress.done > self._samples[-1][1]:
            if self._samples and progress.at <= self._samples[-1][0]:
                self._samples.pop()  # counts that arrived together are one
            self._samples.append((progress.at, progress.done))
            self._begun = self._begun or self._samples[0]
            self._step = None

    def _moved(self, at: float, done: float) -> None:
        before, stood = self._samples[-1]
        usual = self.step_seconds
        if done < stood or (usual is not None and self._jumped(at - before, done - stood, usual)):
            self._samples.clear()
            self._pauses.clear()
            self._begun = self._step = None
        elif usual is not None and done > stood and len(self._samples) >= ENOUGH:
            spare = at - before - (done - stood) * usual
            if _holds_pause(at - before, (done - stood) * usual):
                self._pauses.append(Pause(stood, spare))

    def _jumped(self, seconds: float, steps: float, usual: float) -> bool:
        return steps >= JUMP and seconds < 0.1 * steps * usual

    def watched(self, at: float, silent: float = 0.0) -> None:
        """From now on silence counts: what came before was read, not watched.

        ``silent``: seconds for which nothing was written then. No rhythm is known yet, so it counts
        only when hardly any training keeps so long a silence.
        """
        if not self._signs:
            self._signs.append(at - silent if silent > UNUSUAL else at)

    def sign(self, at: float) -> None:
        """The training printed something."""
        self.grew = True
        if not self._signs or at > self._signs[-1]:
            self._signs.append(at)

    # --- speed ----------------------------------------------------------------------------

    @property
    def step_seconds(self) -> float | None:
        """Seconds of one step of training alone; None until two counts were seen."""
        if self._step is None:
            self._step = _usual(list(self._samples)[-RECENT - 1 :])
        return self._step

    @property
    def rate(self) -> float | None:
        """Steps per second, evaluation and saving included."""
        each = self._inclusive()
        return 1 / each if each else self._progress.rate

    def _inclusive(self) -> float | None:
        """Seconds per step with its share of the pauses."""
        usual = self.step_seconds
        if usual is None:
            return self._told()
        return usual + self._pause_share()

    def _pause_share(self) -> float:
        """Seconds of pause per step, over whole distances between pauses at like places."""
        if not self._pauses or self._begun is None or not self._samples:
            return self._told_share()
        begun = self._begun[1]
        first, last = self._pauses[0].step, self._pauses[-1].step
        if len(self._pauses) >= 3 and last > first:
            return sum(p.seconds for p in list(self._pauses)[1:]) / (last - first)
        return sum(p.seconds for p in self._pauses) / max(last - begun, first, 1.0)

    def _told(self) -> float | None:
        """Seconds per step as the counter itself tells: since its start, all included."""
        told = self._progress
        if told.elapsed and told.done:
            return told.elapsed / told.done
        return 1 / told.rate if told.rate else None

    def _told_share(self) -> float:
        """What the counter's own average has over the usual step, where no pause was seen yet."""
        told, usual = self._progress, self.step_seconds
        if not told.elapsed or not told.done or usual is None or self._begun is None:
            return 0.0
        if self._begun[1] > 0.9 * told.done:  # only the newest stretch was watched
            average = told.elapsed / told.done
            return max(average - usual, 0.0) if average < 3 * usual else 0.0
        return 0.0

    @property
    def slowdown(self) -> float | None:
        """How many times longer a step takes now than it took over all that was watched."""
        if len(self._samples) < 4 * RECENT:
            return None
        samples = list(self._samples)
        usual, now = _usual(samples[:-RECENT]), _usual(samples[-RECENT // 2 :])
        return now / usual if usual and now is not None else None

    # --- what is to come ------------------------------------------------------------------

    def remaining(self, now: float) -> float | None:
        """Seconds until the training is done, evaluation and saving included."""
        told = self._progress
        if told.done is None or not told.total:
            return told.remaining
        left = max(told.total - told.done, 0.0)
        each = self._inclusive()
        if each is None:
            return told.remaining
        usual = self.step_seconds or each
        return max(left * each - self._since(now), left * usual * 0.5, 0.0)

    def finish(self, now: float) -> float | None:
        """When the training will be done, seconds since the epoch."""
        left = self.remaining(now)
        return None if left is None else now + left

    def until(self, step: float, now: float) -> float | None:
        """Seconds until the counter reaches ``step``; None when it has, or the pace is not known."""
        done, each = self._progress.done, self.step_seconds or self._told()
        if done is None or each is None or step <= done:
            return None
        return max((step - done) * each - self._since(now), 0.0)

    def _since(self, now: float) -> float:
        return max(now - self._samples[-1][0], 0.0) if self._samples else 0.0

    # --- silence --------------------------------------------------------------------------

    @property
    def usual(self) -> float | None:
        """Median seconds between two signs of life."""
        gaps = self._gaps()
        return median(gaps) if len(gaps) >= 2 else None

    @property
    def longest(self) -> float | None:
        """The longest of the newest silences that ended: evaluations and saves that print nothing."""
        return max(self._gaps(), default=None)

    def _gaps(self) -> list[float]:
        return [b - a for a, b in pairwise(self._signs)]

    def silence(self, now: float) -> float | None:
        """Seconds since the last sign of life, None before the first."""
        return max(now - self._signs[-1], 0.0) if self._signs else None


def _usual(samples: list[tuple[float, float]]) -> float | None:
    """Seconds per step where no pause is in between."""
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(samples)]
    if not moves:
        return None
    each = median([seconds / steps for seconds, steps in moves])
    plain = [m for m in moves if not _holds_pause(m[0], m[1] * each)] or moves
    return sum(seconds for seconds, _ in plain) / sum(steps for _, steps in plain)


def _holds_pause(seconds: float, expected: float) -> bool:
    """Whether some steps took so much longer than expected that something else was done."""
    return seconds > PAUSE * expected + 1.0


def coming(steps: list[int]) -> int | None:
    """The step after the last of ``steps``, at the usual distance; None for fewer than one.

    The first of several need not be the first there was: what came before may be deleted.
    """
    if not steps:
        return None
    known = steps[-6:] if steps[1:] else [0, *steps]
    distances = [b - a for a, b in pairwise(known) if b > a]
    return steps[-1] + round(median(distances)) if distances else None
