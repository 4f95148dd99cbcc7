"""One job of Slurm, as its commands tell of it."""

from typing import NamedTuple, Optional


class Job(NamedTuple):
    """One job, or one task of an array, as Slurm tells of it."""

    id: str  # as Slurm's commands take it: "12", "12_3", "12+1"; "" = Slurm need not be asked
    number: str  # which its processes carry in SLURM_JOB_ID; "" where it is not known
    name: str
    user: str
    state: str  # "PENDING", "RUNNING", "COMPLETED", "FAILED", ...
    reason: str  # why it waits; "" when Slurm gives none
    code: int
    signal: int
    command: str
    folder: str
    output: str  # path; "" = not known
    errors: str  # path, where it is another one
    nodes: str  # "gpu[1-4]"
    host: str  # where its script runs
    submitted: Optional[float]
    started: Optional[float]  # of one that waits: when Slurm expects it to
    ended: Optional[float]

    @property
    def waits(self) -> bool:
        """Whether it has not begun, or will begin again."""
        return self.state in ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED")

    @property
    def over(self) -> bool:
        """Whether it will not run any more."""
        return self.state in OVER


OVER = {
    "COMPLETED": "", "FAILED": "", "TIMEOUT": "the time limit", "OUT_OF_MEMORY": "oom",
    "CANCELLED": "cancelled", "NODE_FAIL": "a node failed", "PREEMPTED": "preempted",
    "BOOT_FAIL": "its node did not start", "DEADLINE": "the deadline", "REVOKED": "revoked",
}  # fmt: skip
"""The states in which a job is done, with what that says about why."""
