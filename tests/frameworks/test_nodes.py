"""torchrun with two agents, as on two machines: each is reached as a host over a real sshd."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.frameworks.watched import TRAININGS, Watched
from tests.sshd import boxes, free_port, needs_sshd

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.frameworks, needs_sshd]


def test_two_agents_of_one_torchrun_are_one_run_with_two_machines(
    python: Callable[[str], str], watched: Watched
) -> None:
    program, port = python("trainer5"), str(free_port())
    with boxes(watched.folder, ["gpu1", "gpu2"]):
        watched.environment["PATH"] = f"{watched.folder}/client:{os.environ['PATH']}"
        try:
            for rank, host in enumerate(("gpu1", "gpu2")):
                watched.trainwatch(
                    "run", "--on", host, "--detach", "--name", "sft", program, "-m",
                    "torch.distributed.run", "--nnodes", "2", "--node-rank", str(rank),
                    "--master-addr", "127.0.0.1", "--master-port", port,
                    str(TRAININGS / "workers.py"), "--output_dir", str(watched.output), "--steps", "0",
                )  # fmt: skip
            first, second = _joined(watched)
            assert second["part_of"] == "gpu1:"
            assert first["loss"] is not None
            assert [node["name"] for node in first["nodes"]] == ["gpu1", "gpu2"]
            for told, node in zip((first, second), first["nodes"], strict=True):
                assert set(node["pids"]) == _tree(told["pid"])
        finally:
            for host in ("gpu1:", "gpu2:"):
                watched.trainwatch("stop", host, "--now", check=False)


def _joined(watched: Watched) -> list[dict[str, Any]]:
    """What is told of both once rank 0 has printed."""
    end = time.monotonic() + 90
    while True:
        said = watched.trainwatch("status", "gpu1:", "gpu2:", "--json").stdout
        told: list[dict[str, Any]] = json.loads(said)
        if told[1]["part_of"] and told[0]["loss"] is not None:
            return told
        assert time.monotonic() < end, said
        time.sleep(0.5)


def _tree(root: int) -> set[int]:
    """The process and everything below it, as ps tells."""
    told = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(pid): int(parent) for pid, parent in map(str.split, told.stdout.splitlines())}
    tree, before = {root}, 0
    while len(tree) > before:
        before = len(tree)
        tree |= {pid for pid, parent in parents.items() if parent in tree}
    return tree
