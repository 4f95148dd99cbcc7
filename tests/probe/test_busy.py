"""Whether anybody may be writing below a folder: real processes that do, and that do not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainwatch.probe import busy

WAITS = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def process(cwd: Path | str, code: str = WAITS, *words: str) -> Iterator[None]:
    """A program that has done what it does first, and now waits."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout
        running.stdout.readline()
        yield
        running.communicate()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "project/out").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "project/out"


def test_nobody_writes_where_nobody_works(out: Path) -> None:
    with process(out.parents[1] / "elsewhere"):
        assert busy.nobody(str(out), [])


@pytest.mark.parametrize("place", ["project", "project/out"])
def test_whoever_works_there_may_write(out: Path, place: str) -> None:
    with process(out.parents[1] / place):
        assert not busy.nobody(str(out), [])
    assert busy.nobody(str(out), [])


@pytest.mark.parametrize("words", [["--output_dir", "{}"], ["output={}/checkpoint-9"]])
def test_whoever_was_told_of_the_folder_may_write(out: Path, words: list[str]) -> None:
    with process("/", WAITS, *(word.format(out) for word in words)):
        assert not busy.nobody(str(out), [])


@pytest.mark.parametrize(("mode", "alone"), [("w", False), ("r", True)])
def test_whoever_has_a_file_open_for_writing_writes(out: Path, mode: str, alone: bool) -> None:
    (out / "model.safetensors").write_bytes(b"x")
    code = f"import os; os.chdir({str(out)!r}); f = open('model.safetensors', {mode!r});"
    with process("/", f"{code} os.chdir('/'); {WAITS}"):
        assert busy.nobody(str(out), []) == alone


def test_a_file_is_known_by_another_name_as_well(out: Path) -> None:
    (out / "model.safetensors").write_bytes(b"x")
    other = out.parents[1] / "elsewhere/linked"
    other.hardlink_to(out / "model.safetensors")
    with process("/", f"f = open({str(other)!r}, 'a'); {WAITS}"):
        assert not busy.nobody(str(out), [str(out / "model.safetensors")])


def test_those_that_began_us_are_no_trainings(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out)
    done = subprocess.run(
        [sys.executable, "-c", f"from trainwatch.probe import busy; print(busy.nobody({str(out)!r}, []))"],
        cwd=Path(busy.__file__).parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"
