"""The folder of a login, and what becomes of the folders of the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from trainwatch.link.nook import Nook

_HOLD = "from trainwatch.link.nook import Nook; import time; n = Nook(); print(n.path, flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def holder() -> tuple[subprocess.Popen[str], Path]:
    """Another process with a folder of its own."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_private_and_goes_when_it_is_closed() -> None:
    nook = Nook()
    assert os.stat(nook.path).st_mode & 0o777 == 0o700
    (Path(nook.path) / "m").touch()
    nook.close()
    assert not os.path.exists(nook.path)


def test_the_folder_of_one_who_lives_stays_and_that_of_one_who_was_killed_goes() -> None:
    process, folder = holder()
    try:
        Nook().close()
        assert folder.is_dir()
        process.kill()
        process.wait()
        assert folder.is_dir()
        Nook().close()
        assert not folder.exists()
    finally:
        process.kill()
        process.communicate()


def test_what_is_not_provably_ours_is_left_alone(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (temporary / "tw-without").mkdir()
    (temporary / "tw-link").symlink_to(elsewhere)
    (temporary / "tw-file").touch()
    Nook().close()
    assert sorted(p.name for p in temporary.iterdir()) == [
        "elsewhere", "tw-file", "tw-link", "tw-without",
    ]  # fmt: skip
    assert (elsewhere / "lock").exists()
