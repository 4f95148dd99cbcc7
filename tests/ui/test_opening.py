"""The first picture stands where the screen will have it, in the same words and colours."""

from __future__ import annotations

import subprocess
import sys

import pytest
from textual.theme import Theme

from tests.ui import scenes
from tests.ui.fakes import FakeLink
from tests.ui.stage import watching
from trainwatch import facts
from trainwatch.run.session import Session
from trainwatch.run.topics import Topic
from trainwatch.ui import opening
from trainwatch.ui.app import Options
from trainwatch.ui.codes import codes
from trainwatch.ui.palette import PALETTES
from trainwatch.ui.pump import Intake, Pump
from trainwatch.ui.rows import Panel
from trainwatch.ui.themes import THEMES, Inks

SIZES = [(60, 22), (80, 24), (100, 50), (109, 22), (110, 22), (120, 36), (163, 41), (200, 60), (300, 90)]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_everything_stands_where_the_screen_has_it(size: tuple[int, int]) -> None:
    async with watching(scenes.running(), size) as stage:
        places = opening.places(*size)
        for name, place in places.items():
            region = stage.watching.query_one(f"#{name}").region
            assert place == (region.x, region.y, region.width, region.height), name
        now = stage.app.desk.now()
        for name, rows in opening.pictures(stage.run, Options(), now, places).items():
            panel = stage.watching.query_one(f"#{name}", Panel)
            assert rows == panel.rows(*panel.size), name


@pytest.mark.parametrize("size", [(59, 30), (120, 21), (40, 10), (1, 1), (0, 0)])
def test_small_terminals_have_none(size: tuple[int, int]) -> None:
    assert opening.places(*size) == {}


@pytest.mark.parametrize("theme", [theme for theme in THEMES if theme.name in PALETTES])
def test_the_colours_are_those_of_the_screen(theme: Theme) -> None:
    inks = Inks(theme)
    for name, ink in opening.inked(theme.name, colours=True).items():
        theirs = inks[name]
        for mine, other in ((ink.color, theirs.color), (ink.bgcolor, theirs.bgcolor)):
            assert mine is not None
            assert other is not None
            pairs = zip(mine.get_truecolor(), other.get_truecolor(), strict=True)
            assert all(abs(a - b) <= 1 for a, b in pairs), name  # Textual rounds once more
        assert codes(ink, None) == codes(theirs, None), name


def test_a_theme_of_textual_is_left_to_textual() -> None:
    assert opening.inked("nord", colours=True) == {}
    assert opening.inked("nord", colours=False) != {}


def test_textual_is_not_needed_for_it() -> None:
    code = "import sys, trainwatch.ui.opening; print([m for m in sys.modules if 'textual' in m])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_what_came_before_the_loop_runs_is_read_and_published_when_it_does() -> None:
    line = facts.Chunk("output.log", 0, b"{'loss': 0.5, 'epoch': 0.1}\n", 5.0)
    link, session = FakeLink(line, facts.CaughtUp(6.0), facts.Pong(2e9)), Session()
    intake = Intake(link, session)
    pump = Pump([intake])
    pump.read(60)
    assert session.run.metrics.loss is not None
    assert intake.now() < 2e9, "read past the moment in which everything was there"
    assert pump._changed[intake] & Topic.METRICS
