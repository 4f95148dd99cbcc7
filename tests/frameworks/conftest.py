"""Real frameworks, in virtual environments of their own, watched by the command as a user types it.

The law of this folder: the truth is what a framework itself recorded (``recorded.jsonl``, written by
the scripts under ``trainings/``), never what it printed. ``TRAINWATCH_FRAMEWORK_VENVS`` names the
folder of the environments; ``.ci/run`` makes them. Without it these tests skip.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.watched import Watched
from tests.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VENVS = os.environ.get("TRAINWATCH_FRAMEWORK_VENVS")


@pytest.fixture(autouse=True)
def _only_with_the_frameworks() -> None:
    if VENVS is None:
        pytest.skip("TRAINWATCH_FRAMEWORK_VENVS is not set (see .ci/run)")


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture(scope="session")
def python() -> Callable[[str], str]:
    """The interpreter of a framework environment, or a skip that says what is missing."""

    def find(name: str) -> str:
        path = Path(VENVS or "", name, "bin", "python")
        if not path.exists():
            pytest.skip(f"there is no environment {name} in {VENVS}")
        return str(path)

    return find


@pytest.fixture
def terminal(watched: Watched) -> Iterator[Terminal]:
    terminal = Terminal(watched.folder, watched.environment)
    yield terminal
    terminal.tmux("kill-server")
