"""A login with a password and a one-time code: a real sshd whose PAM asks both, and a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import pam
from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.conftest import until
from tests.sshd import Box, lose, needs_sshd

pytestmark = [needs_sshd, pam.needs_pam]

PASSWORD, CODE = "open sesame", "314159"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    pam.ask(made, Password=PASSWORD, Code=CODE)
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
    """A screen whose login was typed in the plain terminal."""
    env = environment(state / "mine", PATH=f"{box.ssh()}:{os.environ['PATH']}")
    shown = Terminal([*TRAINWATCH, "attach", f"box:{log}"], env)
    answer(shown, 0, PASSWORD, CODE, end="\n")
    assert b"\x1b[?1049h" not in shown.output.partition(b"Code:")[0]
    shown.until("'loss': 3.25")
    yield shown
    shown.type("q")
    shown.wait()
    shown.close()


def answer(terminal: Terminal, start: int, *words: str, end: str = "\r") -> None:
    """What is asked since ``start``: the password, the code, and again."""
    for number, word in enumerate(words):
        terminal.until(("Password:", "Code:")[number % 2], start=start)
        start = len(terminal.output)
        terminal.type(word + end)


def lost(box: Box, terminal: Terminal) -> int:
    """The connection breaks; where the output stood when the key was pressed that makes it anew."""
    start = len(terminal.output)
    lose(box)
    terminal.until("log in again", start=start)
    asked = len(terminal.output)
    terminal.type("L")
    return asked


def test_password_and_code_are_asked_in_dialogs(box: Box, log: Path, terminal: Terminal) -> None:
    asked = lost(box, terminal)
    answer(terminal, asked, PASSWORD, CODE)
    with log.open("a") as more:
        more.write("{'loss': 2.125, 'epoch': 2.0}\n")
    terminal.until("2.125", start=asked)
    for secret in (PASSWORD, CODE):
        assert secret.encode() not in terminal.output


def test_after_a_wrong_code_both_are_asked_again_and_it_is_said_why(
    box: Box, log: Path, terminal: Terminal
) -> None:
    asked = lost(box, terminal)
    answer(terminal, asked, PASSWORD, "000000")
    terminal.until("was not accepted", start=asked)
    answer(terminal, len(terminal.output) - 200, PASSWORD, CODE)
    with log.open("a") as more:
        more.write("{'loss': 2.125, 'epoch': 2.0}\n")
    terminal.until("2.125", start=asked)


def test_a_dialog_left_open_too_long_costs_another_key_and_nothing_else(
    box: Box, log: Path, terminal: Terminal
) -> None:
    box.tell("LoginGraceTime 6")
    asked = lost(box, terminal)
    terminal.until("Password:", start=asked)
    until(lambda: not box.sessions(), 30)  # the server waits no longer
    terminal.type(PASSWORD + "\r")
    terminal.until("did not succeed (Connection closed by", start=asked)
    asked = len(terminal.output)
    terminal.type("L")
    answer(terminal, asked, PASSWORD, CODE)
    with log.open("a") as more:
        more.write("{'loss': 2.125, 'epoch': 2.0}\n")
    terminal.until("2.125", start=asked)
