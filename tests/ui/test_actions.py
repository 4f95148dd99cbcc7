"""Every action: declared once, found everywhere, on the keys a person wants."""

from __future__ import annotations

from tests.ui import scenes
from tests.ui.stage import watching
from trainwatch.ui.commands import actions, spelled, table
from trainwatch.ui.monitor import OWNERS


def everything() -> list[tuple[str, str]]:
    return [(where, action.id) for where, owner in OWNERS for action in actions(owner, {})]


def test_ids_are_unique() -> None:
    ids = [name for _, name in everything()]
    assert len(ids) == len(set(ids))


def test_every_binding_has_an_id_and_a_sentence() -> None:
    for _, owner in OWNERS:
        for base in owner.__mro__:
            if base.__module__.startswith("trainwatch"):
                for binding in vars(base).get("BINDINGS", ()):
                    assert binding.id, binding
                    assert binding.tooltip, binding


def test_no_panel_has_two_actions_on_a_key() -> None:
    for where, owner in OWNERS:
        keys = [key for action in actions(owner, {}) for key in action.keys]
        assert len(keys) == len(set(keys)), where


def test_keys_are_written_as_a_person_reads_them() -> None:
    assert [spelled(key) for key in ("question_mark", "ctrl+p", "shift+left", "escape", "a", "plus")] == [
        "?", "^p", "shift+←", "esc", "a", "+",
    ]  # fmt: skip


def test_the_table_of_keys_has_every_action() -> None:
    text = table(OWNERS)
    assert all(f"`{name}`" in text for _, name in everything())


async def test_help_shows_every_action() -> None:
    async with watching(scenes.running(), (120, 170)) as stage:
        await stage.press("question_mark")
        for _, owner in OWNERS:
            for action in actions(owner, {}):
                assert action.sentence in stage.text
        await stage.press("escape")
        assert "loss" in stage.text


async def test_help_scrolls_at_any_size() -> None:
    async with watching(scenes.running(), (80, 24)) as stage:
        await stage.press("question_mark", "end")
        assert "stopping" in stage.text
        await stage.press("home", "down", "pagedown", "up", "pageup")
        assert "1-" in stage.text.split("\n")[0]


async def test_the_palette_has_every_action_and_does_it() -> None:
    async with watching(scenes.running()) as stage:
        names = {command.title for command in stage.app.get_system_commands(stage.app.screen)}
        assert "loss: logarithmic or linear values" in names
        assert "checkpoints: copy its path" in names
        assert "theme: colour-blind" in names
        await stage.press("colon")
        await stage.until(lambda: type(stage.app.screen).__name__ == "CommandPalette")
        await stage.press(*"logarithmic")
        await stage.shows("loss: logarithmic")
        await stage.press("down", "enter")
        await stage.shows("step · log · ema")


async def test_keys_can_be_chosen() -> None:
    keys = {"chart.log": "g,ctrl+g", "log.search": "s"}
    async with watching(scenes.running(), keys=keys) as stage:
        assert "g log-y" in stage.keys
        assert "s search" in stage.keys
        await stage.press("g")
        assert "step · log" in stage.text
        await stage.press("ctrl+g", "l")
        assert "step · linear" in stage.text
        await stage.press("question_mark")
        assert "g ^g" in stage.text


async def test_a_click_on_a_key_does_what_the_key_does() -> None:
    async with watching(scenes.running()) as stage:
        place = stage.keys.index("log-y")
        await stage.pilot.click("#keys", offset=(place, 0))
        await stage.settled()
        assert "step · log" in stage.text


async def test_themes_change_at_once() -> None:
    async with watching(scenes.running()) as stage:
        before = stage.app.desk.look.inks["train"]
        stage.app.theme = "colour-blind"
        await stage.settled()
        assert stage.app.desk.look.inks["train"] != before
        strips = stage.app.screen._compositor.render_strips()
        inks = {segment.style for strip in strips for segment in strip}
        assert stage.app.desk.look.inks["train"] in inks
        assert before not in inks
