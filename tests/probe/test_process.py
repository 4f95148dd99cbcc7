"""Which processes belong to a run, and what they use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import until
from trainwatch.probe import identity, launch, process, runs

PYTHON = sys.executable
pytestmark = pytest.mark.usefixtures("state")


def tree_of(started: launch.Started) -> process.Tree:
    meta = runs.load(started.folder).meta
    assert meta is not None
    return process.Tree(process.of_run(meta))


def test_a_name_in_brackets_may_hold_anything() -> None:
    text = b"7 (a) R (b)) S 1 7 7 0 -1 0 0 0 0 0 11 5 0 0 20 0 1 0 4242 0 99 0\n"
    assert identity.parse_stat(7, text) == identity.Stat(7, "S", 1, 7, 7, 16, 4242, 99)
    assert identity.parse_stat(7, text[:40]) is None


def test_identity_needs_the_start_time_and_the_boot() -> None:
    me = identity.identify(os.getpid())
    assert me is not None
    assert identity.alive(me)
    assert not identity.alive(me._replace(start=me.start + 1))
    assert not identity.alive(me._replace(boot="another"))


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    who = identity.identify(child.pid)
    assert who is not None
    until(lambda: identity.stat(child.pid).state == "Z")  # type: ignore[union-attr]
    assert not identity.alive(who)
    child.wait()


def test_the_tree_holds_children_and_grandchildren_but_no_supervisor() -> None:
    started = launch.start(["sh", "-c", "sh -c 'sleep 61 & sleep 62'; true"], pty=True)
    tree = tree_of(started)
    until(lambda: len(tree.scan()) == 4)
    assert tree.scan()[0].pid == started.pid
    assert tree.subject.supervisor is not None
    pids = {stat.pid for stat in tree.scan()}
    assert tree.subject.supervisor.pid not in pids


def test_an_orphan_still_belongs_to_its_run() -> None:
    started = launch.start(["sh", "-c", "(setsid sleep 61 &); sleep 62"])
    tree = tree_of(started)
    until(lambda: len(tree.scan()) == 3)
    keeper = tree.subject.supervisor
    assert keeper is not None
    until(lambda: [s for s in tree.scan() if s.parent == keeper.pid and s.pid != started.pid])


def test_readings_tell_state_cores_and_memory() -> None:
    script = "x = bytearray(60 << 20)\nprint('ready', flush=True)\nwhile True: pass"
    started = launch.start([PYTHON, "-c", script])
    until(lambda: "ready" in Path(started.folder, runs.LOG).read_text())
    meter = process.Meter(tree_of(started))
    first = meter.read(time.monotonic(), 5.0)
    assert (first.pid, first.state, first.cpu, first.at) == (started.pid, "running", None, 5.0)
    assert first.tree == [started.pid]
    assert first.memory is not None
    assert 60 << 20 < first.memory < 120 << 20
    before = time.monotonic(), time.process_time()
    until(lambda: time.monotonic() - before[0] > 0.5)
    second = meter.read(time.monotonic(), 6.0)
    assert second.cpu is not None
    assert 0.1 < second.cpu < 1.2


def test_a_reading_of_what_has_ended_says_so() -> None:
    started = launch.start(["true"])
    until(lambda: runs.load(started.folder).exit is not None)
    until(lambda: identity.stat(started.pid) is None)
    reading = process.Meter(tree_of(started)).read(time.monotonic(), 7.0)
    assert (reading.state, reading.cpu, reading.memory, reading.tree) == ("gone", None, None, [])


def test_two_hundred_processes_are_sampled_in_little_time() -> None:
    started = launch.start(["sh", "-c", "for i in $(seq 200); do sleep 60 & done; wait"])
    tree = tree_of(started)
    until(lambda: len(tree.scan()) == 201)
    before = time.process_time()
    for _ in range(20):
        tree.scan()
    assert (time.process_time() - before) / 20 < 0.1


@pytest.mark.parametrize("kind", ["sleep", "psutil"])
def test_without_proc_psutil_tells_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    psutil = pytest.importorskip("psutil")
    here = identity.stat(os.getpid())
    monkeypatch.setattr(identity, "_PROC", False)
    monkeypatch.setattr(identity, "psutil", psutil if kind == "psutil" else None)
    there = identity.stat(os.getpid())
    if kind == "sleep":
        assert there is None
        return
    assert here is not None
    assert there is not None
    assert (there.pid, there.parent, there.group) == (here.pid, here.parent, here.group)
    assert os.getpid() in identity.pids()
