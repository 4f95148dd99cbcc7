"""Several runs on one screen: a list to walk through, one opened from it, and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.ui import scenes
from tests.ui.fakes import FakeLink
from tests.ui.stage import Stage
from trainwatch import facts
from trainwatch.run.session import Session
from trainwatch.ui.app import Options, Watched, parting
from trainwatch.ui.monitor import Monitor
from trainwatch.ui.pump import Intake, Pump
from trainwatch.ui.screens.compare import CompareScreen
from trainwatch.ui.screens.fleet import FleetScreen
from trainwatch.ui.screens.watch import WatchScreen

NOPE = facts.Trouble("target", "there is no run called nope", "see: trainwatch list", scenes.BEGUN)
WORDS = ("lr3", "lr4", "nope")


class Several(Stage):
    """The stage with several links; ``link`` is the first one."""

    watched: list[Watched]


@asynccontextmanager
async def several(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Several]:
    told = [scenes.running(400), scenes.running(300), [NOPE]]
    watched = []
    for word, told_here in zip(WORDS, told, strict=True):
        link, session = FakeLink(*told_here), Session()
        one = Watched(link, session, Options(target=word))
        one.intake = Intake(link, session, replay=True)
        link.closed = True
        watched.append(one)
    pump = Pump([one.intake for one in watched])
    pump.open()
    app = Monitor(watched, pump)
    async with app.run_test(size=size) as pilot:
        first = watched[0].intake.link
        assert isinstance(first, FakeLink)
        stage = Several(pilot, first, app, Session())
        stage.watched = watched
        await stage.settled()
        yield stage
        pump.stop()
        assert not app.slips, app.slips


async def test_every_run_has_its_row_and_one_that_fails_says_why() -> None:
    async with several() as stage:
        rows = stage.text.split("\n")
        assert "400/3,000" in rows[2]
        assert "300/3,000" in rows[3]
        assert "there is no run called nope; see: trainwatch list" in rows[4]


async def test_enter_opens_the_run_under_the_cursor_and_backspace_comes_back() -> None:
    async with several() as stage:
        await stage.press("j", "enter")
        assert isinstance(stage.app.screen, WatchScreen)
        assert stage.app.screen.desk.options.target == "lr4"
        assert "300/3,000" in stage.text
        await stage.press("backspace")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "›" in stage.text.split("\n")[3]
        await stage.press("enter", "escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_an_opened_run_hears_its_own_facts_and_no_other() -> None:
    async with several() as stage:
        await stage.press("enter")
        other = stage.watched[1].intake.link
        assert isinstance(other, FakeLink)
        other.say(facts.Ended(1, None, "", scenes.BEGUN + 900))
        await stage.settled()
        assert "failed" not in stage.text.split("\n")[0]
        await stage.say(facts.Ended(0, None, "", scenes.BEGUN + 900))
        assert "ended" in stage.text.split("\n")[0]
        await stage.press("escape")
        assert "✗ failed" in stage.text
        assert "■ ended" in stage.text


async def test_a_stop_is_for_the_run_under_the_cursor() -> None:
    async with several() as stage:
        await stage.press("j", "Q", "i", "enter")
        sent = [
            [type(request) for request in one.intake.link.sent]  # type: ignore[attr-defined]
            for one in stage.watched
        ]
        assert [facts.Stop in kinds for kinds in sent] == [False, True, False]


async def test_marked_runs_are_compared_in_one_chart() -> None:
    async with several() as stage:
        await stage.press("space", "=")
        assert "mark another one too" in stage.keys
        await stage.press("j", "space", "=")
        assert isinstance(stage.app.screen, CompareScreen)
        assert "─ loss of 2 runs" in stage.text.replace("╭", "─")
        await stage.press("m")
        assert "eval loss of 2 runs" in stage.text
        await stage.press("left", "l", "z")
        assert " at " in stage.text
        await stage.press("q")
        assert stage.app.screen is stage.app.first
        assert stage.text.count("■") == 2


async def test_without_a_mark_all_are_compared() -> None:
    async with several() as stage:
        await stage.press("=")
        assert "of 3 runs" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_s_sorts_and_says_how() -> None:
    async with several() as stage:
        await stage.press("s")
        assert "by name" in stage.keys
        await stage.press("s", "s", "s")
        assert "by eval loss" in stage.keys


async def test_small_terminals_still_show_the_list() -> None:
    for size in ((80, 24), (40, 8), (12, 4), (1, 1)):
        async with several(size) as stage:
            await stage.press("j", "enter", "escape", "?", "escape")
            if size == (80, 24):
                assert "400/3,000" in stage.text


async def test_no_way_back_from_a_run_that_was_named_alone() -> None:
    from tests.ui.stage import watching

    async with watching(scenes.running()) as stage:
        await stage.press("backspace", "escape")
        assert stage.app.is_running
        assert isinstance(stage.app.screen, WatchScreen)
        assert " list" not in stage.keys


def test_whoever_leaves_several_is_told_how_to_come_back_to_all() -> None:
    here = Watched(FakeLink(), Session(), Options(target="my log"))
    there = Watched(FakeLink(), Session(), replace(here.options, host="box", target=""))
    assert parting([here, there]) == [
        "What was watched goes on. Come back:  trainwatch attach 'my log' box:"
    ]
