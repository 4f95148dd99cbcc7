"""What Slurm's commands say, read. Recorded from Slurm 22.05, shortened to the lines that matter.

What sacct says could not be recorded (no accounting ran): its lines are made after its manual page.
"""

from __future__ import annotations

import time

import pytest

from trainwatch.probe import batch, slurm
from trainwatch.probe.found import TargetError

RUNNING = """\
JobId=1 JobName=my job
   UserId=kim(1000) GroupId=kim(1000) MCS_label=N/A
   JobState=RUNNING Reason=None Dependency=(null)
   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0
   SubmitTime=2026-11-23T02:05:58 EligibleTime=2026-11-23T02:05:58
   StartTime=2026-11-23T02:05:59 EndTime=2026-11-23T03:05:58 Deadline=N/A
   Partition=main AllocNode:Sid=localhost:28590
   NodeList=gpu[1-2]
   BatchHost=gpu1
   Command=/home/kim/train.sbatch --lr 1
   WorkDir=/home/kim
   StdErr=/home/kim/out-my job-1.txt
   StdIn=/dev/null
   StdOut=/home/kim/out-my job-1.txt
   Power=
"""
ARRAY = """\
JobId=2 ArrayJobId=2 ArrayTaskId=1-3%1 ArrayTaskThrottle=1 JobName=arr
   JobState=PENDING Reason=JobArrayTaskLimit Dependency=(null)
   StartTime=Unknown EndTime=Unknown Deadline=N/A
   NodeList=
   StdOut=/w/arr-2_4294967294.txt

JobId=5 ArrayJobId=2 ArrayTaskId=0 ArrayTaskThrottle=1 JobName=arr
   JobState=RUNNING Reason=None Dependency=(null)
   NodeList=vm
   StdOut=/w/arr-2_0.txt

"""
PENDING = RUNNING.replace("JobState=RUNNING Reason=None", "JobState=PENDING Reason=BeginTime")


def test_names_and_paths_with_blanks_are_read_whole() -> None:
    [job] = slurm.parse(RUNNING)
    assert (job.id, job.name, job.user, job.state) == ("1", "my job", "kim", "RUNNING")
    assert (job.output, job.errors) == ("/home/kim/out-my job-1.txt", "")
    assert (job.command, job.nodes, job.host) == (
        "/home/kim/train.sbatch --lr 1",
        "gpu[1-2]",
        "gpu1",
    )
    assert job.started == time.mktime((2026, 11, 23, 2, 5, 59, 0, 0, -1))


def test_a_name_that_looks_like_fields_is_only_a_name() -> None:
    [job] = slurm.parse(RUNNING.replace("my job\n", "x JobState=COMPLETED StdOut=/etc/passwd\n"))
    assert job.name == "x JobState=COMPLETED StdOut=/etc/passwd"
    assert job.state == "RUNNING"
    assert job.output == "/home/kim/out-my job-1.txt"


def test_the_tasks_of_an_array_are_jobs_of_their_own() -> None:
    waiting, running = slurm.parse(ARRAY)
    assert (waiting.id, waiting.waits) == ("2_1-3%1", True)
    assert (running.id, running.number, running.output) == ("2_0", "5", "/w/arr-2_0.txt")
    with pytest.raises(TargetError, match="is an array"):
        slurm._one([waiting, running], "2")
    assert slurm._one([running], "2_0") == running


def test_the_first_part_of_a_job_of_several_parts_has_its_output() -> None:
    parts = "".join(
        f"JobId={7 + n} HetJobId=7 HetJobOffset={n} JobName=het\n   JobState=RUNNING\n\n"
        for n in (0, 1)
    )
    jobs = slurm.parse(parts)
    assert [job.id for job in jobs] == ["7+0", "7+1"]
    assert slurm._one(jobs, "7").id == "7+0"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("vm", ["vm"]),
        ("gpu[1-3]", ["gpu1", "gpu2", "gpu3"]),
        ("gpu[08-10,12],cpu1", ["gpu08", "gpu09", "gpu10", "gpu12", "cpu1"]),
        ("r[1-2]n[1,3]x", ["r1n1x", "r1n3x", "r2n1x", "r2n3x"]),
        ("", []),
        ("n[a-b]", []),
    ],
)
def test_the_machines_of_a_job_by_their_names(text: str, names: list[str]) -> None:
    assert slurm.hostnames(text) == names


def test_a_list_of_machines_without_end_ends() -> None:
    assert len(slurm.hostnames("n[1-999999999]m[1-999999999]")) <= 4096


def test_why_a_job_waits_and_until_when() -> None:
    [job] = slurm.parse(PENDING)
    assert batch.waiting(job) == (
        "it waits in the queue of Slurm (BeginTime), expected to start at Mon 02:05"
    )
    assert batch.waiting(job._replace(started=None, reason="")) == "it waits in the queue of Slurm"
    assert batch.waiting(slurm.parse(RUNNING)[0]) == ""


@pytest.mark.parametrize(
    ("state", "exit", "told"),
    [
        ("COMPLETED", "0:0", (0, None, "")),
        ("FAILED", "3:0", (3, None, "")),
        ("FAILED", "0:9", (None, 9, "")),
        ("TIMEOUT", "0:15", (None, 15, "the time limit")),
        ("OUT_OF_MEMORY", "0:125", (None, 9, "oom")),
        ("OUT_OF_MEMORY", "0:0", (None, 9, "oom")),
        ("CANCELLED", "0:15", (None, 15, "cancelled")),
        ("NODE_FAIL", "0:0", (None, None, "a node failed")),
    ],
)
def test_how_a_job_ended(state: str, exit: str, told: tuple[object, ...]) -> None:  # noqa: A002
    text = RUNNING.replace("=RUNNING", f"={state}").replace("ExitCode=0:0", f"ExitCode={exit}")
    [job] = slurm.parse(text)
    assert job.over
    ended = batch.ended(job)
    assert (ended.code, ended.signal, ended.cause) == told
    assert ended.at == job.ended


@pytest.mark.parametrize(
    ("line", "number", "path"),
    [
        ("sbatch train.sh", "12", "/w/slurm-12.out"),
        ("sbatch -o logs/%x-%j.txt train.sh", "12", "/w/logs/my job-12.txt"),
        ("sbatch --output=/o/%A_%3a.txt -a 0-3 t.sh", "12_3", "/o/12_003.txt"),
        ("sbatch -a 0-3 t.sh", "12_3", "/w/slurm-12_3.out"),
    ],
)
def test_a_job_that_only_the_accounting_knows_still_has_its_output(
    line: str, number: str, path: str
) -> None:
    times = ["2026-11-23T02:05:58"] * 3
    cells = [number, "my job", "CANCELLED by 1000", "0:15", *times, "gpu1", "/w", "kim", line]
    [job] = slurm.accounted("\x1f".join(cells) + "\n")
    assert (job.id, job.state, job.signal, job.output) == (number, "CANCELLED", 15, path)


def test_lines_that_make_no_sense_are_no_jobs() -> None:
    assert slurm.parse("") == slurm.parse("garbage\nJobName=x") == []
    assert slurm.accounted("a|b\n\n") == []
