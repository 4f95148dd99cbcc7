"""What is shipped to the machine of the training runs on every Python found here, bare."""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PYTHONS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.12", "3.13", "3.14")
SPECIFICATIONS = ("wire/test_wire.py", "probe/test_file_stream.py", "probe/test_launch_bare.py")


def interpreter(version: str) -> str | None:
    """The newest interpreter of that version on PATH or among those of pyenv, if it starts."""
    kept = Path.home() / ".pyenv" / "versions"
    found = sorted(kept.glob(f"{version}.*/bin/python"))
    python = str(found[-1]) if found else shutil.which(f"python{version}")
    # A shim of pyenv stands on PATH also for versions that are not there.
    starts = python and subprocess.run([python, "-V"], capture_output=True, check=False)
    return python if starts and starts.returncode == 0 else None


@pytest.mark.parametrize("specification", SPECIFICATIONS)
@pytest.mark.parametrize("version", PYTHONS)
def test_the_same_specification_holds(version: str, specification: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    plain, path = TESTS / "house" / "plain.py", TESTS / specification
    command = [python, "-I", "-S", str(plain), str(TESTS.parent), str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 0
