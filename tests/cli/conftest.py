"""The real command, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment

Command: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
Sit: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def trainwatch(state: Path, tmp_path: Path) -> Command:
    """Run ``trainwatch`` with these words, without a terminal, and return what it said."""

    def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TRAINWATCH, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment(state, **env),
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def sit(state: Path) -> Iterator[Sit]:
    """Run ``trainwatch`` with these words on a terminal."""
    opened: list[Terminal] = []

    def start(*words: str, columns: int = 120, rows: int = 36, **env: str) -> Terminal:
        terminal = Terminal([*TRAINWATCH, *words], environment(state, **env), columns, rows)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()
