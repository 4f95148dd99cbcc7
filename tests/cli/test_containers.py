"""Trainings in containers: ``docker:NAME`` and ``k8s:NS/POD`` through stand-ins for the engines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.engines import Yard, needs_namespaces
from tests.sshd import Box, lose, needs_sshd
from trainwatch import facts
from trainwatch.link.container import ContainerLink
from trainwatch.link.engine import Docker

LINES = ["{'loss': 2.0, 'epoch': 1.0}", "{'eval_loss': 1.5, 'epoch': 1.0}", "", "done"]
DONE = {"Status": "exited", "ExitCode": 3}
TRAINING = """
import os, sys, time
print({'loss': 2.5, 'epoch': 1.0}, flush=True)
os.makedirs('out/checkpoint-7')
open('out/checkpoint-7/trainer_state.json', 'w').write('{"global_step": 7}')
while not os.path.exists('enough'): time.sleep(0.05)
print({'loss': 1.5, 'epoch': 2.0}, flush=True)
sys.exit(4)
"""


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.end()


@pytest.fixture
def path(yard: Yard) -> str:
    return f"{yard.path}:{os.environ['PATH']}"


@pytest.mark.parametrize(
    ("word", "name", "over"),
    [
        ("docker:box", "box", DONE),
        ("k8s:pod-0", "pod-0", {"terminated": {"exitCode": 3}}),
        ("k8s:ml/pod-0", "pod-0", {"terminated": {"exitCode": 3}}),
    ],
)
def test_a_container_that_has_ended_is_read(
    word: str, name: str, over: dict[str, object], yard: Yard, path: str, trainwatch: Command
) -> None:
    yard.put(name, over, LINES)
    said = trainwatch("export", word, PATH=path)
    points = [json.loads(line) for line in said.stdout.splitlines()]
    assert [p["value"] for p in points if p["name"] == "loss"] == [2.0, 1.5], said.stderr
    told = json.loads(trainwatch("status", word, "--json", PATH=path).stdout)
    assert (told["state"], told["exit"]["code"]) == ("failed", 3)
    said = trainwatch("attach", "--no-ui", word, PATH=path)
    assert (said.returncode, said.stdout.splitlines()) == (3, LINES)


@needs_namespaces
def test_a_container_is_watched_from_inside(
    yard: Yard, path: str, trainwatch: Command, tmp_path: Path
) -> None:
    training = yard.start("box", [sys.executable, "-u", "-c", TRAINING], tmp_path)
    while not (tmp_path / "out/checkpoint-7/trainer_state.json").exists():
        pass
    told = json.loads(trainwatch("status", "docker:box", "--json", PATH=path).stdout)
    assert (told["state"], told["loss"], told["pid"]) == ("running", 2.5, 1)
    kept = json.loads(trainwatch("checkpoints", "docker:box", "--json", PATH=path).stdout)
    assert [one["name"] for one in kept] == ["checkpoint-7"]
    (tmp_path / "enough").touch()
    said = trainwatch("attach", "--no-ui", "docker:box", PATH=path)
    assert (said.returncode, len(said.stdout.splitlines())) == (4, 2)
    assert training.wait() == 4


@needs_namespaces
def test_a_container_that_has_ended_is_left_alone(
    yard: Yard, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    training = yard.start("box", [sys.executable, "-u", "-c", TRAINING], tmp_path)
    link = ContainerLink(Docker("box"))
    told: list[Any] = []

    def until(kind: type) -> None:
        while not any(isinstance(fact, kind) for fact in told):
            assert link.wait(30)
            told.extend(link.take(100))

    link.open(lambda: None)
    try:
        link.send(facts.Watch("docker:box", [], [], [], False))
        until(facts.ProcessReading)
        training.kill()
        until(facts.Ended)
        (ended,) = [fact for fact in told if isinstance(fact, facts.Ended)]
        assert (ended.code, ended.signal) == (None, 9)
        while link._thread.is_alive() or link.wait(1.5):
            told.extend(link.take(100))
        inside = [f.text for f in told if isinstance(f, facts.Trouble) and f.where == "inside"]
        assert inside[-1] == ""
        assert not link._inside._thread.is_alive()
    finally:
        link.close()


def test_a_log_that_ends_is_no_training_that_ended(
    yard: Yard, path: str, trainwatch: Command
) -> None:
    yard.put("box", {"Status": "running"}, LINES[:1])
    (yard.home / "box" / "cut").touch()
    told = json.loads(trainwatch("status", "docker:box", "--json", PATH=path).stdout)
    assert told["exit"] is None
    assert told["state"] not in ("ended", "failed", "killed")


def test_without_a_way_inside_the_log_is_read(yard: Yard, path: str, trainwatch: Command) -> None:
    yard.put("box", {"Status": "running"}, LINES)
    (yard.home / "box" / "pid").write_text("0")
    told = json.loads(trainwatch("status", "docker:box", "--json", PATH=path).stdout)
    assert (told["loss"], told["eval_loss"]) == (2.0, 1.5)


@needs_sshd
def test_a_container_on_another_machine(yard: Yard, trainwatch: Command, tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.path = f"{yard.path}:{box.path}"
    box.start()
    try:
        yard.put("box", DONE, LINES)
        said = trainwatch(
            "attach", "--no-ui", "box:docker:box", PATH=f"{box.ssh()}:{os.environ['PATH']}"
        )
        assert (said.returncode, said.stdout.splitlines()) == (3, LINES), said.stderr
    finally:
        box.end()


@pytest.mark.parametrize(
    ("word", "code", "text"),
    [
        ("docker:other", 3, "docker knows no other; see: docker ps --all"),
        ("k8s:other", 3, "kubectl knows no other; see: kubectl get pods"),
        ("k8s:ns/other", 3, "see: kubectl --namespace ns get pods"),
        ("docker:$(x)", 2, "is no name of a container"),
    ],
)
def test_what_is_not_there_says_so(
    word: str, code: int, text: str, yard: Yard, path: str, trainwatch: Command
) -> None:
    said = trainwatch("status", word, PATH=path)
    assert (said.returncode, said.stdout) == (code, "")
    assert text in said.stderr
    assert said.stderr.count("\n") == 1


def test_an_engine_that_is_not_installed_says_so(trainwatch: Command, tmp_path: Path) -> None:
    said = trainwatch("status", "docker:box", PATH=str(tmp_path))
    assert said.returncode == 4
    assert "docker cannot be started" in said.stderr


def test_a_container_is_stopped_by_its_engine(yard: Yard, path: str, trainwatch: Command) -> None:
    yard.put("box", {"Status": "running"}, LINES)
    said = trainwatch("stop", "docker:box", PATH=path)
    assert said.returncode != 0
    assert "docker stop box" in said.stderr


@needs_sshd
def test_a_container_goes_on_when_its_machine_was_logged_in_to_again(
    yard: Yard, path: str, tmp_path: Path, state: Path
) -> None:
    yard.put("train", {"Status": "running"}, LINES[:1])
    (tmp_path / "far").mkdir()
    machine = Box(tmp_path / "far")
    machine.lock("sesame")
    machine.path = path
    machine.start()
    env = environment(state / "mine", PATH=f"{machine.ssh()}:{os.environ['PATH']}")
    terminal = Terminal([*TRAINWATCH, "attach", "box:docker:train"], env)
    try:
        terminal.until("Enter passphrase")
        terminal.type("sesame\n")
        terminal.until("'loss': 2.0")
        start = len(terminal.output)
        lose(machine)
        terminal.until("log in again", start=start)
        terminal.type("L")
        terminal.until("to log in to box", start=start)
        with (yard.home / "train" / "log").open("a") as log:
            log.write("2026-01-02T00:00:00Z {'loss': 1.25, 'epoch': 2.0}\n")
        terminal.type("sesame\r")
        terminal.until("1.25", start=start)
        terminal.type("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
        machine.end()
