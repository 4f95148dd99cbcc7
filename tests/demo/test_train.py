"""The demo is a real training: right gradients, whole checkpoints, exact resume."""

from __future__ import annotations

import ast
import json
import random
import re
import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from trainwatch.demo import train

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = train.__file__
SHORT = ("--max_steps=24", "--eval_steps=10", "--save_steps=12", "--logging_steps=4")


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The demo as a user starts it, in a process of its own."""
    command = [sys.executable, "-I", "-S", SCRIPT, "--output_dir", folder, *arguments]
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True, timeout=120
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("straight")
    done = run(folder, *SHORT)
    return folder, done.stdout, done.stderr


def records(stdout: str) -> list[dict[str, str]]:
    return [ast.literal_eval(line) for line in stdout.splitlines() if line.startswith("{")]


def test_the_gradients_are_the_derivative_of_the_loss() -> None:
    rng = random.Random(3)
    weights = train.initial_weights(rng)
    batch = train.examples(["otter", "asp"])
    _, slopes = train.gradients(weights, batch)
    for name, matrix in weights.items():
        row = rng.randrange(len(matrix))
        column = rng.randrange(len(matrix[row]))
        value = matrix[row][column]
        around = []
        for nudge in (1e-5, -1e-5):
            matrix[row][column] = value + nudge
            around.append(train.evaluate(weights, batch)[0])
        matrix[row][column] = value
        expected = (around[0] - around[1]) / 2e-5
        assert slopes[name][row][column] == pytest.approx(expected, rel=1e-4, abs=1e-8), name


def test_no_animal_is_listed_twice_or_it_could_be_trained_on_and_held_out() -> None:
    assert len(set(train.ANIMALS)) == len(train.ANIMALS)


def test_lines_have_the_shape_of_transformers_5(finished: tuple[Path, str, str]) -> None:
    found = records(finished[1])
    assert [list(record) for record in found[:2]] == [
        ["loss", "grad_norm", "learning_rate", "epoch"],
        ["loss", "grad_norm", "learning_rate", "epoch"],
    ]
    assert list(found[2]) == ["eval_loss", "eval_accuracy", "eval_runtime", "epoch"]
    assert list(found[-1]) == ["train_runtime", "train_steps_per_second", "train_loss", "epoch"]
    assert all(isinstance(value, str) for record in found for value in record.values())


def test_every_line_is_followed_by_the_counter_of_its_step(finished: tuple[Path, str, str]) -> None:
    counters = re.findall(r"\| (\d+)/24 \[", finished[2])
    assert counters[-1] == "24"
    assert [int(c) for c in counters] == sorted(int(c) for c in counters)


def test_loss_falls_from_knowing_nothing(finished: tuple[Path, str, str]) -> None:
    losses = [float(record["loss"]) for record in records(finished[1]) if "loss" in record]
    assert losses[0] == pytest.approx(3.3, abs=0.05)  # ln 27: every letter equally likely
    assert losses[-1] < losses[0]


def test_trainer_state_tells_what_was_printed(finished: tuple[Path, str, str]) -> None:
    folder, stdout, _ = finished
    state = json.loads((folder / "checkpoint-24" / "trainer_state.json").read_text())
    history = [
        {k: f"{v:.4g}" for k, v in row.items() if k != "step"} for row in state["log_history"]
    ]
    assert history == records(stdout)[:-1]
    assert [row["step"] for row in state["log_history"]] == [4, 8, 10, 12, 16, 20, 20, 24, 24]
    assert (state["global_step"], state["max_steps"]) == (24, 24)


def test_weights_are_a_valid_safetensors_file(finished: tuple[Path, str, str]) -> None:
    data = (finished[0] / "checkpoint-12" / "model.safetensors").read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    del header["__metadata__"]
    end = 0
    for entry in header.values():
        first, last = entry["data_offsets"]
        count = 1
        for side in entry["shape"]:
            count *= side
        assert (first, last - first) == (end, count * 8)
        end = last
    assert length % 8 == 0
    assert len(data) == 8 + length + end


def test_resume_goes_on_exactly(finished: tuple[Path, str, str], tmp_path: Path) -> None:
    straight, stdout, _ = finished
    resumed = run(tmp_path, *SHORT, "--resume_from_checkpoint", straight / "checkpoint-12").stdout
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert (tmp_path / "checkpoint-24" / name).read_bytes() == (
            straight / "checkpoint-24" / name
        ).read_bytes()
    later = [r["loss"] for r in records(stdout) if "loss" in r][3:]
    assert [r["loss"] for r in records(resumed) if "loss" in r] == later


def test_interrupting_saves_first(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "--output_dir", str(tmp_path), "--logging_steps", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    (folder,) = tmp_path.iterdir()
    assert f"saved {folder.name}" in said
    assert (folder / "trainer_state.json").exists()
