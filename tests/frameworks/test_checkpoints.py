"""Real checkpoints of the transformers Trainer: what is said of them is what the libraries find."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.watched import TRAININGS
from tests.read.disk import Disk, age
from trainwatch.run.rotation import next_to_go

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainwatch.read.records import CheckpointSeen

pytestmark = pytest.mark.frameworks

SCRIPT = str(TRAININGS / "hf_checkpoints.py")
BY_VENV = {
    "trainer5": ["full", "lora", "sharded", "only_model", "best", "sets"],
    "trainer4": ["full", "lora", "sharded", "only_model", "best", "bin"],
}
EVERY = [(venv, variant) for venv, variants in BY_VENV.items() for variant in variants]


def train(python: str, out: Path, variant: str) -> dict[str, CheckpointSeen]:
    subprocess.run([python, SCRIPT, "train", str(out), variant], check=True, capture_output=True)
    return Disk(out).look()


@pytest.mark.parametrize(("venv", "variant"), EVERY)
def test_every_shape_is_read_right(
    python: Callable[[str], str], tmp_path: Path, venv: str, variant: str
) -> None:
    seen = train(python(venv), tmp_path, variant)
    steps = [5, 15] if variant == "best" else [5, 10, 15, 20]
    saved = {name: one for name, one in seen.items() if name != "final"}
    assert list(saved) == [f"checkpoint-{step}" for step in steps]
    for step, one in zip(steps, saved.values(), strict=True):
        assert (one.layout, one.step, one.epoch) == ("hf-trainer", step, step / 8)
        assert (one.state, one.reason) == ("complete", None)
        assert one.resumable == ("weights" if variant == "only_model" else "full")
        names = ["eval_a_loss", "eval_b_loss"] if variant == "sets" else ["eval_loss"]
        assert [name for name, _ in one.metrics] == names
        history = json.loads((tmp_path / one.name / "trainer_state.json").read_text())[
            "log_history"
        ]
        told = {k: v for row in history if row["step"] == step for k, v in row.items()}
        assert all(told[name] == value for name, value in one.metrics)
    if variant == "best":
        assert {one.claims_best for one in seen.values()} == {"checkpoint-5"}
        assert (seen["final"].step, seen["final"].resumable) == (5, "weights")
        assert dict(seen["final"].facts)["early stopping"] == "patience 2/2"
        assert dict(seen["final"].facts)["save_total_limit"] == "2"
    if variant == "lora":
        assert dict(saved["checkpoint-5"].facts)["LoRA"] == "r 8, alpha 16"
    if variant == "sharded":
        files = [f.path for f in saved["checkpoint-5"].files if f.part == "weights"]
        assert files == [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]


@pytest.mark.parametrize(("venv", "variant"), [("trainer5", "sharded"), ("trainer4", "bin")])
def test_every_file_cut_at_twenty_points_or_lost(
    python: Callable[[str], str], tmp_path: Path, venv: str, variant: str
) -> None:
    train(python(venv), tmp_path / "out", variant)
    whole = tmp_path / "out/checkpoint-20"
    source = random.Random(1)
    for path in sorted(whole.iterdir()):
        cuts = [0, *(source.randrange(path.stat().st_size) for _ in range(19))]
        for number, cut in enumerate([None, *cuts]):
            copy = tmp_path / f"damaged/{path.name}-{number}/checkpoint-20"
            shutil.copytree(whole, copy)
            if cut is None:
                (copy / path.name).unlink()
            else:
                with (copy / path.name).open("r+b") as file:
                    file.truncate(cut)
            age(copy.parent, 1000)
            [seen] = Disk(copy.parent).look().values()
            optional = cut is None and path.name in (
                "config.json", "generation_config.json", "training_args.bin",
                "model.safetensors.index.json",
            )  # fmt: skip
            assert optional or seen.state in ("corrupt", "incomplete"), (path.name, cut)
            assert optional or seen.reason
            shutil.rmtree(copy.parent)


ROTATING = [(venv, f"rotate{how}") for venv in BY_VENV for how in ("2", "1best", "2best")]


@pytest.mark.parametrize(("venv", "variant"), ROTATING)
def test_what_the_next_save_deletes_is_forecast(
    python: Callable[[str], str], tmp_path: Path, venv: str, variant: str
) -> None:
    """What is marked after a save is what is gone after the next."""
    training = subprocess.Popen(
        [python(venv), SCRIPT, "train", str(tmp_path), variant],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert training.stdin
    assert training.stdout
    forecast: set[str] = set()
    before: set[str] = set()
    for line in training.stdout:
        if line.strip() != "saved":
            continue
        seen = Disk(tmp_path).look()
        if before:
            assert before - seen.keys() == forecast
        paths = next_to_go(list(seen.values()))
        before, forecast = set(seen), {path.rpartition("/")[2] for path in paths}
        training.stdin.write("\n")
        training.stdin.flush()
    assert training.wait() == 0
    assert before
    training.stdin.close()
    training.stdout.close()


@pytest.mark.parametrize("venv", BY_VENV)
def test_a_save_killed_in_the_middle_is_never_called_complete(
    python: Callable[[str], str], tmp_path: Path, venv: str
) -> None:
    """SIGKILL at a random moment of a training that does little but save."""
    source = random.Random(venv)
    seen: dict[str, CheckpointSeen] = {}
    for attempt in range(2):
        disk = killed(python(venv), tmp_path / str(attempt), source)
        seen |= {one.path: one for one in disk.seen.values()}
    done = subprocess.run(
        [python(venv), SCRIPT, "truth", str(tmp_path)], check=True, capture_output=True, text=True
    )
    truth = json.loads(done.stdout)
    assert truth.keys() == seen.keys()
    assert {path: one.state == "complete" for path, one in seen.items()} == truth
    assert {path: one.resumable == "full" for path, one in seen.items()} == truth
    assert True in truth.values()


def killed(python: str, out: Path, source: random.Random) -> Disk:
    """What is seen of a training that was killed somewhere in its second or third save."""
    training = subprocess.Popen(
        [python, SCRIPT, "train", str(out), "slow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert training.stdout
    for _ in range(source.randint(2, 3)):
        training.stdout.readline()
    disk = Disk(out)
    for _ in range(source.randint(1, 12)):
        disk.look()  # a moment passes, and looking while it is written does no harm
    training.kill()
    training.wait()
    training.stdout.close()
    disk.look()
    disk.note(disk.folders.ended(disk.now))
    return disk
