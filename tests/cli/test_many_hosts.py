"""Several machines at once, each behind an sshd of its own: who hangs, who dies, who asks."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.sshd import Box, boxes, lose, needs_sshd
from trainwatch.cli import ways

pytestmark = needs_sshd

GIVES_UP = 15.0  # seconds after which ssh itself would let go of a machine that says nothing
NAMES = ("gpu1", "gpu2", "gpu3")


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Box]]:
    """Three, with a log in the home of each."""
    with boxes(tmp_path, NAMES) as made:
        for number, box in enumerate(made.values()):
            (box.home / "train.log").write_text(f"{{'loss': {number + 1}.25, 'epoch': 0.5}}\n")
        yield made


@pytest.fixture
def env(machines: dict[str, Box], tmp_path: Path, state: Path) -> dict[str, str]:
    return environment(state / "mine", PATH=f"{tmp_path}/client:{os.environ['PATH']}")


def targets(machines: dict[str, Box]) -> list[str]:
    return [f"{name}:{box.home}/train.log" for name, box in machines.items()]


def also(folder: Path, name: str, words: str) -> None:
    """One more machine that ssh knows."""
    config = folder / "ssh_config"
    config.write_text(f"Host {name}\n{words}{config.read_text()}")


def test_a_machine_that_hangs_holds_no_other(
    machines: dict[str, Box], env: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, says nothing
        also(tmp_path, "hung", f" HostName 127.0.0.1\n Port {silent.getsockname()[1]}\n")
        began = time.monotonic()
        terminal = Terminal([*TRAINWATCH, "attach", "hung:", *targets(machines)], env)
        try:
            for value in ("1.250", "2.250", "3.250"):
                terminal.until(value)
            assert time.monotonic() - began < GIVES_UP
            assert b"waiting for hung" in terminal.output  # while there was no screen yet
            terminal.until("hung", 30)
            terminal.type("q")
            assert terminal.wait() == 0
        finally:
            terminal.close()


def test_a_machine_that_dies_is_shown_with_its_age_and_comes_back(
    machines: dict[str, Box], env: dict[str, str]
) -> None:
    terminal = Terminal([*TRAINWATCH, "attach", *targets(machines)], env)
    try:
        for value in ("1.250", "2.250", "3.250"):
            terminal.until(value)
        lose(machines["gpu2"])
        terminal.until("◌ lost", 40)
        begun = len(terminal.output)
        terminal.until("unknown", 60, start=begun)
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_logins_that_ask_are_asked_one_after_the_other_before_the_screen(
    machines: dict[str, Box], env: dict[str, str]
) -> None:
    for name in ("gpu1", "gpu3"):
        machines[name].lock(f"open {name}")
    terminal = Terminal([*TRAINWATCH, "attach", *targets(machines)], env)
    try:
        for name in ("gpu1", "gpu3"):
            terminal.until(f"logging in to {name}")
            begun = terminal.output.index(f"logging in to {name}".encode())
            terminal.until("Enter passphrase", start=begun)
            assert b"\x1b[?1049h" not in terminal.output
            terminal.type(f"open {name}\n")
        for value in ("1.250", "2.250", "3.250"):
            terminal.until(value)
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_at_most_four_log_in_at_a_time(
    machines: dict[str, Box], env: dict[str, str], tmp_path: Path
) -> None:
    login = (machines["gpu1"].folder / "ssh_config").read_text().partition("\n")[2]
    for number in range(10):
        also(tmp_path, f"more{number}", login)
    ssh = tmp_path / "client" / "ssh"
    program = ssh.read_text().splitlines()[-1].removeprefix("exec ")
    begins, ends = (f'case "$*" in *-N*) echo {sign} >> {tmp_path}/logins;; esac' for sign in "+-")
    ssh.write_text(f"#!/bin/sh\n{begins}\n{program}\ncode=$?\n{ends}\nexit $code\n")
    words = [f"more{number}:" for number in range(10)]
    subprocess.run(
        [*TRAINWATCH, "status", *words], env=env, stdin=subprocess.DEVNULL,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    signs = (tmp_path / "logins").read_text().split()
    open_now = [signs[: k + 1].count("+") - signs[: k + 1].count("-") for k in range(len(signs))]
    assert signs.count("+") == 10
    assert 2 <= max(open_now) <= ways.AT_A_TIME


@pytest.fixture
def typed(machines: dict[str, Box], env: dict[str, str]) -> Iterator[Terminal]:
    """All three in the list, two of them after a passphrase."""
    for name in ("gpu1", "gpu3"):
        machines[name].lock(f"open {name}")
    second = machines["gpu3"].home / "second.log"
    second.write_text("{'loss': 4.25, 'epoch': 0.5}\n")
    terminal = Terminal([*TRAINWATCH, "attach", *targets(machines), f"gpu3:{second}"], env)
    try:
        for name in ("gpu1", "gpu3"):
            terminal.until(f"logging in to {name}")
            terminal.until("Enter passphrase", start=terminal.output.index(f"to {name}".encode()))
            terminal.type(f"open {name}\n")
        for value in ("1.250", "2.250", "3.250", "4.250"):
            terminal.until(value)
        yield terminal
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_the_chosen_machine_is_logged_in_to_again(
    machines: dict[str, Box], typed: Terminal
) -> None:
    """... for each of the two runs that are watched there; the question says for which machine."""
    start = len(typed.output)
    lose(machines["gpu3"])
    typed.until("2 lost", 60)
    for name, value in (("train", "3.125"), ("second", "4.125")):
        with (machines["gpu3"].home / f"{name}.log").open("a") as log:
            log.write(f"{{'loss': {value}, 'epoch': 1.0}}\n")
    typed.type("L")  # the cursor stands on a machine that is there
    typed.type("G")
    typed.until("log in again", start=start)
    asked = len(typed.output)
    typed.type("L")
    typed.until("to log in to gpu3", start=asked)
    typed.type("open gpu3\r")
    for shown in ("3.125", "4.125"):
        typed.until(shown, start=asked)


def test_two_machines_are_logged_in_to_one_after_the_other(
    machines: dict[str, Box], typed: Terminal
) -> None:
    start = len(typed.output)
    for name in ("gpu1", "gpu3"):
        lose(machines[name])
        with (machines[name].home / "train.log").open("a") as log:
            log.write(f"{{'loss': {name[-1]}.125, 'epoch': 1.0}}\n")
    typed.until("3 lost", 60, start=start)
    for key, name in (("g", "gpu1"), ("jj", "gpu3")):
        typed.type(key)
        typed.until("log in again", start=start)
        start = len(typed.output)
        typed.type("L")
        typed.until(f"to log in to {name}", start=start)
        typed.type(f"open {name}\r")
        typed.until(f"{name[-1]}.125", start=start)
