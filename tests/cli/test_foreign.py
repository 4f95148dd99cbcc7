"""What somebody else started, watched with the real command: a process, a tmux pane."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Sit
from tests.conftest import until

TRAIN = (
    "import os, time\n"
    "for k in range(5):\n"
    "    print({'loss': 2 - k / 10, 'epoch': k / 10}, flush=True)\n"
    "while not os.path.exists('go'): time.sleep(0.01)\n"
    "print({'loss': 1.0, 'epoch': 1.0}, flush=True)\n"
)


@pytest.fixture
def train(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "train.py").write_text(TRAIN)
    with (tmp_path / "train.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "train.py"], cwd=tmp_path, stdout=log, stderr=log
        )
    until(lambda: (tmp_path / "train.log").read_bytes().count(b"\n") == 5)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_watched_to_its_end_which_nobody_recorded(
    train: subprocess.Popen[bytes], sit: Sit, tmp_path: Path
) -> None:
    terminal = sit("attach", "--no-ui", str(train.pid))
    terminal.until("1.6")
    (tmp_path / "go").touch()
    train.wait()
    terminal.until("the training ended (how is not known: nobody kept a record of it)")
    assert terminal.wait() == 0
    assert terminal.output.count(b"'loss'") == 6


def test_the_screen_of_a_process_notices_its_end(
    train: subprocess.Popen[bytes], sit: Sit, tmp_path: Path
) -> None:
    terminal = sit("attach", str(train.pid))
    terminal.until("training")
    terminal.until(f"pid {train.pid}")
    (tmp_path / "go").touch()
    train.wait()
    terminal.until("ended")
    terminal.type("q")
    assert terminal.wait() == 0


def test_every_verb_takes_a_process_and_says_where_it_reads(
    train: subprocess.Popen[bytes], trainwatch: Command, tmp_path: Path
) -> None:
    status = json.loads(trainwatch("status", str(train.pid), "--json").stdout)
    assert (status["state"], status["kind"], status["loss"]) == ("running", "process", 1.6)
    log = tmp_path / "train.log"
    assert status["note"] == f"standard output goes to {log}"
    assert f"standard output goes to {log}" in " ".join(
        trainwatch("status", str(train.pid)).stdout.split()
    )
    points = trainwatch("export", str(train.pid)).stdout.splitlines()
    assert len(points) == 5
    assert json.loads(points[0])["source"] == str(log)
    assert "source     standard output goes to" in trainwatch("doctor", str(train.pid)).stdout
    assert trainwatch("diagnose", str(train.pid)).returncode == 2


def test_a_tmux_pane_is_read_from_its_history_on(trainwatch: Command, tmp_path: Path) -> None:
    folder = tmp_path / f"tmux-{os.getuid()}"
    folder.mkdir(mode=0o700)
    (tmp_path / "train.py").write_text(TRAIN)
    tmux = ["tmux", "-S", str(folder / "default"), "-f", "/dev/null"]
    command = f"cd {tmp_path}; {sys.executable} train.py; sleep 60"
    subprocess.run([*tmux, "new-session", "-d", "-s", "sft", command], check=True)
    try:
        shown = [*tmux, "capture-pane", "-p"]
        until(lambda: b"1.6" in subprocess.run(shown, capture_output=True, check=True).stdout)
        where = {"TMUX_TMPDIR": str(tmp_path), "TMUX": ""}
        points = trainwatch("export", "tmux:sft:0.0", **where).stdout.splitlines()
        assert [json.loads(point)["value"] for point in points] == [2.0, 1.9, 1.8, 1.7, 1.6]
        status = json.loads(trainwatch("status", "tmux:sft", "--json", **where).stdout)
        assert (status["kind"], status["id"], status["state"]) == ("pane", "tmux:%0", "running")
        missing = trainwatch("attach", "tmux:%9", **where)
        assert (missing.returncode, missing.stdout) == (3, "")
        assert "there is no tmux pane %9; here are: tmux:%0 (sft:0.0)" in missing.stderr
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def test_a_log_that_is_rotated_under_way_is_followed(sit: Sit, tmp_path: Path) -> None:
    """As logrotate does it: renamed with a new file in its place, and copied and truncated."""
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n")
    terminal = sit("attach", "--no-ui", str(log))
    terminal.until("one")
    log.rename(tmp_path / "train.log.1")
    log.write_bytes(b"two\n")
    terminal.until("two")
    with log.open("r+b") as file:
        file.truncate(0)
        terminal.read(0.5)
        file.write(b"three\n")
    terminal.until("three")
    with log.open("ab") as file:
        file.write(b"four\n")
    terminal.until("four")
    assert [terminal.output.count(word) for word in (b"one", b"two", b"three")] == [1, 1, 1]
