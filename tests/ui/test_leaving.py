"""Leaving, and stopping the training: nothing is touched that was not asked for."""

from __future__ import annotations

import pytest

from tests.ui import scenes
from tests.ui.stage import Stage, watching
from trainwatch import facts
from trainwatch.run.run import Run
from trainwatch.ui.app import INTERRUPTED, Options, exit_code, farewell

AT = scenes.BEGUN + 600


def run_of(*told: object) -> Run:
    run = Run()
    for fact in (scenes.hello(), scenes.target(), *told):
        run.apply(fact)
    return run


def stops(stage: Stage) -> list[facts.Stop]:
    return [request for request in stage.link.sent if isinstance(request, facts.Stop)]


async def test_q_leaves_and_asks_nothing() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("q")
        assert stage.app.return_value is None
        assert not stage.app.is_running
        assert stops(stage) == []


async def test_ctrl_c_leaves_as_ctrl_c_does() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("ctrl+c")
        assert stage.app.return_value == INTERRUPTED
        assert stops(stage) == []


def test_whoever_leaves_is_told_how_to_come_back() -> None:
    assert farewell(run_of(), Options(target="")) == [
        "The training goes on (pid 4211). Come back:  trainwatch attach sft-out",
        "Stop it:  trainwatch stop sft-out",
    ]


def test_the_way_back_names_the_host_and_is_quoted() -> None:
    told = farewell(run_of(), Options(target="", host="kim@box"))
    assert told[0].endswith("trainwatch attach kim@box:sft-out")
    run = Run()
    run.apply(scenes.target()._replace(kind="log", name="x", pid=None))
    assert farewell(run, Options(target="my log; rm *.txt")) == [
        "What was watched goes on. Come back:  trainwatch attach 'my log; rm *.txt'"
    ]


def test_how_a_training_ended_is_told() -> None:
    failed = farewell(run_of(facts.Ended(3, None, "", AT)), Options())
    assert failed == ["The training failed: exit code 3. See it again:  trainwatch attach sft-out"]
    killed = farewell(run_of(facts.Ended(None, 9, "oom", AT)), Options())
    assert "killed: SIGKILL, out of memory" in killed[0]


def test_nothing_hostile_is_printed_when_leaving() -> None:
    run = Run()
    run.apply(scenes.target(name="a\x1b]0;b\x07c\x9b31m"))
    told = "\n".join(farewell(run, Options(), ValueError("\x1b[2J")))
    assert "\x1b" not in told
    assert "\x9b" not in told
    assert "\x07" not in told


@pytest.mark.parametrize(
    ("ended", "launched", "code"),
    [
        (None, True, 0),
        (facts.Ended(0, None, "", AT), True, 0),
        (facts.Ended(3, None, "", AT), True, 3),
        (facts.Ended(None, 9, "", AT), True, 137),
        (facts.Ended(None, None, "", AT), True, 0),
        (facts.Ended(3, None, "", AT), False, 0),
    ],
)
def test_the_exit_code_is_the_trainings_own_only_where_we_started_it(
    ended: facts.Ended | None, launched: bool, code: int
) -> None:
    assert exit_code(run_of(*([ended] if ended else [])), Options(launched=launched)) == code


# --- stopping -------------------------------------------------------------------------------


async def test_stopping_asks_first_and_names_the_signals() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("Q")
        for word in (
            "interrupt and let it save",
            "SIGINT",
            "SIGINT, SIGTERM after 30 s, SIGKILL",
            "SIGKILL",
            "cancel",
            "process 4211 on gpu-box",
        ):
            assert word in stage.text
        assert stops(stage) == []
        await stage.press("enter")
        assert "stop the training" not in stage.text
        assert stops(stage) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("i", facts.Stop("r1", False, 30.0)),
        ("k", facts.Stop("r1", True, 0.0)),
    ],
)
async def test_a_letter_points_and_enter_sends(key: str, expected: facts.Stop) -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("Q", key)
        assert stops(stage) == []
        await stage.press("enter")
        assert stops(stage) == [expected]


async def test_the_answers_are_shown_as_they_come() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("Q", "i", "enter")
        await stage.say(facts.Answer(True, False, "SIGINT (as Ctrl-C) to process 4211", AT))
        assert "SIGINT (as Ctrl-C) to process 4211" in stage.text
        await stage.say(facts.Answer(True, True, "stopped", AT))
        assert "stopped" in stage.text
        await stage.press("escape")
        assert "stop the training" not in stage.text


async def test_arrows_walk_round_and_a_click_points_then_sends() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("Q", "down", "enter")
        assert stops(stage)[0].grace == 30.0
    async with watching(scenes.running()) as stage:
        await stage.press("Q", "up")
        await stage.pilot.click("Choices", offset=(8, 4))
        await stage.settled()
        assert stops(stage) == []
        await stage.pilot.click("Choices", offset=(8, 4))
        await stage.settled()
        assert len(stops(stage)) == 1


async def test_nothing_to_stop_where_it_has_ended_or_is_a_recording() -> None:
    async with watching([*scenes.running(), facts.Ended(0, None, "", AT)]) as stage:
        await stage.press("Q")
        assert "already ended" in stage.keys
    async with watching(scenes.running(), replay=True) as stage:
        await stage.press("Q")
        assert "recording" in stage.keys
