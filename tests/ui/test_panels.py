"""Checkpoints, gap, metrics: what enter, letters and clicks do in each."""

from __future__ import annotations

from collections.abc import Callable

from tests.ui import scenes
from tests.ui.stage import watching
from trainwatch.read.records import CheckpointsSeen

Golden = Callable[[str, str], None]


async def test_walking_through_checkpoints() -> None:
    async with watching(scenes.running()) as stage:
        panel = stage.watching.checkpoints
        await stage.press("3", "down")
        assert panel.view.cursor == f"{scenes.ROOT}/checkpoint-800"  # the one to keep comes first
        await stage.press("j")
        assert panel.view.cursor == f"{scenes.ROOT}/checkpoint-1200"
        await stage.press("j", "j", "j")
        assert panel.view.cursor == f"{scenes.ROOT}/checkpoint-1240"
        await stage.press("k", "up", "home")
        assert panel.view.cursor == f"{scenes.ROOT}/checkpoint-400"


async def test_a_checkpoint_in_full(golden: Golden) -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "down", "enter")
        golden("checkpoint-120x36", stage.text)


async def test_path_and_command_go_to_the_clipboard() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "home", "c")
        assert stage.app.clipboard == "/work/out/checkpoint-400"
        assert "copied path" in stage.keys
        await stage.press("r")
        assert "--resume_from_checkpoint" in stage.app.clipboard


async def test_checkpoints_in_another_order() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "s")
        assert "by eval loss" in stage.keys
        rows = [row for row in stage.text.split("\n") if "13.5G" in row]
        assert "800" in rows[0]


async def test_a_click_chooses_and_two_open() -> None:
    async with watching(scenes.running()) as stage:
        await stage.pilot.click("#checkpoints", offset=(10, 3))
        await stage.settled()
        assert stage.watching.checkpoints.view.cursor == f"{scenes.ROOT}/checkpoint-800"
        await stage.pilot.click("#checkpoints", offset=(10, 3), times=2)
        await stage.settled()
        assert "files (3)" in stage.text


async def test_a_checkpoint_that_is_deleted_while_it_is_read() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "home", "enter")
        assert "files (3)" in stage.text
        await stage.say(CheckpointsSeen(scenes.ROOT, (), (), scenes.BEGUN + 700))
        assert "not there any more" in stage.text
        await stage.press("escape")
        assert "no checkpoint yet" in stage.text


async def test_the_evidence_of_the_verdict() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("2", "enter")
        assert "checked" in stage.text
        assert "gold set" in stage.text


async def test_every_metric_in_a_grid(golden: Golden) -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("m")
        golden("metrics-120x36", stage.text)


async def test_typing_filters_the_grid() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("m", *"grad")
        assert "╭ grad_norm" in stage.text
        assert "╭ loss" not in stage.text
        await stage.press(*["backspace"] * 4)
        assert "╭ loss" in stage.text
        await stage.press(*"nosuchthing")
        assert "none" in stage.text.split("\n")[0]
        await stage.press("escape", "escape")
        assert "checkpoints" in stage.text


async def test_letters_that_are_keys_elsewhere_are_letters_in_the_filter() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("m", *"lq?")
        assert "lq?" in stage.text.split("\n")[0]
        assert stage.app.is_running


async def test_a_metric_large_with_all_the_keys_of_a_chart() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("m", *"grad", "enter")
        assert stage.text.startswith("╭ grad_norm")
        await stage.press("z", "x", "left")
        assert "epoch" in stage.text
        await stage.press("escape", "escape", "escape")
        assert "metrics  grad" in stage.text


async def test_the_grid_takes_more_or_fewer_charts() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("m")
        assert stage.text.count("╭ ") == 5
        await stage.press("minus", "minus", "minus")
        assert stage.text.count("╭ ") == 2
        await stage.press("minus", "right")
        assert "2-2 of 5" in stage.text
        await stage.press("pagedown", "pageup", "down", "up", "plus")
