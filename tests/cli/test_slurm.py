"""slurm:JOB against a real Slurm of two nodes, started here: output, queue, machines, end, stopping."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.conftest import until as happens
from tests.slurm import missing, slurm
from tests.sshd import Box, lose, needs_sshd
from trainwatch import wire

TRAINING = """\
for i in 1 2 3 4 5; do echo "{'loss': 1.$((9 - i)), 'epoch': 0.$i}"; done
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    if why := missing():
        pytest.skip(why)
    running = slurm(tmp_path_factory.mktemp("slurm"))
    try:
        env = running.__enter__()
    except RuntimeError as error:
        pytest.skip(f"Slurm does not run here: {error}")
    yield env
    running.__exit__(None, None, None)


@pytest.fixture
def submit(cluster: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Submit a script with these options; the number of the job."""
    jobs: list[str] = []

    def submitted(script: str, *options: str) -> str:
        words = ["sbatch", "--parsable", f"--output={tmp_path}/out %x-%j.txt", *options]
        said = subprocess.run(
            [*words, "--wrap", script],
            env=cluster, cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        jobs.append(said.stdout.strip())
        return jobs[-1]

    yield submitted
    for job in jobs:
        subprocess.run(["scancel", job], env=cluster, check=False, capture_output=True)
    happens(lambda: not queued(cluster), 60)  # what a job started is gone before its daemons are


def queued(cluster: dict[str, str]) -> str:
    """What Slurm has still to do."""
    said = subprocess.run(["squeue", "-h"], env=cluster, capture_output=True, text=True, check=True)
    return said.stdout


@pytest.fixture
def ask(cluster: dict[str, str], trainwatch: Command) -> Command:
    def asked(*words: str) -> subprocess.CompletedProcess[str]:
        return trainwatch(*words, PATH=cluster["PATH"], SLURM_CONF=cluster["SLURM_CONF"])

    return asked


def until(ask: Command, job: str, state: str, seconds: float = 60.0) -> dict[str, Any]:
    """The status of the job once it has that state."""
    end = time.monotonic() + seconds
    while True:
        said = ask("status", f"slurm:{job}", "--json")
        told: dict[str, Any] = json.loads(said.stdout)
        if told["state"] == state:
            return told
        assert time.monotonic() < end, said
        time.sleep(0.3)


def test_a_job_is_followed_to_its_end_and_its_exit_code_is_ours(
    submit: Callable[..., str], ask: Command
) -> None:
    job = submit(TRAINING + "sleep 4; echo last; exit 3", "--job-name=a job", "--nodes=2")
    said = ask("attach", f"slurm:{job}", "--no-ui")
    assert said.stdout.splitlines()[0] == "{'loss': 1.8, 'epoch': 0.1}"
    assert said.stdout.splitlines()[-1] == "last"
    assert "the training failed (exit code 3)" in said.stderr
    assert said.returncode == 3


def test_processes_of_a_job_on_this_machine_are_seen_while_it_runs(
    submit: Callable[..., str], ask: Command
) -> None:
    job = submit(TRAINING + "sleep 60", "--job-name=sleeper")
    told = until(ask, job, "running")
    assert told["name"] == "sleeper"
    assert told["kind"] == "slurm"
    happens(lambda: json.loads(ask("status", f"slurm:{job}", "--json").stdout)["pid"], 30)
    assert until(ask, job, "running")["loss"] == 1.4


WORKERS = TRAINING + "srun sh -c 'exec -a worker-$SLURM_PROCID sleep 600'"


def pids(name: str) -> set[int]:
    """The processes that call themselves so."""
    told = subprocess.run(["pgrep", "-f", f"^{name}"], capture_output=True, text=True, check=False)
    return set(map(int, told.stdout.split()))


def test_every_machine_of_a_job_tells_its_own_processes(
    submit: Callable[..., str], ask: Command
) -> None:
    job = submit(WORKERS.replace("sh -c", "bash -c"), "--nodes=2", "--job-name=wide")
    happens(lambda: pids("worker-0") and pids("worker-1"), 60)
    told = json.loads(ask("status", f"slurm:{job}", "--json").stdout)
    nodes = {node["name"]: node for node in told["nodes"]}
    assert (list(nodes), told["loss"]) == (["n1", "n2"], 1.4)
    assert [node["state"] for node in told["nodes"]] == ["ok", "ok"]
    assert pids("worker-1") <= set(nodes["n2"]["pids"])
    assert pids("worker-0") <= set(nodes["n1"]["pids"])
    assert not set(nodes["n1"]["pids"]) & set(nodes["n2"]["pids"])
    for node in nodes.values():
        commands = [Path(f"/proc/{pid}/cmdline") for pid in node["pids"]]
        assert not any(b"python" in c.read_bytes() for c in commands if c.exists())


def test_where_no_process_of_the_job_is_seen_all_come_through_srun(
    submit: Callable[..., str], cluster: dict[str, str], state: Path, tmp_path: Path
) -> None:
    job = submit(WORKERS.replace("sh -c", "bash -c"), "--nodes=2", "--job-name=far")
    happens(lambda: pids("worker-0") and pids("worker-1"), 60)
    login = [
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
    ]  # processes of nobody else are seen there
    env = environment(state, PATH=cluster["PATH"], SLURM_CONF=cluster["SLURM_CONF"])
    said = subprocess.run(
        [*login, *TRAINWATCH, "status", f"slurm:{job}", "--json"],
        env=env, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    if "unshare" in said.stderr:
        pytest.skip("no process ids of one's own here: " + said.stderr)
    told = json.loads(said.stdout)
    first, second = told["nodes"]
    assert (first["name"], second["name"]) == ("n1", "n2")
    assert told["pid"] in first["pids"]
    assert pids("worker-1") <= set(second["pids"])


def test_a_job_in_the_queue_says_why_it_waits(submit: Callable[..., str], ask: Command) -> None:
    job = submit(TRAINING, "--begin=now+1hour")
    said = ask("status", f"slurm:{job}")
    assert "starting" in said.stdout
    told = " ".join(said.stdout.split())
    assert re.search(r"it waits in the queue of Slurm \(\w+\), expected to start at", told)
    assert said.returncode == 0


def test_what_slurm_did_to_a_job_is_its_end(submit: Callable[..., str], ask: Command) -> None:
    assert until(ask, submit(TRAINING), "ended")["exit"]["code"] == 0
    killed = until(ask, submit("kill -9 $$"), "killed")
    assert killed["exit"]["signal"] == 9
    waiting = submit(TRAINING, "--begin=now+1hour")
    assert ask("stop", f"slurm:{waiting}").returncode == 0
    assert until(ask, waiting, "killed")["exit"]["cause"] == "cancelled"


def test_stop_asks_the_training_first_and_it_can_save(
    submit: Callable[..., str], ask: Command, tmp_path: Path
) -> None:
    wait = "while :; do sleep 0.1; done"
    job = submit(f"trap 'echo saved; exit 0' INT; echo up; {wait}", "--job-name=s")
    output = tmp_path / f"out s-{job}.txt"
    happens(lambda: output.exists() and output.read_text() == "up\n", 60)
    said = ask("stop", f"slurm:{job}", "--grace", "20")
    assert f"SIGINT (as Ctrl-C) to the job {job}" in said.stderr
    assert "stopped" in said.stderr
    assert said.returncode == 0
    assert output.read_text() == "up\nsaved\n"


def test_an_array_is_refused_with_its_tasks_and_each_task_is_a_target(
    submit: Callable[..., str], ask: Command
) -> None:
    job = submit(TRAINING + "sleep 30", "--array=0-2")
    said = ask("status", f"slurm:{job}")
    assert "is an array; its tasks are slurm:" in said.stderr
    assert said.returncode == 3
    assert until(ask, f"{job}_0", "running")["id"] == f"{job}_0"


def test_run_submits_and_watches_to_the_end(ask: Command) -> None:
    words = ("--slurm=--job-name='my job' --time=5", "--", "sh", "-c", 'echo "$1"; exit 4', "sh")
    said = ask("run", *words, "it's $HOME")
    assert said.stdout == "it's $HOME\n"
    assert said.returncode == 4


def test_run_detached_prints_the_target_and_a_refusal_is_a_sentence(ask: Command) -> None:
    said = ask("run", "--detach", "--slurm=--begin=now+1hour", "--name", "later", "--", "true")
    assert said.stdout.startswith("slurm:")
    told = json.loads(ask("status", said.stdout.strip(), "--json").stdout)
    assert (told["name"], told["state"]) == ("later", "starting")
    assert ask("stop", said.stdout.strip()).returncode == 0
    refused = ask("run", "--slurm=--partition=nowhere", "--", "true")
    assert "Slurm refuses it: " in refused.stderr
    assert refused.returncode == 2


def test_no_such_job_is_a_sentence(ask: Command) -> None:
    said = ask("status", "slurm:999999")
    assert "Slurm knows no job 999999 any more, or never did, and keeps no accounts" in said.stderr
    assert said.returncode == 3
    assert "is no number of a Slurm job" in ask("status", "slurm:abc").stderr


@needs_sshd
def test_a_job_goes_on_when_its_machine_was_logged_in_to_again(
    submit: Callable[..., str], cluster: dict[str, str], tmp_path: Path, state: Path
) -> None:
    script = "echo \"{'loss': 2.5, 'epoch': 1.0}\"; while [ ! -e go ]; do sleep 0.1; done; echo \"{'loss': 1.25, 'epoch': 2.0}\"; sleep 60"
    job = submit(script, "-N2")
    (tmp_path / "far").mkdir()
    box = Box(tmp_path / "far")
    box.lock("sesame")
    box.path = cluster["PATH"]
    box.before = "\n".join(f"export {n}='{v}'" for n, v in cluster.items() if "SLURM" in n)
    box.start()
    env = environment(state / "mine", PATH=f"{box.ssh()}:{os.environ['PATH']}")
    journal = tmp_path / "watched"
    attach = [*TRAINWATCH, "attach", "--record", str(journal), f"box:slurm:{job}"]
    terminal = Terminal(attach, env)
    try:
        terminal.until("Enter passphrase")
        terminal.type("sesame\n")
        terminal.until("'loss': 2.5", 60)
        terminal.until("2 machines", 60)
        start = len(terminal.output)
        lose(box)
        terminal.until("log in again", start=start)
        terminal.type("L")
        terminal.until("to log in to box", start=start)
        (tmp_path / "go").touch()
        terminal.type("sesame\r")
        terminal.until("1.25", start=start)
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
        box.end()
    played = wire.Decoder()
    assert played.feed(journal.read_bytes())
