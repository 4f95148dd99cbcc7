"""How fast the run goes, when it will be done, and whether it fell silent.

The law of this file: time is the time of the records; whoever asks says what time it is now.
"""

from __future__ import annotations

import itertools
from collections import deque
from statistics import median

from trainwatch.run.progress import ProgressState

WINDOW = 256
"""So many samples of the counter are kept."""
SILENCE_FACTOR = 3.0
"""Silent after so many times the usual interval between two signs of life."""
SILENCE_LEAST = 60.0
"""Never silent before so many seconds."""


class Pace:
    """Rate, time left, and the rhythm of the signs of life."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._signs: deque[float] = deque(maxlen=WINDOW)
        self._progress = ProgressState()

    def progress(self, progress: ProgressState) -> None:
        """The training's own counter moved."""
        self._progress = progress
        if progress.at is None or progress.done is None:
            return
        if self._samples and progress.done < self._samples[-1][1]:
            self._samples.clear()
        if not self._samples or progress.done > self._samples[-1][1]:
            self._samples.append((progress.at, progress.done))

    def sign(self, at: float) -> None:
        """The training printed something."""
        if not self._signs or at > self._signs[-1]:
            self._signs.append(at)

    @property
    def rate(self) -> float | None:
        """Steps per second over the recent past, evaluation and saving included."""
        if len(self._samples) >= 2:
            (t0, d0), (t1, d1) = self._samples[0], self._samples[-1]
            if t1 > t0:
                return (d1 - d0) / (t1 - t0)
        return self._progress.rate

    @property
    def usual(self) -> float | None:
        """Median seconds between two signs of life."""
        if len(self._signs) < 3:
            return None
        signs = list(self._signs)
        return median(b - a for a, b in itertools.pairwise(signs))

    def remaining(self, now: float) -> float | None:
        """Seconds until the training is done."""
        p = self._progress
        if p.done is None or p.total is None:
            return p.remaining
        rate = self.rate
        if not rate:
            return p.remaining
        left = (p.total - p.done) / rate
        return max(left - (max(now - p.at, 0.0) if p.at is not None else 0.0), 0.0)

    def finish(self, now: float) -> float | None:
        """When the training will be done, seconds since the epoch."""
        left = self.remaining(now)
        return None if left is None else now + left

    def silence(self, now: float) -> float | None:
        """Seconds since the last sign of life, None before the first."""
        return max(now - self._signs[-1], 0.0) if self._signs else None

    def patience(self) -> float:
        """Seconds of silence from which on the run counts as stalled."""
        return max(SILENCE_FACTOR * (self.usual or 0.0), SILENCE_LEAST)

    def stalled(self, now: float) -> bool:
        """Whether the silence is longer than this run's rhythm explains."""
        silence = self.silence(now)
        return silence is not None and silence > self.patience()
