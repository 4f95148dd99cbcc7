"""A LoRA fine-tune with peft and the transformers Trainer: every point, under every way to watch it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.watched import TRAININGS, Watched, tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terminal import Terminal

pytestmark = pytest.mark.frameworks

LORA = str(TRAININGS / "lora.py")
PRINTED = {"trainer5": 4, "trainer4": None}  # significant digits on screen; None: all of them


def lora(python: str, watched: Watched, *arguments: str) -> list[str]:
    return [python, LORA, "--output_dir", str(watched.output), *arguments]


@pytest.mark.parametrize("flags", [(), ("--pty",)], ids=["file", "pty"])
@pytest.mark.parametrize("variant", ["plain", "sets", "nan"])
@pytest.mark.parametrize("venv", ["trainer5", "trainer4"])
def test_from_the_log_alone(
    python: Callable[[str], str], watched: Watched, venv: str, variant: str, flags: tuple[str, ...]
) -> None:
    command = lora(python(venv), watched, "--variant", variant, "--save_strategy", "no")
    watched.train(command, *flags)
    watched.assert_all_read(PRINTED[venv])


@pytest.mark.parametrize("variant", ["plain", "sets", "nan"])
@pytest.mark.parametrize("venv", ["trainer5", "trainer4"])
def test_trainer_state_gives_the_full_precision(
    python: Callable[[str], str], watched: Watched, venv: str, variant: str
) -> None:
    watched.train(lora(python(venv), watched, "--variant", variant))
    watched.assert_all_read(None)


def test_a_folder_that_was_trained_before_we_looked(
    python: Callable[[str], str], watched: Watched
) -> None:
    command = lora(python("trainer5"), watched)
    subprocess.run(command, check=True, capture_output=True, env=watched.environment)
    points = [
        json.loads(line)
        for line in watched.trainwatch("export", str(watched.output)).stdout.splitlines()
    ]
    assert tally(points, None) == tally(watched.recorded(), None)


def test_a_resume_cuts_the_overlap_and_keeps_both(
    python: Callable[[str], str], watched: Watched
) -> None:
    watched.train(lora(python("trainer5"), watched))
    first = watched.recorded()
    checkpoint = str(watched.output / "checkpoint-8")
    watched.train(lora(python("trainer5"), watched, "--resume_from_checkpoint", checkpoint))
    again = [point for point in watched.recorded() if point["step"] > 8]
    exported = [point for point in watched.exported() if point["source"] == "output.log"]
    assert {(p["key"], p["step"]) for p in again} <= {(p["key"], p["step"]) for p in exported}
    assert len(first) > len(again)


@pytest.mark.parametrize("venv", ["trainer5", "trainer4"])
def test_under_the_live_screen(
    python: Callable[[str], str], watched: Watched, terminal: Terminal, venv: str
) -> None:
    command = lora(python(venv), watched)
    terminal.start([sys.executable, "-m", "trainwatch", "run", "--", *command])
    terminal.shows("ended", "24/24", "checkpoint")
    terminal.tmux("send-keys", "q")
    assert terminal.is_over()
    watched.assert_all_read(None)
    last = [p["value"] for p in watched.recorded() if p["key"] == "eval_loss"][-1]
    assert last > 0
