"""Which part of a training runs here: real processes with what launchers put into their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from trainwatch import facts
from trainwatch.probe.part import part_of

TORCH = {"MASTER_ADDR": "head", "MASTER_PORT": "29500", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
SLURM = {"SLURM_CLUSTER_NAME": "c", "SLURM_JOB_ID": "12", "SLURM_NNODES": "2", "SLURM_NTASKS": "2"}


@pytest.fixture
def running() -> Iterator[Callable[..., int]]:
    """Start a process with these variables; its id."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> int:
        code = "print(flush=True); input()"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], **variables},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(*pids: int) -> facts.Part:
    part = part_of(list(pids))
    assert part is not None
    return part


def test_both_machines_tell_the_same_meeting_place_and_ranks_of_their_own(
    running: Callable[..., int],
) -> None:
    agent = running()
    here = told(agent, *(running(**TORCH, RANK=rank, SECRET=rank) for rank in "10"))
    there = told(running(**TORCH, RANK="2"), running(**TORCH, RANK="3"))
    assert (here.ranks, there.ranks, here.world) == ([0, 1], [2, 3], 4)
    assert here.job == there.job
    assert told(running(**{**TORCH, "MASTER_PORT": "29501"}, RANK="2")).job != here.job


def test_nothing_of_the_environment_goes_out(running: Callable[..., int]) -> None:
    part = told(running(**TORCH, RANK="0", TOKEN="hf_secret"))
    assert not any(word in str(part) for word in ("head", "29500", "secret"))


def test_a_training_of_one_machine_is_no_part(running: Callable[..., int]) -> None:
    alone = {**TORCH, "WORLD_SIZE": "2"}
    assert part_of([running(**alone, RANK="0")]) is None
    assert part_of([running(**{**SLURM, "SLURM_NNODES": "1"}, SLURM_PROCID="0")]) is None
    assert part_of([running(**{**TORCH, "WORLD_SIZE": "many"}, RANK="0"), 4194304]) is None


def test_tasks_of_srun_are_parts_and_torchrun_knows_better(running: Callable[..., int]) -> None:
    assert told(running(**SLURM, SLURM_PROCID="1")).ranks == [1]
    assert told(running(**SLURM, SLURM_PROCID="1", **TORCH, RANK="3")).ranks == [3]
