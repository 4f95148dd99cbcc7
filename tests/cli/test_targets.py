"""``trainwatch checkpoints TARGET --json`` on everything that a person may point at."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.read.disk import age, lay
from tests.read.test_hf_trainer import checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command

TREE = {
    f"{run}/{path}": data
    for run in ("a", "deep/er/b")
    for step in (10, 20)
    for path, data in checkpoint(step).items()
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    lay(tmp_path, TREE)
    (tmp_path / "empty").mkdir()
    age(tmp_path, 1000)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (".", ["a/checkpoint-10", "a/checkpoint-20", "deep/er/b/checkpoint-10", "deep/er/b/checkpoint-20"]),
        ("a", ["a/checkpoint-10", "a/checkpoint-20"]),
        ("deep", ["deep/er/b/checkpoint-10", "deep/er/b/checkpoint-20"]),
        ("a/checkpoint-10", ["a/checkpoint-10"]),
        ("a/checkpoint-10/model.safetensors", ["a/checkpoint-10"]),
        ("a/checkpoint-10/trainer_state.json", ["a/checkpoint-10"]),
        ("./empty", []),
    ],
)  # fmt: skip
def test_folders_checkpoints_and_files_of_them(
    home: Path, trainwatch: Command, word: str, found: list[str]
) -> None:
    done = trainwatch("checkpoints", word, "--json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)
    assert [os.path.relpath(row["path"], home) for row in rows] == found
    assert {row["state"] for row in rows} <= {"complete"}
    assert {row["run"] for row in rows} == {os.path.dirname(row["path"]) for row in rows}


@pytest.mark.parametrize("word", ["./none", "a/checkpoint-30", "./pipe"])
def test_what_is_not_there_or_no_file_is_said_in_one_sentence(
    home: Path, trainwatch: Command, word: str
) -> None:
    os.mkfifo(home / "pipe")
    done = trainwatch("checkpoints", word, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("told", ["../a", "{home}/a", "../none"])
def test_a_log_leads_to_the_folder_that_it_says_is_saved_to(
    home: Path, trainwatch: Command, told: str
) -> None:
    place = told.format(home=home)
    log = f"{{'loss': 1.0, 'epoch': 0.5}}\nSaving model checkpoint to {place}/checkpoint-10\n"
    lay(home, {"logs/train.log": log.encode()})
    rows = json.loads(trainwatch("checkpoints", "logs/train.log", "--json").stdout)
    names = [] if told.endswith("none") else ["checkpoint-10", "checkpoint-20"]
    assert [row["name"] for row in rows] == names


def test_what_was_not_looked_into_is_said_beside_the_json(home: Path, trainwatch: Command) -> None:
    os.mkfifo(home / "a/checkpoint-1")
    done = trainwatch("checkpoints", "a", "--json")
    assert [row["name"] for row in json.loads(done.stdout)] == ["checkpoint-10", "checkpoint-20"]
    assert done.stderr == "trainwatch: checkpoint-1 was not looked into: no folder\n"
