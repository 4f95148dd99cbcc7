"""A make-believe Trainer: its history at full precision, and what it prints of it.

Shapes as printed by transformers 4.57 (floats, two decimals of the epoch) and 5.23 (strings with
four significant digits); the bar is redrawn after each record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from trainwatch import facts
from trainwatch.run.session import Session

Style = Literal["v4", "v5"]
LOG = "output.log"


@dataclass
class Trainer:
    """Trains ``total`` steps and keeps what a real one keeps."""

    seed: int = 0
    total: int = 200
    per_epoch: int = 37
    logging: int = 10
    evaluating: int = 40
    sets: tuple[str, ...] = ("",)
    style: Style = "v5"
    bars: bool = True
    history: list[dict[str, float]] = field(default_factory=list)
    text: str = ""
    step: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def train(self, until: int | None = None) -> None:
        """Go on to step ``until``."""
        for step in range(self.step + 1, (until or self.total) + 1):
            self.step = step
            self._bar(self.step, self.total)
            if self.step % self.logging == 0:
                loss = 2.5 / (1 + self.step / 50) + self.random.gauss(0, 0.02)
                if self.style == "v4":
                    loss = round(loss, 4)
                rate = 1e-4 * (1 - self.step / self.total)
                self._log(loss=loss, grad_norm=self.random.uniform(0.5, 3), learning_rate=rate)
            if self.step % self.evaluating == 0:
                for done in range(1, 5):
                    self._bar(done, 4)
                for name in self.sets:
                    prefix = f"eval_{name}_" if name else "eval_"
                    value = 2.6 / (1 + self.step / 60) + self.random.gauss(0, 0.02)
                    self._log(
                        **{prefix + "loss": value, prefix + "runtime": self.random.uniform(1, 2)}
                    )

    def resume(self, step: int, seed: int) -> None:
        """Start again from the checkpoint of ``step``."""
        self.history = [row for row in self.history if row["step"] <= step]
        self.step, self.random = step, Random(seed)

    def state(self, step: int | None = None) -> bytes:
        """The trainer_state.json of the checkpoint of ``step``."""
        kept = [row for row in self.history if step is None or row["step"] <= step]
        state = {"global_step": step or self.step, "max_steps": self.total, "log_history": kept}
        return json.dumps(state).encode()

    def _log(self, **values: float) -> None:
        epoch = self.step / self.per_epoch
        self.history.append({**values, "epoch": epoch, "step": self.step})
        if self.style == "v5":
            row: dict[str, object] = {k: f"{v:.4g}" for k, v in {**values, "epoch": epoch}.items()}
        else:
            row = {**values, "epoch": round(epoch, 2)}
        self.text += f"\r{' ' * 70}\r{row}\n"
        self._bar(self.step, self.total)

    def _bar(self, done: int, total: int) -> None:
        if self.bars:
            self.text += f"\r {100 * done // total}%|##   | {done}/{total} [00:{done % 60:02}<01:00,  2.00it/s]"


def chunks(text: str, random: Random, size: int = 1 << 20) -> list[bytes]:
    """The text as bytes in pieces of random size up to ``size``."""
    data, found = text.encode(), []
    while data:
        cut = random.randint(1, size)
        found.append(data[:cut])
        data = data[cut:]
    return found


class Feed:
    """Gives a session what a probe would send."""

    def __init__(self) -> None:
        self.session = Session()
        self.offset = 0
        self.at = 1000.0

    def log(self, text: str, random: Random | None = None, size: int = 1 << 20) -> None:
        """More of the log, in pieces."""
        for data in chunks(text, random or Random(0), size):
            self.session.feed(facts.Chunk(LOG, self.offset, data, self.at))
            self.offset += len(data)
            self.at += 0.5

    def file(self, path: str, data: bytes) -> None:
        """A whole file."""
        self.at += 0.5
        self.session.feed(facts.FileBytes(path, 0, data, len(data), self.at, self.at))

    def caught_up(self) -> None:
        """Everything that existed was sent."""
        self.session.feed(facts.CaughtUp(self.at))

    def ended(self) -> None:
        """The training ended well."""
        self.session.feed(facts.Ended(0, None, "", self.at))

    def points(self) -> list[tuple[str, float, int | None]]:
        """(printed key, value, step) of every point, in the order read."""
        return [(p.key, p.value, p.step) for p in self.session.run.metrics.points()]


def expected(history: list[dict[str, float]]) -> list[tuple[str, float, int | None]]:
    """The same of a history."""
    return [
        (key, value, int(row["step"]))
        for row in history
        for key, value in row.items()
        if key not in ("epoch", "step")
    ]
