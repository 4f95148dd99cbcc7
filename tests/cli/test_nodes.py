"""One training on two machines, reached as two hosts over a real sshd: one row, every process under its host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.conftest import until
from tests.sshd import Box, boxes, lose, needs_sshd

pytestmark = needs_sshd

Ask: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
WORKER = "import time; print({'loss': 2.0, 'epoch': 0.5}, flush=True); time.sleep(600)"
MEET = ("MASTER_ADDR=head", "MASTER_PORT=29500", "WORLD_SIZE=2", "LOCAL_WORLD_SIZE=1")


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[dict[str, Box]]:
    with boxes(tmp_path, ["gpu1", "gpu2", "gpu3"]) as made:
        yield made


@pytest.fixture
def env(machines: dict[str, Box], tmp_path: Path, state: Path) -> dict[str, str]:
    return environment(state / "mine", PATH=f"{tmp_path}/client:{os.environ['PATH']}")


@pytest.fixture
def ask(env: dict[str, str]) -> Iterator[Ask]:
    def asked(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TRAINWATCH, *words], stdin=subprocess.DEVNULL, capture_output=True,
            check=False, env=env, text=True, timeout=120,
        )  # fmt: skip

    yield asked
    for host in ("gpu1:", "gpu2:", "gpu3:"):
        asked("stop", host, "--now")


def start(ask: Ask, host: str, rank: int, *more: str) -> None:
    print_or_wait = WORKER if rank == 0 else "import time; time.sleep(600)"
    words = ("env", *MEET, *more, f"RANK={rank}", sys.executable, "-c", print_or_wait)
    assert ask("run", "--on", host, "--detach", "--name", "sft", *words).returncode == 0


def told(ask: Ask, *words: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(ask("status", *words, "--json").stdout)
    return listed


def test_two_machines_of_one_training_are_one_row_and_another_training_is_not_in_it(
    ask: Ask, env: dict[str, str]
) -> None:
    start(ask, "gpu2", 1)
    start(ask, "gpu1", 0)
    start(ask, "gpu3", 1, "MASTER_PORT=29501")
    until(lambda: told(ask, "gpu[1-3]:")[1]["part_of"], 60)
    first, second, third = told(ask, "gpu[1-3]:")
    assert (first["loss"], second["part_of"], third["part_of"]) == (2.0, "gpu1:", None)
    assert [node["name"] for node in first["nodes"]] == ["gpu1", "gpu2"]
    assert second["pid"] in first["nodes"][1]["pids"]
    rows = ask("status", "gpu[1-3]:").stdout.splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["gpu1", "+1"], ["gpu3", "sft"]]

    terminal = Terminal([*TRAINWATCH, "attach", "gpu[1-3]:"], env)
    try:
        terminal.until("+1")
        terminal.type("\r")
        terminal.until("2 machines")
        terminal.until("gpu2")
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


@pytest.fixture
def pair(ask: Ask, env: dict[str, str]) -> Iterator[Terminal]:
    """The list, in which one training on two machines is one row."""
    start(ask, "gpu1", 0)
    start(ask, "gpu2", 1)
    until(lambda: told(ask, "gpu[1-2]:")[1]["part_of"], 60)
    terminal = Terminal([*TRAINWATCH, "attach", "gpu[1-2]:"], env)
    try:
        terminal.until("+1")
        yield terminal
    finally:
        terminal.close()


def states(ask: Ask) -> list[str]:
    return [one["state"] for one in told(ask, "gpu[1-2]:")]


def test_one_question_stops_it_on_every_machine(pair: Terminal, ask: Ask) -> None:
    pair.type("Q")
    pair.until("on 2 machines: gpu1, gpu2")
    pair.type("k\r")
    for name in ("gpu1", "gpu2"):
        pair.until(f"{name}: ")
    until(lambda: states(ask) == ["killed", "killed"], 30)
    pair.type("qq")  # back, and leave
    assert pair.wait() == 0


def test_a_machine_that_is_not_reached_is_named_and_stopped_by_nobody_later(
    pair: Terminal, ask: Ask, machines: dict[str, Box]
) -> None:
    begun = len(pair.output)
    lose(machines["gpu2"])
    machines["gpu2"].end()
    pair.until("lost", start=begun)
    pair.type("Q")
    pair.until("on 2 machines: gpu1, gpu2")
    pair.type("k\r")
    pair.until("gpu2: ", start=begun)
    pair.until("not reached, so not stopped", start=begun)
    machines["gpu2"].start()
    until(machines["gpu2"].sessions, 60)  # the connection is back
    pair.type("qq")  # back, and leave
    assert pair.wait() == 0
    assert states(ask) == ["killed", "running"]
