"""The base panel: paints what changed, shows its own error, survives any size."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult

from tests.ui.conftest import screen_text
from trainwatch.draw.rows import Picture, fit
from trainwatch.run.run import Run
from trainwatch.ui.app import Options
from trainwatch.ui.rows import Desk, Look, Panel, changes
from trainwatch.ui.themes import THEMES, Inks

if TYPE_CHECKING:
    from textual.geometry import Region

    from trainwatch.draw.rows import Row


def row(text: str) -> Row:
    return [(text, "text")]


def test_equal_rows_have_no_changes() -> None:
    assert list(changes(row("same"), [("sa", "text"), ("me", "text")])) == []


def test_only_the_span_that_differs() -> None:
    assert list(changes(row("loss 0.512 step"), row("loss 0.498 step"))) == [(7, 10)]


def test_far_changes_are_two_spans_near_ones_one() -> None:
    assert list(changes(row("1" + "." * 30 + "1"), row("2" + "." * 30 + "2"))) == [(0, 1), (31, 32)]
    assert list(changes(row("1...1"), row("2...2"))) == [(0, 5)]


def test_the_style_of_a_blank_does_not_count_unless_it_is_seen() -> None:
    assert list(changes([("a ", "train")], [("a", "train"), (" ", "dim")])) == []
    assert list(changes([("a ", "text")], [("a", "text"), (" ", "cursor")])) == [(1, 2)]


def test_a_wide_character_is_never_cut() -> None:
    rng = random.Random(5)
    letters = "ab漢字 é"
    for _ in range(500):
        old, new = (fit(row("".join(rng.choices(letters, k=6))), 12) for _ in range(2))
        columns = columns_of(new)
        for start, end in changes(old, new):
            assert start == 0 or columns[start] != ""
            assert end >= len(columns) or columns[end] != ""


def columns_of(line: Row) -> list[str]:
    return [part for text, _ in line for c in text for part in ((c, "") if c in "漢字" else (c,))]


class Sample(Panel):
    NAME = "sample"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.text = "first"
        self.error: Exception | None = None

    def picture(self, columns: int, lines: int) -> Picture:
        if self.error:
            raise self.error
        return Picture(row("sample"), [], [row(self.text)])


class Stage(App[None]):
    CSS = "Sample { height: 5; }"

    def __init__(self, glyphs: Any = "braille") -> None:
        super().__init__()
        look = Look(Inks(THEMES[0]), glyphs)
        nothing = lambda _: None  # noqa: E731 - nobody answers here
        self.desk = Desk(
            Run(), lambda: 0.0, nothing, look, nothing, Options(), lambda: True, nothing
        )

    def compose(self) -> ComposeResult:
        self.one, self.two = Sample(self.desk), Sample(self.desk)
        yield self.one
        yield self.two


async def test_a_panel_paints_only_what_changed() -> None:
    async with Stage().run_test(size=(20, 10)) as pilot:
        panel = pilot.app.one  # type: ignore[attr-defined]
        painted: list[Region] = []
        panel.refresh = lambda *regions: painted.extend(regions)
        panel.text = "fixed"
        panel.redraw()
        assert [(r.x, r.y, r.width) for r in painted] == [(3, 1, 3)]
        painted.clear()
        panel.redraw()
        assert painted == []


async def test_a_panel_that_fails_shows_it_and_the_others_live_on() -> None:
    async with Stage().run_test(size=(60, 10)) as pilot:
        one, two = pilot.app.one, pilot.app.two  # type: ignore[attr-defined]
        one.error = ValueError("no \x1b]0;title\x07 such key")
        one.redraw()
        two.text = "second"
        two.redraw()
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "this panel failed; the others go on" in text
        assert "ValueError: no  such key" in text
        assert "second" in text
        one.error = None
        one.redraw()
        await pilot.pause()
        assert "failed" not in screen_text(pilot.app)


async def test_any_size_down_to_one_cell() -> None:
    async with Stage().run_test(size=(20, 10)) as pilot:
        for width, height in ((1, 1), (2, 1), (3, 2), (1, 9), (60, 3), (300, 90), (4, 4)):
            await pilot.resize_terminal(width, height)
            lines = screen_text(pilot.app).split("\n")
            assert len(lines) == height


async def test_ascii_terminals_get_ascii() -> None:
    async with Stage("ascii").run_test(size=(20, 10)) as pilot:
        assert screen_text(pilot.app).isascii()
