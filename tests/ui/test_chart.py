"""The chart under keys and mouse, and how its cursor, the log and the checkpoints belong together."""

from __future__ import annotations

from tests.ui import scenes
from tests.ui.stage import Stage, watching
from trainwatch import facts
from trainwatch.ui.panels.chart import Chart


def chart(stage: Stage) -> Chart:
    panel = stage.watching.loss
    assert isinstance(panel, Chart)
    return panel


async def test_zoom_keeps_the_newest_point_and_escape_brings_the_whole_run_back() -> None:
    async with watching(scenes.running()) as stage:
        before = stage.text
        await stage.press("z")
        view = chart(stage).view
        assert view.start is not None
        assert view.stop is not None
        assert view.start < 1240 <= view.stop
        assert "zoom" in stage.text
        await stage.press("escape")
        assert chart(stage).view.start is None
        assert stage.text == before


async def test_zooming_out_as_far_as_in_shows_the_whole_run_again() -> None:
    async with watching(scenes.running()) as stage:
        for key in "zzzZZZZ":
            await stage.press(key)
        assert (chart(stage).view.start, chart(stage).view.stop) == (None, None)


async def test_zoom_around_the_cursor_keeps_it_in_place() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("home", "z", "z")
        view = chart(stage).view
        assert view.cursor == 10
        assert view.start is not None
        assert view.stop is not None
        assert view.start <= 10 <= view.stop


async def test_panning_never_loses_the_run() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("z", "z", *["left_square_bracket"] * 40)
        view = chart(stage).view
        assert view.stop is not None
        assert view.stop > 0
        await stage.press(*["right_square_bracket"] * 80)
        view = chart(stage).view
        assert view.start is not None
        assert view.start < 1240


async def test_the_look_of_the_chart() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("l")
        assert "step · log · ema 0.6" in stage.text
        await stage.press("l", "plus", "plus")
        assert "step · linear · ema 0.9" in stage.text
        await stage.press(*["minus"] * 9)
        assert "step · linear · raw" in stage.text
        await stage.press("x")
        assert "epoch · linear" in stage.text
        await stage.press("x")
        assert "time · linear" in stage.text
        await stage.press("x")
        assert "step · linear" in stage.text


async def test_the_cursor_stays_on_its_point_when_the_axis_changes() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("end", *["left"] * 5, "x")
        assert "step 1," in stage.text
        step = chart(stage).view.cursor
        assert step is not None
        assert 1.0 < step < 1.24
        await stage.press("x", "x")
        assert chart(stage).view.cursor == round(step * 1000)


async def test_the_cursor_walks_from_evaluation_to_evaluation() -> None:
    async with watching(scenes.running()) as stage:
        seen = []
        for _ in range(4):
            await stage.press("p")
            seen.append(chart(stage).view.cursor)
        assert seen == [1200, 800, 400, 400]
        await stage.press("n")
        assert chart(stage).view.cursor == 800


async def test_a_point_selects_its_line_and_its_checkpoint() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("p", "p")
        assert "step 800 · epoch 0.80" in stage.text
        assert stage.watching.checkpoints.view.cursor == "/work/out/checkpoint-800"
        line = next(row for row in stage.text.split("\n") if row.startswith("│›"))
        assert "'eval_loss': '0.4874'" in line


async def test_a_line_selects_its_point_and_its_checkpoint() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("slash", *"0.4874", "enter")
        assert chart(stage).view.cursor == 800
        assert stage.watching.checkpoints.view.cursor == "/work/out/checkpoint-800"


async def test_a_checkpoint_selects_its_point_and_its_line() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "home")
        assert chart(stage).view.cursor == 400
        line = next(row for row in stage.text.split("\n") if row.startswith("│›"))
        assert "'epoch': '0.4'" in line


async def test_the_wheel_zooms_where_the_pointer_is() -> None:
    async with watching(scenes.running()) as stage:
        await stage.pilot._post_mouse_events([scroll_up()], chart(stage), offset=(20, 8), button=0)
        await stage.settled()
        view = chart(stage).view
        assert view.start is not None
        assert view.stop is not None
        assert view.start < 300 < view.stop


def scroll_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_a_click_puts_the_cursor_and_a_drag_zooms() -> None:
    async with watching(scenes.running()) as stage:
        await stage.pilot.click(chart(stage), offset=(30, 8))
        cursor = chart(stage).view.cursor
        assert cursor is not None
        assert 400 < cursor < 700
        await stage.pilot.mouse_down(chart(stage), offset=(20, 8))
        await stage.pilot.hover(chart(stage), offset=(40, 8))
        await stage.pilot.mouse_up(chart(stage), offset=(40, 8))
        await stage.settled()
        view = chart(stage).view
        assert view.start is not None
        assert view.stop is not None
        assert 100 < view.start < cursor < view.stop < 1000


async def test_full_screen_and_back() -> None:
    async with watching(scenes.running()) as stage:
        before = stage.text
        await stage.press("f")
        assert "checkpoints ─" not in stage.text
        assert stage.text.split("\n")[3].startswith("╭ loss")
        await stage.press("f")
        assert stage.text == before


async def test_a_run_without_numbers_bears_every_key() -> None:
    async with watching([scenes.hello(), scenes.target()]) as stage:
        for key in (
            "z",
            "Z",
            "left",
            "right",
            "home",
            "end",
            "n",
            "p",
            "x",
            "l",
            "plus",
            "minus",
            "o",
            "escape",
            "0",
        ):
            await stage.press(key)
        assert "no loss line yet" in stage.text


async def test_a_run_that_tells_no_steps_is_shown_over_epochs() -> None:
    text = "".join(f"{{'loss': '{2 / n:.4f}', 'epoch': '{n / 10:.2f}'}}\n" for n in range(1, 60))
    told = facts.Chunk("output.log", 0, text.encode(), scenes.BEGUN)
    async with watching([scenes.hello(), scenes.target(), told]) as stage:
        assert "epoch · linear" in stage.text
        assert "┤" in stage.text


async def test_steps_that_come_after_the_first_lines_are_still_the_axis() -> None:
    at = scenes.BEGUN + 9
    early = "{'loss': 2.0, 'epoch': 0.01}\n{'loss': 1.9, 'epoch': 0.02}\n"
    later = "".join(
        f"{scenes.bar(10 * n, 3000)}\n{{'loss': {2 - n / 50}, 'epoch': {n / 100}}}\n"
        for n in range(3, 30)
    )
    async with watching([scenes.hello(), scenes.target()]) as stage:
        await stage.say(facts.Chunk("output.log", 0, early.encode(), at))
        await stage.shows("epoch · linear")
        await stage.say(facts.Chunk("output.log", len(early), later.encode(), at + 9))
        await stage.shows("step · linear")
        await stage.press("x")
        await stage.say(facts.Chunk("output.log", len(early + later), b"{'loss': 1.0}\n", at + 20))
        assert "epoch · linear" in stage.text
