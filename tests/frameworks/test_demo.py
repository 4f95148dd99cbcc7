"""The demo at full length: it truly learns, it truly overfits, and trainwatch says so."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.frameworks.watched import Watched, tally
from trainwatch.demo import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.frameworks


def history(output: Path, step: int) -> list[dict[str, Any]]:
    """The points of a checkpoint's ``log_history``."""
    state = json.loads((output / f"checkpoint-{step}" / "trainer_state.json").read_text())
    return [
        {"split": "eval" if key.startswith("eval_") else "train", "key": key, "value": value}
        | {"step": row["step"]}
        for row in state["log_history"]
        for key, value in row.items()
        if key not in ("step", "epoch")
    ]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_it_learns_then_overfits_and_is_told_so(watched: Watched, seed: str) -> None:
    watched.train(
        [sys.executable, train.__file__, "--output_dir", str(watched.output), "--seed", seed]
    )
    points = history(watched.output, 1500)
    evals = [point["value"] for point in points if point["key"] == "eval_loss"]
    losses = [point["value"] for point in points if point["key"] == "loss"]
    best = evals.index(min(evals))
    assert evals[0] - min(evals) > 0.3
    assert 4 <= best <= len(evals) - 8
    assert evals[-1] > 1.1 * min(evals)
    assert losses[-1] < losses[5 * best] - 0.5

    assert tally(watched.exported(), None) == tally(points, None)
    verdict = json.loads(watched.trainwatch("diagnose", "--json", check=False).stdout)
    assert verdict["state"] == "overfitting"
    assert verdict["best"]["value"] == pytest.approx(min(evals))


READ = """
import sys
from safetensors import safe_open
with safe_open(sys.argv[1], "pt") as file:
    print(sum(file.get_tensor(name).numel() for name in file.keys()))
"""


def test_its_weights_open_with_the_real_package(
    python: Callable[[str], str], watched: Watched
) -> None:
    interpreter = python("trainer5")
    options = ["--output_dir", str(watched.output), "--max_steps", "2"]
    subprocess.run([sys.executable, train.__file__, *options], check=True, capture_output=True)
    file = watched.output / "checkpoint-2" / "model.safetensors"
    command = [interpreter, "-c", READ, str(file)]
    count = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    weights = train.read_safetensors(file)
    assert int(count) == sum(len(row) for matrix in weights.values() for row in matrix)
