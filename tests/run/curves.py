"""Made-up training histories whose true course is known.

Each history is a clean course (the truth) under multiplicative noise; the label follows from the
clean course alone:

=============  ======================================================================  ==========
family         the clean evaluation loss                                               overfitting
=============  ======================================================================  ==========
healthy        falls as a power law or exponentially to a floor                        no
plateau        falls, and is flat from 30..70 % of the run on                          no
flat           constant: nothing is learned                                            no
turning        falls, then rises by 2..4 % until the end                               no
gentle         falls, then rises by 8..15 % (and at least 5 times the noise)           yes
overfitting    falls, then rises by 12..300 % (and at least 2.5 times the noise)       yes
double         falls, rises by 15..60 %, then falls below its first minimum            no
lr-drops       flat or rising by up to 4 %, falls at each drop of the learning rate    no
stairs         train loss falls in steps at epoch ends; evaluation rises or falls      by its rise
diverging      falls, then train and evaluation explode together                       no
=============  ======================================================================  ==========

Seeds below 1,000 are for development, those from 1,000 on are held out: no threshold was chosen on
them. 5 to 1,000 evaluations, noise 0 to 10 %, 1 to 10 train logs per evaluation, values printed with four
significant digits or in full, loss scales from 0.01 to 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from random import Random

FAMILIES = (
    "healthy", "plateau", "flat", "turning", "gentle", "overfitting", "double", "lr-drops", "stairs", "diverging",
)  # fmt: skip
SIZES = (5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000)


@dataclass
class Course:
    """One history: what was printed, and the truth behind it."""

    family: str
    noise: float
    evals: list[float]
    train: list[float]
    per_eval: int
    clean: list[float]
    overfitting: bool

    @property
    def best(self) -> int:
        """The evaluation with the lowest clean loss."""
        return min(range(len(self.clean)), key=self.clean.__getitem__)


def course(random: Random, family: str, size: int, noise: float) -> Course:
    """One history of a family."""
    per_eval = random.choice((1, 2, 5, 10))
    scale = exp(random.uniform(log(0.01), log(100)))
    shape = _SHAPES[family](random, noise)
    clean = [scale * shape.eval((i + 1) / size) for i in range(size)]
    logs = size * per_eval
    train = [scale * shape.train((i + 0.5) / logs) for i in range(logs)]
    digits = random.choice((4, 17))
    return Course(
        family,
        noise,
        [_printed(v * (1 + random.gauss(0, noise)), digits) for v in clean],
        [_printed(v * (1 + random.gauss(0, noise)), digits) for v in train],
        per_eval,
        clean,
        shape.overfits,
    )


def _printed(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


class _Shape:
    """A clean course over the run, place 0..1; the first value is near 1."""

    overfits = False

    def __init__(self, random: Random, noise: float) -> None:
        self.random, self.noise = random, noise
        self.floor = random.uniform(0.1, 0.6)
        self.speed = random.uniform(2, 12)
        self.prepare()

    def prepare(self) -> None:
        """Draw what the family needs."""

    def fall(self, t: float) -> float:
        return self.floor + (1 - self.floor) * exp(-self.speed * t)

    def eval(self, t: float) -> float:
        return self.fall(t)

    def train(self, t: float) -> float:
        return 0.9 * self.fall(t)


class _Healthy(_Shape):
    def prepare(self) -> None:
        self.power = self.random.choice((0.0, self.random.uniform(0.1, 0.6)))

    def fall(self, t: float) -> float:
        return exp(-self.power * log(1 + 30 * t)) if self.power else super().fall(t)


class _Plateau(_Shape):
    def prepare(self) -> None:
        self.speed = 5 / self.random.uniform(0.3, 0.7)


class _Flat(_Shape):
    def fall(self, t: float) -> float:
        return 1.0


class _Turning(_Shape):
    low, high = 0.02, 0.04

    def prepare(self) -> None:
        self.turn = self.random.uniform(0.2, 0.7)
        self.speed = self.random.uniform(4, 8) / self.turn
        least = max(self.low, self.least())
        self.rise = exp(self.random.uniform(log(least), log(max(self.high, least))))
        self.bend = self.random.choice((0.5, 1.0, 2.0))

    def least(self) -> float:
        return 0.0

    def eval(self, t: float) -> float:
        low = self.fall(min(t, self.turn))
        past = max(t - self.turn, 0) / (1 - self.turn)
        return low * (1 + self.rise * float(past**self.bend))

    def train(self, t: float) -> float:
        return 0.9 * (
            self.fall(t) if t < self.turn else self.fall(self.turn) * (1 - 0.7 * (t - self.turn))
        )


class _Overfitting(_Turning):
    overfits = True
    low, high = 0.12, 3.0

    def least(self) -> float:
        return 2.5 * self.noise


class _Gentle(_Overfitting):
    low, high = 0.08, 0.15

    def least(self) -> float:
        return 5 * self.noise


class _Double(_Turning):
    low, high = 0.15, 0.6

    def eval(self, t: float) -> float:
        peak = self.turn + (1 - self.turn) * 0.4
        low = self.fall(min(t, self.turn))
        if t <= self.turn:
            return low
        if t <= peak:
            return low * (1 + self.rise * (t - self.turn) / (peak - self.turn))
        down = (t - peak) / (1 - peak)
        return low * (1 + self.rise - (self.rise + 0.3) * min(1.3 * down, 1.0))


class _Drops(_Shape):
    def prepare(self) -> None:
        self.drops = sorted(
            self.random.uniform(0.3, 0.9) for _ in range(self.random.choice((1, 2)))
        )
        self.creep = self.random.uniform(0, 0.04)
        self.speed = 20

    def eval(self, t: float) -> float:
        level = self.fall(t)
        since = 0.15
        for drop in self.drops:
            if t >= drop:
                level *= 0.75 + 0.25 * exp(-40 * (t - drop))
                since = drop
        return level * (1 + self.creep * max(t - since, 0))

    def train(self, t: float) -> float:
        return 0.9 * self.eval(t)


class _Stairs(_Turning):
    low, high = 0.12, 1.0

    def prepare(self) -> None:
        super().prepare()
        self.overfits = self.random.random() < 0.5
        if not self.overfits:
            self.turn = 1.0

    def least(self) -> float:
        return 2.5 * self.noise

    def eval(self, t: float) -> float:
        return self.fall(t) if self.turn == 1.0 else super().eval(t)

    def train(self, t: float) -> float:
        return 0.9 * 0.6 ** int(3 * t) * (1 - 0.05 * t)


class _Diverging(_Turning):
    low, high = 1.0, 5.0

    def train(self, t: float) -> float:
        return self.eval(t)


_SHAPES: dict[str, type[_Shape]] = {
    "healthy": _Healthy,
    "plateau": _Plateau,
    "flat": _Flat,
    "turning": _Turning,
    "gentle": _Gentle,
    "overfitting": _Overfitting,
    "double": _Double,
    "lr-drops": _Drops,
    "stairs": _Stairs,
    "diverging": _Diverging,
}
