"""What a person sees: the screen of a run at several sizes, in all its states."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.ui import scenes
from tests.ui.stage import watching
from trainwatch import facts

Golden = Callable[[str, str], None]


async def test_a_running_training(golden: Golden) -> None:
    async with watching(scenes.running()) as stage:
        golden("running-120x36", stage.text)


async def test_one_column(golden: Golden) -> None:
    async with watching(scenes.running(), (80, 24)) as stage:
        golden("running-80x24", stage.text)


async def test_wide(golden: Golden) -> None:
    async with watching(scenes.running(), (200, 60)) as stage:
        golden("running-200x60", stage.text)


async def test_a_summary_where_there_is_no_room(golden: Golden) -> None:
    async with watching(scenes.running(), (50, 12)) as stage:
        golden("running-50x12", stage.text)


async def test_nothing_known_yet(golden: Golden) -> None:
    async with watching([]) as stage:
        golden("nothing-120x36", stage.text)


async def test_ascii(golden: Golden) -> None:
    async with watching(scenes.running(), glyphs="ascii") as stage:
        assert stage.text.isascii()
        golden("ascii-120x36", stage.text)


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6])
async def test_each_panel_alone_by_its_digit(number: int, golden: Golden) -> None:
    async with watching(scenes.running(), (80, 24)) as stage:
        await stage.press(str(number))
        golden(f"panel-{number}-80x24", stage.text)


async def test_the_end_is_told(golden: Golden) -> None:
    at = scenes.BEGUN + 520
    async with watching([*scenes.running(), facts.Ended(None, 9, "oom", at)]) as stage:
        assert "killed (SIGKILL, out of memory)" in stage.text
        golden("killed-120x36", stage.text)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)])
async def test_an_end_with_an_error_tells_it_at_every_size(size: tuple[int, int]) -> None:
    at = scenes.BEGUN + 520
    text = (
        scenes.log(1240)
        + "Traceback (most recent call last):\nKeyError: 'no such column: labels'\n"
    )
    story = [scenes.hello(), scenes.target(), *scenes.chunks(text), facts.Ended(1, None, "", at)]
    async with watching(story, size) as stage:
        assert "failed" in stage.text
        assert "KeyError: 'no such" in stage.text
        if size[0] > 60:
            assert "until then HEALTHY" in stage.text


async def test_the_verdict_and_the_checkpoint_to_keep_stand_on_every_size() -> None:
    for size in ((120, 36), (80, 24), (60, 20), (60, 15), (40, 12), (40, 5)):
        async with watching(scenes.running(), size) as stage:
            assert "HEALTHY" in stage.text, size
            assert "★ checkpoint-800" in stage.text, size


async def test_a_summary_is_looked_at_with_the_keys_of_the_chart() -> None:
    async with watching(scenes.running(), (100, 14)) as stage:
        assert "tab next" not in stage.keys
        before = stage.text
        await stage.press("l")
        assert stage.text != before
        await stage.press("3", "slash", "l")
        assert stage.text == before


async def test_the_way_on_is_told_where_few_keys_have_room() -> None:
    async with watching(scenes.running(), (60, 20)) as stage:
        assert "tab next" in stage.keys


async def test_words_that_need_more_than_a_line_lie_over_the_lowest_and_move_nothing() -> None:
    async with watching(scenes.running(), (80, 24)) as stage:
        await stage.press("3")
        before = stage.text.split("\n")
        await stage.press("e")
        after = stage.text.split("\n")
        assert after[:-3] == before[:-3]
        told = "".join(after[-3:])
        assert "there is no command" in told
        assert "in the configuration" in told
        assert "…" not in told
        await stage.press("slash")
        assert stage.text.split("\n")[-2] == before[-2]


async def test_the_help_is_whole_in_a_narrow_terminal() -> None:
    async with watching(scenes.running(), (60, 24)) as stage:
        await stage.press("question_mark")
        assert "…" not in stage.text
        assert "interval to each side." in stage.text


async def test_the_way_back_is_told_on_every_page() -> None:
    async with watching(scenes.running(), (80, 24)) as stage:
        for keys in (["question_mark"], ["A"], ["2", "enter"], ["3", "enter"], ["m"], ["3", "d"]):
            await stage.press(*keys)
            assert "esc back" in stage.keys or "esc no" in stage.keys, (keys, stage.keys)
            await stage.press("escape")
            assert "q leave" in stage.keys


async def test_a_lost_link_is_told_with_its_age() -> None:
    at = scenes.BEGUN + 520
    async with watching(
        [*scenes.running(), facts.Trouble("link", "the probe ended", "", at)]
    ) as stage:
        assert "disconnected" in stage.text.split("\n")[0]


async def test_a_trouble_is_said_once_and_stays_to_be_read() -> None:
    at = scenes.BEGUN + 520
    trouble = facts.Trouble("folder:/work/out", "permission denied", "ask its owner", at)
    async with watching(scenes.running()) as stage:
        await stage.say(trouble)
        assert "permission denied" in stage.keys
        assert "1 trouble" in stage.text
        await stage.press("5", "enter")
        assert "ask its owner" in stage.text


async def test_where_a_line_has_no_room_what_to_do_outlives_what_happened() -> None:
    at = scenes.BEGUN + 520
    trouble = facts.Trouble("folder:/work/out", "a long story " * 60, "ask its owner", at)
    async with watching(scenes.running(), (80, 24)) as stage:
        await stage.say(trouble)
        assert stage.keys.rstrip().endswith("… ask its owner")


async def test_no_gpu_says_why_and_what_to_do() -> None:
    at = scenes.BEGUN + 520
    quiet = [f for f in scenes.running() if not isinstance(f, facts.DeviceReading)]
    trouble = facts.Trouble(
        "devices", "no NVIDIA driver here", "install the driver to see GPUs", at
    )
    async with watching([*quiet, trouble]) as stage:
        assert "no NVIDIA driver here" in stage.text
        assert "install the driver" in stage.text


async def test_stale_and_lost_gpus() -> None:
    at = scenes.BEGUN + 540
    lost = scenes.gpu(1, at, None, faults=[("*", "GPU is lost")], memory_used=None)
    async with watching([*scenes.running(), lost, scenes.hello()._replace(at=at)]) as stage:
        await stage.press("4", "f")
        assert "GPU is lost" in stage.text


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 1), (5, 3), (20, 5), (59, 14), (60, 15), (109, 20), (110, 22), (300, 100)]
)
async def test_any_size(size: tuple[int, int]) -> None:
    async with watching(scenes.running(), size) as stage:
        lines = stage.text.split("\n")
        assert len(lines) == size[1]
        for key in ("1", "2", "3", "4", "5", "6", "f", "m", "escape", "question_mark", "escape"):
            await stage.press(key)
        assert "failed" not in stage.text


async def test_a_storm_of_resizes_ends_in_the_right_picture(golden: Golden) -> None:
    async with watching(scenes.running()) as stage:
        for n in range(24):
            await stage.pilot.resize_terminal(1 + n * 37 % 190, 1 + n * 17 % 70)
        await stage.pilot.resize_terminal(120, 36)
        await stage.settled()
        golden("running-120x36", stage.text)


async def test_an_action_that_goes_wrong_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with watching(scenes.running()) as stage:
        stage.forgiven = True

        def wrong() -> None:
            raise ValueError("no \x1b[31msuch\x07 thing")

        monkeypatch.setattr(stage.watching.loss, "action_log", wrong)
        await stage.press("l")
        assert "that failed (ValueError: no such␇ thing)" in stage.keys
        await stage.press("x")
        assert "epoch · linear" in stage.text


async def test_alerts_are_counted_shown_and_acknowledged() -> None:
    rising = "".join(f"{{'eval_loss': {0.5 + i / 10}, 'step': {1300 + i}}}\n" for i in range(8))
    async with watching(scenes.running()) as stage:
        at = scenes.BEGUN + 600
        await stage.say(facts.Chunk("output.log", 10**6, rising.encode(), at))
        await stage.shows("! 1 alert")
        await stage.press("A")
        await stage.shows("overfitting       active")
        await stage.press("a")
        await stage.shows("acknowledged")
        await stage.press("escape")
        assert "1 alert" not in stage.text
