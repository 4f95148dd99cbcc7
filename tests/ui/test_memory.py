"""What best means and what was marked are there again when the same run is looked at again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.ui import scenes
from tests.ui.stage import watching
from tests.ui.test_browser import at, path
from trainwatch import facts
from trainwatch.ui.memory import Memory, Taste, place_of


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRAINWATCH_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


async def look(*keys: str) -> tuple[str, frozenset[str]]:
    """Look at the run, press keys on step 800, leave."""
    async with watching(scenes.running(), memory=Memory()) as stage:
        await at(stage, 800)
        await stage.press(*keys)
        view = stage.watching.checkpoints.view
        return view.measure, view.chosen


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def put(file: Path, data: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)


@pytest.mark.usefixtures("state")
async def test_it_looks_as_it_was_left() -> None:
    assert await look() == ("eval_loss", frozenset())
    left = await look("b", "space")
    assert left == ("eval_accuracy", frozenset({path(800)}))
    assert await look() == left
    assert await look("escape") == ("eval_accuracy", frozenset())
    assert await look() == ("eval_accuracy", frozenset())


async def test_it_is_private_and_nothing_else_is_left(state: Path) -> None:
    await look("b")
    assert modes(state) == {"checkpoints.json": 0o600}


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff\x00", b"[1]", b"[" * 100_000, b'{"%s": [1]}', b'{"%s": []}']
)
async def test_what_is_damaged_is_as_if_it_were_not_there(state: Path, damage: bytes) -> None:
    target = next(fact for fact in scenes.running() if isinstance(fact, facts.Target))
    place = place_of(target, "").encode()
    put(state / "checkpoints.json", damage.replace(b"%s", place))
    assert await look("b") == ("eval_accuracy", frozenset())
    assert await look() == ("eval_accuracy", frozenset())


async def test_where_nothing_can_be_kept_the_keys_do_what_they_do(state: Path) -> None:
    put(state, b"a file in the way")
    assert await look("b") == ("eval_accuracy", frozenset())


@pytest.mark.usefixtures("state")
def test_the_oldest_are_forgotten() -> None:
    memory = Memory()
    for number in range(201):
        memory.keep(str(number), Taste("eval_loss", (f"/out/{number}",)))
    assert memory.recall("0") is None
    assert memory.recall("200") == Taste("eval_loss", ("/out/200",))


@pytest.mark.usefixtures("state")
async def test_a_metric_that_is_not_there_yet_is_waited_for() -> None:
    target = next(fact for fact in scenes.running() if isinstance(fact, facts.Target))
    Memory().keep(place_of(target, ""), Taste("eval_rouge", ()))
    assert (await look())[0] == "eval_loss"
    await look("space")
    kept = Memory().recall(place_of(target, ""))
    assert kept == Taste("eval_rouge", (path(800),))
