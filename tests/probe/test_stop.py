"""Stopping: Ctrl-C first, then firmly, then for good; the whole tree and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from trainwatch.probe import identity, launch, process, runs, stop

PYTHON = sys.executable
pytestmark = pytest.mark.usefixtures("state")

# Starts a worker in a session of its own, as torchrun does, and waits for it.
AGENT = """
import signal, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True)
print(worker.pid, flush=True)
signal.pause()
"""
DEAF = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("deaf", flush=True)
while True: time.sleep(1)
"""
POLITE = """
import time
try:
    print("ready", flush=True)
    while True: time.sleep(1)
except KeyboardInterrupt:
    print("saved")
"""


def log(started: launch.Started) -> str:
    return Path(started.folder, runs.LOG).read_text()


def subject(started: launch.Started) -> process.Subject:
    meta = runs.load(started.folder).meta
    assert meta is not None
    return process.of_run(meta)


def stopped(started: launch.Started, *, now: bool = False, grace: float = 0.3) -> list[str]:
    answers = list(stop.stop(subject(started), now=now, grace=grace))
    assert [answer.done for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert answers[-1].ok, answers
    return [answer.text for answer in answers]


def alive(pid: int) -> bool:
    found = identity.stat(pid)
    return found is not None and found.state not in "ZX"


def exit_of(started: launch.Started) -> runs.Exit:
    until(lambda: runs.load(started.folder).exit is not None)
    record = runs.load(started.folder).exit
    assert record is not None
    return record


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop, "TERM_GRACE", 0.3)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that nobody asked to stop."""
    sleeper = subprocess.Popen(["sleep", "60"])
    yield sleeper
    sleeper.kill()
    sleeper.wait()


def test_a_training_gets_ctrl_c_and_time_to_save() -> None:
    started = launch.start([PYTHON, "-c", POLITE])
    until(lambda: "ready" in log(started))
    first, last = stopped(started, grace=10)
    assert first == (f"SIGINT (as Ctrl-C) to process {started.pid}, 10 s to save and leave")
    assert last == "stopped"
    assert log(started) == "ready\nsaved\n"
    assert exit_of(started).code == 0


def test_ctrl_c_reaches_the_training_inside_a_shell() -> None:
    started = launch.start(["sh", "-c", f'trap : INT; "{PYTHON}" -c "$0"; exit 5', POLITE])
    until(lambda: "ready" in log(started))
    stopped(started, grace=10)
    assert exit_of(started).code == 5


def test_who_does_not_listen_is_terminated_and_then_killed() -> None:
    started = launch.start([PYTHON, "-c", DEAF])
    until(lambda: "deaf" in log(started))
    texts = stopped(started)
    assert [text.split()[0] for text in texts] == ["SIGINT", "SIGTERM", "SIGKILL", "stopped"]
    assert exit_of(started).signal == signal.SIGKILL


def test_now_means_sigkill_at_once() -> None:
    started = launch.start([PYTHON, "-c", POLITE])
    until(lambda: "ready" in log(started))
    assert stopped(started, now=True) == [f"SIGKILL to process {started.pid}", "stopped"]
    assert log(started) == "ready\n"


def test_a_worker_with_a_session_of_its_own_is_stopped_too() -> None:
    started = launch.start([PYTHON, "-c", AGENT, DEAF])
    until(lambda: "deaf" in log(started))
    worker = int(log(started).split()[0])
    texts = stopped(started)
    assert f"SIGKILL to process {worker}" in texts
    assert not alive(worker)


@pytest.mark.parametrize("supervised", [True, False])
def test_workers_of_a_killed_agent_are_found(*, supervised: bool) -> None:
    started = launch.start([PYTHON, "-c", AGENT, DEAF])
    until(lambda: "deaf" in log(started))
    worker = int(log(started).split()[0])
    whose = subject(started)
    if not supervised:
        assert whose.supervisor is not None
        os.kill(whose.supervisor.pid, signal.SIGKILL)
        until(lambda: not alive(whose.supervisor.pid))  # type: ignore[union-attr]
    os.kill(started.pid, signal.SIGKILL)
    until(lambda: not alive(started.pid))
    assert alive(worker)
    stopped(started)
    assert not alive(worker)


@pytest.mark.parametrize("supervised", [True, False])
def test_a_run_that_was_started_inside_another_is_on_its_own(*, supervised: bool) -> None:
    inner = "from trainwatch.probe import launch; print(launch.start(['sleep', '61']).pid)"
    outer = launch.start(["sh", "-c", f'"{PYTHON}" -c "$0"; sleep 62', inner])
    until(lambda: log(outer).endswith("\n"))
    training = int(log(outer))
    keeper = identity.stat(training).parent  # type: ignore[union-attr]
    if not supervised:
        os.kill(subject(outer).supervisor.pid, signal.SIGKILL)  # type: ignore[union-attr]
    stopped(outer, grace=10)
    assert alive(training)
    assert alive(keeper)


def test_a_paused_training_wakes_up_to_save() -> None:
    started = launch.start([PYTHON, "-c", POLITE])
    until(lambda: "ready" in log(started))
    os.kill(started.pid, signal.SIGSTOP)
    until(lambda: identity.stat(started.pid).state == "T")  # type: ignore[union-attr]
    stopped(started, grace=10)
    assert log(started) == "ready\nsaved\n"


def test_what_is_born_while_all_are_killed_is_killed_too() -> None:
    storm = "while True:\n import subprocess; subprocess.Popen(['sleep', '60'])"
    started = launch.start([PYTHON, "-c", storm])
    tree = process.Tree(subject(started))
    until(lambda: len(tree.scan()) > 20)
    stopped(started, now=True)
    assert tree.scan() == []


def test_an_ended_training_is_not_signalled() -> None:
    started = launch.start(["true"])
    exit_of(started)
    until(lambda: not alive(started.pid))
    assert stopped(started) == ["nothing to stop: it has already ended"]


def test_a_process_id_that_was_handed_out_again_is_not_signalled(
    bystander: subprocess.Popen[bytes],
) -> None:
    now = identity.identify(bystander.pid)
    assert now is not None
    for former in (
        now._replace(start=now.start - 1),
        now._replace(boot="another boot"),
        now._replace(namespace="pid:[1]"),
    ):
        for supervisor in (None, former):
            aim = process.Subject(former, supervisor, "bcd234")
            answers = list(stop.stop(aim, now=True, grace=0))
            assert [answer.text for answer in answers] == ["nothing to stop: it has already ended"]
    assert bystander.poll() is None


def test_a_signal_misses_who_took_over_the_id(bystander: subprocess.Popen[bytes]) -> None:
    found = identity.stat(bystander.pid)
    assert found is not None
    assert not stop.send(found._replace(start=found.start - 1), signal.SIGKILL)
    assert bystander.poll() is None


def test_a_process_that_we_did_not_start_is_stopped_without_its_neighbours(
    bystander: subprocess.Popen[bytes],
) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    who = identity.identify(stranger.pid)
    assert who is not None
    answers = list(stop.stop(process.Subject(who), now=False, grace=10))
    assert answers[-1].text == "stopped"
    assert stranger.wait() == -signal.SIGINT
    assert bystander.poll() is None


@pytest.mark.skipif(os.getuid() != 0, reason="needs to become another user")
def test_a_process_of_another_user_is_said_to_be_out_of_reach(
    bystander: subprocess.Popen[bytes],
) -> None:
    script = (
        "import os, sys; from trainwatch.probe import identity, process, stop; os.setuid(65534);"
        "aim = process.Subject(identity.identify(int(sys.argv[1])));"
        "print(*[answer.text for answer in stop.stop(aim, now=False, grace=0)], sep='\\n')"
    )
    said = subprocess.run(
        [PYTHON, "-c", script, str(bystander.pid)], capture_output=True, check=True, text=True
    )
    assert said.stdout == (
        f"not allowed to signal process {bystander.pid}: stop it as the user who started it\n"
    )
    assert bystander.poll() is None
