"""Trainings that nobody started through trainwatch, found by what they hold in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import until
from tests.probe.conftest import Start
from trainwatch import facts
from trainwatch.probe import launch, trainings

pytestmark = pytest.mark.usefixtures("state")

MAP = """
import mmap, sys, time
file = open(sys.argv[1], 'rb')
held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
print('mapped', flush=True)
time.sleep(60)
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A file at the place of a framework's library: by that it is known, as in a real one."""
    path = tmp_path / "site-packages/torch/lib/libtorch_cpu.so"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 4096)
    (tmp_path / "train.py").write_text(MAP)
    return path


def begin(start: Start, words: list[str]) -> subprocess.Popen[bytes]:
    process = start(words, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"mapped\n"
    process.stdout.close()
    return process


def found(pid: int) -> facts.RunSeen | None:
    return next((one for one in trainings.every() if one.pid == pid), None)


def test_a_process_with_a_framework_in_memory_is_one(start: Start, library: Path) -> None:
    script = str(library.parents[3] / "train.py")
    train = begin(start, [sys.executable, script, str(library), "--token", "abc"])
    seen = found(train.pid)
    assert seen is not None
    assert (seen.id, seen.name, seen.state) == (str(train.pid), "train.py", "running")
    assert seen.command == [sys.executable, script, str(library), "--token", "***"]
    assert seen.started


def test_another_process_is_not(start: Start, library: Path, tmp_path: Path) -> None:
    other = tmp_path / "torch.so"
    other.write_bytes(b"x")
    process = begin(start, [sys.executable, str(tmp_path / "train.py"), str(other)])
    assert found(process.pid) is None


def test_of_a_tree_only_the_root_counts(start: Start, library: Path) -> None:
    folder = library.parents[3]
    (folder / "agent.py").write_text(
        "import subprocess, sys\nsubprocess.Popen([sys.executable, 'train.py', sys.argv[1]])\n"
        + MAP
    )
    agent = start([sys.executable, "agent.py", str(library)], cwd=folder, stdout=subprocess.PIPE)
    assert agent.stdout
    assert [agent.stdout.readline() for _ in range(2)] == [b"mapped\n", b"mapped\n"]
    agent.stdout.close()
    ours = [one for one in trainings.every() if str(library) in one.command]
    assert [one.pid for one in ours] == [agent.pid]


def test_a_run_is_no_stranger(library: Path) -> None:
    run = launch.start([sys.executable, str(library.parents[3] / "train.py"), str(library)])
    log = Path(run.folder, "output.log")
    until(lambda: log.read_text() == "mapped\n")
    assert found(run.pid) is None
