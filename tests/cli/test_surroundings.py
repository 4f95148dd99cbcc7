"""Odd places to be started in: no folder, no streams, records that somebody damaged."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.terminal import TRAINWATCH, environment, own

if TYPE_CHECKING:
    from tests.cli.conftest import Command


def sh(script: str, state: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A line of shell in which ``trainwatch`` is the command."""
    script = script.replace("trainwatch", shlex.join(TRAINWATCH))
    return subprocess.run(
        ["sh", "-c", script], cwd=cwd, env=environment(state), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("trainwatch --version >&-", 0),
        ("trainwatch list >&-", 0),
        ("trainwatch run --no-ui sh -c 'exit 7' >&-", 7),
        ("trainwatch run --detach true <&- >&- 2>&-", 0),
        ("trainwatch nope 2>&-", 2),
        ("trainwatch export - <&-", 2),
    ],
)
def test_closed_streams_change_nothing_but_what_is_printed(
    line: str, code: int, state: Path, tmp_path: Path
) -> None:
    done = sh(line, state, tmp_path)
    assert done.returncode == code
    assert "went wrong" not in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_folder_that_was_removed_everything_but_starting_works(
    state: Path, tmp_path: Path, trainwatch: Command
) -> None:
    assert trainwatch("run", "--no-ui", "--name", "sft", "echo", "loss: 0.5").returncode == 0
    gone = "mkdir gone && cd gone && rmdir ../gone && "
    told = sh(f"{gone} trainwatch export sft", state, tmp_path)
    assert json.loads(told.stdout)["value"] == 0.5
    piped = sh(f"{gone} echo loss: 0.25 | trainwatch export -", state, tmp_path)
    assert json.loads(piped.stdout)["value"] == 0.25
    refused = sh(f"{gone} trainwatch run --no-ui true", state, tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "does not exist any more" in refused.stderr
    assert sh(f"{gone} trainwatch run --no-ui --cwd / true", state, tmp_path).returncode == 0


def test_one_damaged_record_keeps_no_other_run_from_the_list(
    state: Path, tmp_path: Path, trainwatch: Command
) -> None:
    ids = [trainwatch("run", "--detach", "echo", "loss: 1").stdout.strip() for _ in range(2)]
    runs = state / "runs"
    (runs / ids[0] / "meta.json").write_text("{")
    (runs / "note.txt").write_text("no run")
    listed = own(json.loads(sh("trainwatch list --json", state, runs).stdout))
    assert {run["id"] for run in listed} == set(ids)
    assert "cannot be read" in next(run["note"] for run in listed if run["id"] == ids[0])


def test_in_the_folder_of_the_runs_an_id_means_the_run(
    state: Path, tmp_path: Path, trainwatch: Command
) -> None:
    trainwatch("run", "--no-ui", "--name", "sft", "echo", "loss: 1")
    (run,) = os.listdir(state / "runs")
    assert sh(f"trainwatch export {run}", state, state / "runs").returncode == 0


def test_a_home_of_nobody_and_the_root_folder_are_paths_like_others(trainwatch: Command) -> None:
    done = trainwatch("export", "~nobody-of-that-name/x")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "found in /\n" in trainwatch("export", "/").stderr


def test_the_folder_of_a_run_is_kept_as_a_whole_path(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    done = trainwatch("run", "--no-ui", "--cwd", "sub", "pwd")
    assert done.stdout == f"{tmp_path}/sub\n"
    assert f"watching {tmp_path}/sub" in trainwatch("checkpoints").stdout


def test_of_an_end_that_nobody_saw_the_last_sign_of_life_is_told(
    state: Path, trainwatch: Command
) -> None:
    trainwatch("run", "--no-ui", "echo", "loss: 1")
    (run,) = (state / "runs").iterdir()
    (run / "exit.json").write_text(" " * 512)
    started = json.loads((run / "meta.json").read_text())["started"]
    os.utime(run / "output.log", (started + 60, started + 60))
    told = json.loads(trainwatch("status", "--json").stdout)
    assert told["state"] == "unknown"
    assert told["ended"] == pytest.approx(started + 60)


@pytest.mark.parametrize("delay", [0.06, 0.09, 0.12, 0.18, 0.25, 0.4])
def test_whenever_ctrl_c_comes_a_training_that_runs_is_told_of(
    delay: float, state: Path, tmp_path: Path
) -> None:
    command = [*TRAINWATCH, "run", "--no-ui", "sleep", "30"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(state), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as watcher:  # fmt: skip
        time.sleep(delay)
        os.killpg(watcher.pid, signal.SIGINT)
        _, said = watcher.communicate(timeout=30)
    started = [run.name for run in (state / "runs").glob("[a-z]*")]
    try:
        assert [
            run for run in started if f"come back with: trainwatch attach {run}" not in said
        ] == [], said
        # -2, which a shell calls 130 too: Python dies of it where it came in an exec of a string
        assert watcher.returncode in (130, -2) or not started
    finally:
        for run in started:
            os.killpg(json.loads((state / "runs" / run / "meta.json").read_text())["pid"], 9)


def test_a_process_whose_record_was_removed_is_a_process_like_others(
    state: Path, trainwatch: Command
) -> None:
    run = trainwatch("run", "--detach", "sleep", "60").stdout.strip()
    shape = json.loads(trainwatch("status", run, "--json").stdout)
    assert shape["state"] == "running"
    try:
        shutil.rmtree(state / "runs" / run)
        assert trainwatch("status", run).returncode == 3
        orphan = json.loads(trainwatch("status", str(shape["pid"]), "--json").stdout)
        assert (orphan["kind"], orphan["state"]) == ("process", "running")
        assert orphan["ended"] is None
    finally:
        os.killpg(shape["pid"], 9)


def test_a_cut_recording_says_so_whatever_is_asked_of_it(
    tmp_path: Path, trainwatch: Command
) -> None:
    trainwatch("run", "--no-ui", "--record", "whole.tw", "echo", "loss: 0.5")
    whole = (tmp_path / "whole.tw").read_bytes()
    (tmp_path / "cut.tw").write_bytes(whole[: len(whole) * 2 // 3])
    assert "cut.tw is cut or damaged here" in trainwatch("export", "cut.tw").stderr
    assert trainwatch("replay", "~nobody-of-that-name/x").returncode == 3
