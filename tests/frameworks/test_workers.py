"""torchrun with two ranks: its workers live in sessions of their own, and stopping reaches them."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.watched import TRAININGS, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.frameworks


def torchrun(python: str, watched: Watched, steps: int) -> list[str]:
    script = str(TRAININGS / "workers.py")
    return [
        python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        script, "--output_dir", str(watched.output), f"--steps={steps}",
    ]  # fmt: skip


def workers(watched: Watched) -> set[int]:
    """Every process whose command line names this test's output folder."""
    needle = str(watched.output).encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if needle in words and not any(b"trainwatch" in word for word in words[:4]):
                found.add(int(entry.name))
    return found


def wait(condition: Callable[[], bool], what: str, within: float = 90) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def training(python: Callable[[str], str], watched: Watched) -> str:
    """A torchrun that trains until it is stopped."""
    command = torchrun(python("trainer5"), watched, 0)
    run = watched.trainwatch("run", "--detach", "--", *command).stdout.strip()
    log = watched.folder / "state" / "runs" / run / "output.log"
    wait(lambda: b"[rank1]: step 3/" in log.read_bytes(), "the workers never trained")
    assert len(workers(watched)) == 3  # the agent and two ranks
    return run


def test_stop_reaches_every_rank(watched: Watched, training: str) -> None:
    watched.trainwatch("stop", training)
    wait(lambda: not workers(watched), "workers are left")
    (row,) = [
        one
        for one in json.loads(watched.trainwatch("list", "--json").stdout)
        if one["kind"] == "run"
    ]
    assert row["state"] in ("failed", "killed", "ended")


def test_stop_finds_the_ranks_that_a_killed_agent_left(watched: Watched, training: str) -> None:
    agent = json.loads(watched.trainwatch("list", "--json").stdout)[0]["pid"]
    os.kill(agent, signal.SIGKILL)
    wait(lambda: agent not in workers(watched), "the agent is still there")
    watched.trainwatch("stop", training, "--now")
    wait(lambda: not workers(watched), "workers are left")
