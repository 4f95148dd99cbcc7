"""Whatever kills the screen, the terminal is as it was and the training goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Sit
from tests.cli.terminal import Terminal, environment
from tests.conftest import until
from trainwatch.probe import identity, runs

# What Textual switches on and must be off again.
OFF = ["\x1b[?1049l", "\x1b[?1000l", "\x1b[?1003l", "\x1b[?2004l", "\x1b[?25h", "\x1b[?7h"]
# A screen of our own: raw mode, alternate screen, mouse; ends as it is told.
TICKING = "while True: time.sleep(0.1)"  # the real screen has a clock too
SCREEN = """
import os, sys, time, tty
from trainwatch.cli import guardian

def show():
    tty.setraw(0)
    os.write(1, b"\\x1b[?1049h\\x1b[?1000h\\x1b[?2004h\\x1b[?25lpainted")
    {act}

outcome = guardian.guard(show)
print("outcome", outcome.code, outcome.killer)
sys.exit(outcome.code)
"""


def children(pid: int) -> list[int]:
    found = [identity.stat(other) for other in identity.pids()]
    return [s.pid for s in found if s is not None and s.parent == pid and s.state not in "ZX"]


def guarded(act: str, state: Path) -> Terminal:
    command = [sys.executable, "-c", SCREEN.format(act=act)]
    return Terminal(command, environment(state))


def assert_put_back(terminal: Terminal, since: int) -> None:
    written = terminal.output[since:].decode("utf-8", "replace")
    assert [sequence for sequence in OFF if sequence not in written] == []
    assert terminal.modes_now() == terminal.modes


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT, signal.SIGSEGV, signal.SIGHUP]
)
def test_a_killed_screen_is_cleaned_up_after(number: int, state: Path) -> None:
    terminal = guarded(TICKING, state)
    terminal.until("painted")
    since = len(terminal.output)
    os.kill(children(terminal.process.pid)[0], number)
    assert terminal.wait() == 128 + number
    assert_put_back(terminal, since)
    terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_to_the_guardian_ends_the_screen(number: int, state: Path) -> None:
    terminal = guarded(TICKING, state)
    terminal.until("painted")
    screen, since = children(terminal.process.pid)[0], len(terminal.output)
    os.kill(terminal.process.pid, number)
    assert terminal.wait() == 128 + number
    assert identity.stat(screen) is None
    assert_put_back(terminal, since)
    terminal.close()


def test_when_the_guardian_itself_is_killed_the_screen_cleans_up(state: Path) -> None:
    terminal = guarded(TICKING, state)
    terminal.until("painted")
    screen, since = children(terminal.process.pid)[0], len(terminal.output)
    os.kill(terminal.process.pid, signal.SIGKILL)
    terminal.wait()
    until(lambda: (found := identity.stat(screen)) is None or found.state in "ZX")
    while terminal.read(0.05):
        pass
    assert_put_back(terminal, since)
    terminal.close()


def test_a_terminal_that_goes_away_without_a_word_ends_the_screen(state: Path) -> None:
    """Only the session that a terminal controls is told by SIGHUP; here it controls none."""
    master, slave = os.openpty()
    command = [sys.executable, "-c", SCREEN.format(act=TICKING)]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment(state), close_fds=True,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    until(lambda: b"painted" in os.read(master, 4096))
    screen = children(process.pid)[0]
    os.close(master)
    assert process.wait(20) != 0
    assert identity.stat(screen) is None


def test_an_ordinary_end_is_left_alone(state: Path) -> None:
    terminal = guarded("return 7", state)
    assert terminal.wait() == 7
    assert b"outcome 7 None" in terminal.output
    assert b"\x1b[?1049l" not in terminal.output
    assert terminal.modes_now() == terminal.modes
    terminal.close()


def test_a_screen_that_raises_ends_with_a_sentence(state: Path) -> None:
    terminal = guarded("raise ValueError('oh no')", state)
    assert terminal.wait() == 70
    assert b"oh no" in terminal.output
    assert b"Traceback" not in terminal.output
    assert terminal.modes_now() == terminal.modes
    terminal.close()


def test_a_stopped_screen_stops_the_guardian_and_both_go_on(state: Path) -> None:
    terminal = guarded(TICKING, state)
    terminal.until("painted")
    guardian = terminal.process.pid
    screen = children(guardian)[0]
    os.kill(screen, signal.SIGSTOP)
    until(lambda: identity.stat(guardian).state == "T")  # type: ignore[union-attr]
    os.kill(guardian, signal.SIGCONT)
    until(lambda: identity.stat(screen).state == "S")  # type: ignore[union-attr]
    os.kill(screen, signal.SIGTERM)
    assert terminal.wait() == 128 + signal.SIGTERM
    terminal.close()


# --- the real screen ------------------------------------------------------------------------


def test_leaving_by_q_says_how_to_come_back_and_leaves_the_training(sit: Sit) -> None:
    terminal = sit("run", "--name", "sft", "sh", "-c", "echo hello; sleep 60")
    terminal.until("hello")
    terminal.type("q")
    assert terminal.wait() == 0
    assert b"trainwatch attach sft" in terminal.output
    assert terminal.modes_now() == terminal.modes
    assert runs.every()[0].state == "running"


def test_the_killed_screen_of_a_run_leaves_the_training(sit: Sit) -> None:
    terminal = sit("run", "--name", "sft", "sh", "-c", "echo hello; sleep 60")
    terminal.until("hello")
    since = len(terminal.output)
    os.kill(children(terminal.process.pid)[0], signal.SIGKILL)
    assert terminal.wait() == 137
    assert_put_back(terminal, since)
    assert b"come back with: trainwatch attach" in terminal.output[since:]
    assert runs.every()[0].state == "running"


def test_another_size_reaches_the_screen(sit: Sit) -> None:
    terminal = sit("run", "sh", "-c", "echo hello; sleep 60")
    terminal.until("hello")
    since = len(terminal.output)
    terminal.resize(60, 20)
    terminal.until("hello", start=since)
    terminal.type("q")
    assert terminal.wait() == 0


def test_a_terminal_that_can_nothing_gets_the_output_and_no_screen(sit: Sit) -> None:
    terminal = sit("run", "echo", "hello", TERM="dumb")
    assert terminal.wait() == 0
    assert b"hello\r\n" in terminal.output
    assert b"\x1b" not in terminal.output


def test_an_unknown_target_never_opens_a_screen(sit: Sit) -> None:
    terminal = sit("attach", "nothing")
    assert terminal.wait() == 3
    assert b"there is no run and no file called nothing" in terminal.output
    assert b"\x1b[?1049h" not in terminal.output
