"""A connection that had to be typed is lost behind the screen: a real sshd, an encrypted key, a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.sshd import Box, lose, needs_sshd

pytestmark = needs_sshd

SECRET = "open sesame"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    made.lock(SECRET)
    made.start()
    yield made
    made.end()


@pytest.fixture
def log(box: Box) -> Path:
    path = box.home / "train.log"
    path.write_text("{'loss': 3.25, 'epoch': 1.0}\n")
    return path


@pytest.fixture
def terminal(box: Box, log: Path, state: Path) -> Iterator[Terminal]:
    """A screen whose login was typed."""
    env = environment(state / "mine", PATH=f"{box.ssh()}:{os.environ['PATH']}")
    shown = Terminal([*TRAINWATCH, "attach", f"box:{log}"], env)
    shown.until("Enter passphrase")
    shown.type(f"{SECRET}\n")
    shown.until("'loss': 3.25")
    yield shown
    shown.type("q")
    shown.wait()
    shown.close()


def written(log: Path, line: str) -> None:
    with log.open("a") as more:
        more.write(line + "\n")


def test_a_key_logs_in_again_and_what_ssh_asks_comes_as_dialogs(
    box: Box, log: Path, terminal: Terminal
) -> None:
    lost = len(terminal.output)
    (box.folder / "known").write_text("")
    lose(box)
    terminal.until("log in again", start=lost)
    written(log, "{'loss': 2.125, 'epoch': 2.0}")
    asked = len(terminal.output)
    terminal.type("L")
    terminal.until("fingerprint", start=asked)
    terminal.type("yes\r")
    terminal.until("Enter passphrase", start=asked)
    terminal.type(f"{SECRET}\r")
    terminal.until("2.125", start=asked)
    assert SECRET.encode() not in terminal.output
    for path in box.folder.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_who_does_not_answer_is_not_asked_again_until_the_next_key(
    box: Box, log: Path, terminal: Terminal
) -> None:
    lost = len(terminal.output)
    lose(box)
    terminal.until("log in again", start=lost)
    terminal.type("L")
    terminal.until("Enter passphrase", start=lost)
    refused = len(terminal.output)
    terminal.type("\x1b")
    terminal.until("broken off", start=refused)
    refused = len(terminal.output)
    terminal.type("L")
    terminal.until("Enter passphrase", start=refused)
    terminal.type(f"{SECRET}\r")
    written(log, "{'loss': 2.125, 'epoch': 2.0}")
    terminal.until("2.125", start=refused)
