"""A shell in which trainwatch watches a real framework, and what the framework recorded itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

TRAININGS = Path(__file__).parent / "trainings"
ROOT = Path(__file__).parents[2]


class Point(NamedTuple):
    """One number with its place."""

    split: str
    key: str
    step: int | None
    value: str


def shown(value: float, digits: int | None) -> str:
    """A value to ``digits`` significant digits, or exactly."""
    return repr(float(value)) if digits is None else f"{float(value):.{digits}g}"


class Watched:
    """A shell with a state folder of its own, in which trainwatch is used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "out"
        self.output.mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TRAINWATCH_STATE": str(folder / "state"),
            "TRAINWATCH_CONFIG": str(folder / "config.toml"),
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }

    def trainwatch(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        done = subprocess.run(
            [sys.executable, "-m", "trainwatch", *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=300,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done

    def train(self, command: list[str], *flags: str) -> None:
        """Watch ``command`` to its end without the screen."""
        self.trainwatch("run", "--no-ui", *flags, "--", *command)

    def exported(self) -> list[dict[str, Any]]:
        """Every point that trainwatch read, of the newest run."""
        return [json.loads(line) for line in self.trainwatch("export").stdout.splitlines()]

    def recorded(self) -> list[dict[str, Any]]:
        """Every point that the framework recorded."""
        text = (self.output / "recorded.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def assert_all_read(self, digits: int | None) -> None:
        """What was read is what was recorded: in number, split, key, step and value."""
        assert tally(self.exported(), digits) == tally(self.recorded(), digits)

    def assert_recorded_read(self, digits: int | None) -> None:
        """Of the recorded quantities, what was read is what was recorded.

        A quantity that was recorded by epoch is compared by epoch.
        """
        recorded = self.recorded()
        assert recorded
        by_epoch = {p["key"] for p in recorded if "epoch" in p}
        known = {p["key"] for p in recorded}
        read = [p for p in self.exported() if p["key"] in known]
        assert placed(read, by_epoch, digits) == placed(recorded, by_epoch, digits)


def placed(
    points: list[dict[str, Any]], by_epoch: set[str], digits: int | None
) -> Counter[tuple[str, str, int | None, float, str]]:
    """The points as a multiset, each at its step or its epoch."""
    return Counter(
        (p["split"], p["key"], p.get("rank"), p["epoch" if p["key"] in by_epoch else "step"],
         shown(p["value"], digits))
        for p in points
    )  # fmt: skip


def tally(points: list[dict[str, Any]], digits: int | None) -> Counter[Point]:
    """The points as a multiset, fit to be compared."""
    return Counter(
        Point(p["split"], p["key"], p["step"], shown(p["value"], digits)) for p in points
    )
