"""Coroutine tests, the screen as text, and golden screens.

``screen_text`` is the one place that reads Textual's compositor. A golden file that is missing, or
all of them with TRAINWATCH_GOLDEN=write, is written; read the difference before committing it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def screen_text(app: App[Any]) -> str:
    """What stands on the screen, trailing blanks cut."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a screen with the file of that name."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / f"screen-{name}.txt"
        if os.environ.get("TRAINWATCH_GOLDEN") == "write":
            file.parent.mkdir(exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text + "\n"

    return compare
