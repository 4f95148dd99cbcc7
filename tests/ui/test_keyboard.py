"""Typed at once or one by one: it comes to the same. Nothing typed ahead is lost or misunderstood."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.ui import scenes
from tests.ui.stage import Stage, watching
from trainwatch import facts

KEYS = (
    "question_mark", "escape", "q", "enter", "slash", "l", "o", "1", "2", "3", "4", "5", "6", "tab",
    "f", "m", "j", "k", "down", "up", "A", "Q", "c", "n", "i", "space", "x", "t", "s", "left", "plus",
)  # fmt: skip
SIZES = ((120, 36), (80, 24))


def seen(stage: Stage) -> tuple[object, ...]:
    """All that a person can tell of the screen, and all that the probe was told to do.

    What is read of a file depends on how long a person looks at it.
    """
    asked = tuple(
        str(request) for request in stage.link.sent if not isinstance(request, facts.Read)
    )
    return (stage.app.is_running and stage.text, stage.app.return_value, asked)


async def typed(keys: list[str], size: tuple[int, int], at_once: bool) -> tuple[object, ...]:
    async with watching(scenes.running(), size) as stage:
        for part in [keys] if at_once else [[key] for key in keys]:
            if stage.app.is_running:
                await stage.press(*part)
        return seen(stage)


@pytest.mark.parametrize("seed", range(12))
async def test_any_keys_mean_the_same_typed_at_once(seed: int) -> None:
    dice = random.Random(seed)
    keys = [dice.choice(KEYS) for _ in range(8)]
    size = SIZES[seed % 2]
    assert await typed(keys, size, at_once=True) == await typed(keys, size, at_once=False), keys


@pytest.mark.parametrize(
    "keys",
    [
        ["question_mark", "escape", "3"],  # a page that is still being opened closes
        ["m", "escape", "x"],
        ["m", "l", "o", "s", "enter", "q", "escape", "escape", "4", "f"],
        ["slash", *"loss", "enter", "1", "x"],  # a digit after a line was typed is a digit again
        ["slash", *"loss", "escape", "f"],
        ["5", "enter", "escape", "2"],  # a page that a panel asks for
        ["3", "down", "enter", "D", "n", "escape", "1"],  # a question over a page
        ["Q", "k", "escape", "6"],
        ["f", "5", "2"],
    ],
)
async def test_what_opens_and_closes_is_over_before_the_next_key(keys: list[str]) -> None:
    assert await typed(keys, SIZES[0], at_once=True) == await typed(keys, SIZES[0], at_once=False)


async def test_after_leaving_nothing_is_heard() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("q", "Q", "k", "enter")
        assert stage.link.sent == []


# --- on a terminal --------------------------------------------------------------------------------


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    log = tmp_path / "train.log"
    log.write_text("".join(f"{{'loss': {2 - n / 99}, 'step': {n}}}\n" for n in range(100)))
    shown = Terminal([*TRAINWATCH, "attach", str(log)], environment(tmp_path))
    yield shown
    shown.close()


@pytest.mark.parametrize(
    "keys",
    [
        "?qq",
        "?\x1bq",  # Escape and a letter in one piece are not a letter with Alt
        "/loss\r?qq",
        "/loss\x1b?qq",  # nor is Escape dropped before a sign
        "m\x1bq",
        "?\x1b3/\x1b=q",  # nor are Escape and a digit a sign
        "5\r\x1b\x1b[Aq",
        "Q\x1b/q\x1bq",
    ],
)
def test_keys_that_arrive_in_one_piece_lead_out_again(keys: str, terminal: Terminal) -> None:
    terminal.until("following")
    terminal.type(keys)
    assert terminal.wait() == 0


def test_escape_and_a_letter_of_a_fast_typist(terminal: Terminal) -> None:
    terminal.until("following")
    for key in "?", "\x1b", "q":
        terminal.type(key)
        time.sleep(0.06)
    assert terminal.wait() == 0


def test_keys_typed_before_the_screen_is_there(terminal: Terminal) -> None:
    terminal.until("loss")
    terminal.type("?\x1b/loss\x1b?qq")
    assert terminal.wait() == 0
