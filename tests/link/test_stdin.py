"""Bytes that are piped in: every one of them, its end, and what is known of the process that wrote them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from trainwatch import facts, wire
from trainwatch.link.child import ChildLink, local_probe
from trainwatch.link.journal import JournalLink
from trainwatch.link.stdin import StdinLink
from trainwatch.probe.writer import feeding

pytestmark = pytest.mark.usefixtures("state")


class Client:
    """Somebody who listens to a pipe, and who may write to it."""

    def __init__(self, **options: Any) -> None:
        self.read, self.write = os.pipe()
        self.link = StdinLink(self.read, **options)
        self.facts: list[Any] = []
        self.link.open(lambda: None)

    def watch(self, live: bool = True) -> None:
        self.link.send(facts.Watch("-", [], [], [], False, live=live))

    def of(self, kind: type) -> list[Any]:
        self.facts += self.link.take(9999)
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def text(self) -> bytes:
        return b"".join(chunk.data for chunk in self.of(facts.Chunk))

    def end(self) -> None:
        os.close(self.write)
        self.write = -1


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    made: list[Client] = []

    def begin(**options: Any) -> Client:
        made.append(Client(**options))
        return made[-1]

    yield begin
    for client in made:
        client.link.close()
        os.close(client.read)
        if client.write >= 0:
            client.end()


def test_nothing_is_taken_before_somebody_watches(connect: Connect) -> None:
    client = connect()
    os.write(client.write, b"one\n")
    assert not client.link.wait(0.2)
    client.watch()
    until(lambda: client.text() == b"one\n")
    assert [type(fact) for fact in client.facts[:3]] == [facts.Hello, facts.Target, facts.Chunk]
    assert client.of(facts.Target)[0].streams == ["stdin"]


@pytest.mark.parametrize("seed", range(5))
def test_any_chunks_arrive_in_order_and_once(seed: int, connect: Connect) -> None:
    chance = random.Random(seed)
    client = connect()
    client.watch()
    whole = chance.randbytes(300_000)
    start = 0
    while start < len(whole):
        part = whole[start : start + chance.choice([1, 7, 4096, 50_000])]
        start += os.write(client.write, part)
        client.of(facts.Chunk)
    client.end()
    until(lambda: client.link.closed or client.of(facts.Ended))
    assert client.text() == whole
    offsets = [chunk.offset for chunk in client.of(facts.Chunk)]
    sizes = [len(chunk.data) for chunk in client.of(facts.Chunk)]
    assert offsets == [sum(sizes[:k]) for k in range(len(sizes))]


def test_what_was_there_at_the_beginning_comes_before_catching_up(connect: Connect) -> None:
    client = connect()
    os.write(client.write, b"old\n")
    client.watch()
    until(lambda: client.of(facts.CaughtUp))
    os.write(client.write, b"new\n")
    until(lambda: client.text() == b"old\nnew\n")
    order = [type(fact) for fact in client.facts]
    assert order.index(facts.Chunk) < order.index(facts.CaughtUp) < len(order) - 1


def test_a_single_look_reads_to_the_end(connect: Connect) -> None:
    client = connect()
    client.watch(live=False)
    os.write(client.write, b"one\n")
    until(client.text)
    assert client.of(facts.CaughtUp) == []
    client.end()
    until(lambda: client.of(facts.Ended))
    assert [type(fact) for fact in client.facts[-2:]] == [facts.CaughtUp, facts.Ended]


def test_the_end_of_the_input_is_an_end_of_which_the_cause_is_not_known(connect: Connect) -> None:
    client = connect()
    client.watch()
    client.end()
    until(lambda: client.link.closed or client.of(facts.Ended))
    (ended,) = client.of(facts.Ended)
    assert ended[:3] == (None, None, "")
    until(lambda: client.of(facts.Ended) and client.link.closed)


def test_a_journal_that_is_piped_in_is_named(connect: Connect) -> None:
    client = connect()
    client.watch()
    os.write(client.write, wire.MAGIC + b"\0\0\0\0")
    until(lambda: client.of(facts.Trouble))
    assert client.of(facts.Trouble)[0].where == "target"
    assert "trainwatch replay" in client.of(facts.Trouble)[0].fix


def test_what_came_can_be_recorded_and_replayed(connect: Connect, tmp_path: Path) -> None:
    client = connect(record=tmp_path / "run.tw")
    client.watch()
    os.write(client.write, b"one\ntwo\n")
    client.end()
    until(lambda: client.of(facts.Ended) and client.link.closed)
    replay = JournalLink(tmp_path / "run.tw", 0)
    replay.open(lambda: None)
    again: list[Any] = []
    while replay.wait(10) and (found := replay.take(99)):
        again += found
    assert again == client.facts


def test_of_the_writer_everything_is_known_but_no_stream_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(
        "import os, sys\nos.makedirs('out', exist_ok=True)\nprint('one', flush=True)\nsys.stdin.read()"
    )
    train = subprocess.Popen(
        [sys.executable, "train.py", "--output_dir", "out"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert train.stdout
    assert train.stdin
    writer = feeding(os.getpid(), train.stdout.fileno())
    assert writer.startswith(f"{train.pid}@")
    link = StdinLink(train.stdout.fileno(), ChildLink(local_probe()), writer)
    heard: list[Any] = []

    def of(kind: type) -> list[Any]:
        heard.extend(link.take(999))
        return [fact for fact in heard if isinstance(fact, kind)]

    link.open(lambda: None)
    link.send(facts.Watch("-", [], [], [], False))
    until(lambda: of(facts.ProcessReading) and of(facts.MachineReading) and of(facts.Listing))
    known = of(facts.Target)[-1]
    assert (known.kind, known.pid, known.name) == ("stdin", train.pid, "train.py")
    assert known.roots[0] == str(tmp_path / "out")
    assert known.streams == ["stdin"]
    train.stdin.close()
    train.wait()
    until(lambda: of(facts.Ended))
    assert b"".join(chunk.data for chunk in of(facts.Chunk)) == b"one\n"
    link.close()
    train.stdout.close()


def test_filters_between_the_training_and_us_are_looked_through(tmp_path: Path) -> None:
    script = "import time; print(1, flush=True); time.sleep(60)"
    shell = subprocess.Popen(
        ["bash", "-c", f"{sys.executable} -c '{script}' 2>&1 | tee kept.log | cat"],
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd=tmp_path,
    )
    assert shell.stdout
    assert shell.stdout.readline() == b"1\n"
    name = feeding(os.getpid(), shell.stdout.fileno())
    pid = int(name.partition("@")[0])
    assert b"time.sleep(60)" in Path(f"/proc/{pid}/cmdline").read_bytes()
    subprocess.run(["pkill", "-9", "-s", str(shell.pid)], check=False)
    shell.wait()
    assert feeding(os.getpid(), shell.stdout.fileno()) == ""
    shell.stdout.close()
