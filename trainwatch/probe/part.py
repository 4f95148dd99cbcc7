"""Which part of a training on several machines runs here.

The law of this file: launchers tell each process its rank and where all meet, in its environment. What
goes out of that is the ranks and a digest, which shows that two parts meet in the same place and
nothing else.
"""

import hashlib
import time
from typing import Dict, List, Optional, Tuple

from trainwatch import facts
from trainwatch.probe.cmdline import environment_of

MANY = 256  # processes that are looked at
_TORCH = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")
_SLURM = ("SLURM_CLUSTER_NAME", "SLURM_JOB_ID")


def part_of(pids: List[int]) -> Optional[facts.Part]:
    """The part that these processes are; None where everything runs on this machine."""
    environments = [environment_of(pid) for pid in pids[:MANY]]
    for meeting in (_of_torch, _of_slurm):
        found: Dict[str, facts.Part] = {}
        for environment in environments:
            told = meeting(environment)
            if told is not None:
                job, rank, world = told
                part = found.setdefault(job, facts.Part(job, [], world, time.time()))
                if rank not in part.ranks:
                    part.ranks.append(rank)
        if found:
            most = max(found.values(), key=lambda part: len(part.ranks))
            most.ranks.sort()
            return most if len(most.ranks) < most.world else None
    return None


def _of_torch(told: Dict[str, str]) -> Optional[Tuple[str, int, int]]:
    """Meeting place, rank and number of ranks, as torchrun and those that do like it set them."""
    if "MASTER_ADDR" not in told or told.get("LOCAL_WORLD_SIZE") == told.get("WORLD_SIZE"):
        return None
    return _told(told, _TORCH, "RANK", "WORLD_SIZE")


def _of_slurm(told: Dict[str, str]) -> Optional[Tuple[str, int, int]]:
    """The same of tasks that srun started."""
    if told.get("SLURM_NNODES", "1") == "1":
        return None
    return _told(told, _SLURM, "SLURM_PROCID", "SLURM_NTASKS")


def _told(
    told: Dict[str, str], place: Tuple[str, ...], rank: str, world: str
) -> Optional[Tuple[str, int, int]]:
    try:
        numbers = int(told[rank]), int(told[world])
    except (KeyError, ValueError):
        return None
    words = "\0".join([rank, *(told.get(name, "") for name in place)])
    digest = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
    return digest[:16], numbers[0], numbers[1]
