"""Several targets in one command: brackets, tables, lists in JSON, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Sit
from trainwatch.cli.grammar import UsageError
from trainwatch.cli.target import expanded


def test_brackets_stand_for_numbers() -> None:
    assert expanded(["gpu[1-3]:"]) == ["gpu1:", "gpu2:", "gpu3:"]
    assert expanded(["n[08-10,12]:sft"]) == ["n08:sft", "n09:sft", "n10:sft", "n12:sft"]
    assert expanded(["a[1-2]b[1,3]:"]) == ["a1b1:", "a1b3:", "a2b1:", "a2b3:"]


def test_an_address_a_name_and_a_file_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log[1-2]").touch()
    words = ["[::1]:sft", "[fe80::1]:", "log[1-2]", "out[x]", "", "sft"]
    assert expanded(words) == words


def test_a_target_named_twice_is_watched_once() -> None:
    assert expanded(["a", "b", "a"]) == ["a", "b"]


@pytest.mark.parametrize("word", ["n[3-1]:", "n[1-999999999]:", "n[1-40]m[1-40]:"])
def test_a_range_that_makes_no_sense_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        expanded([word])


def log(folder: Path, name: str, losses: list[float]) -> None:
    lines = (f"{{'loss': {loss}, 'epoch': {n / 10}}}\n" for n, loss in enumerate(losses))
    (folder / name).write_text("".join(lines))


@pytest.fixture
def logs(tmp_path: Path) -> None:
    log(tmp_path, "one.log", [2.0, 1.5, 1.25])
    log(tmp_path, "two.log", [3.0, 2.5, 2.75])


@pytest.mark.usefixtures("logs")
@pytest.mark.parametrize(
    "verb", [("status",), ("attach", "--once"), ("attach", "--no-ui"), ("attach",)]
)
def test_several_are_a_table_and_what_fails_says_so_in_its_row(
    verb: tuple[str, ...], trainwatch: Command
) -> None:
    said = trainwatch(*verb, "one.log", "nope.log", "two.log")
    rows = said.stdout.splitlines()
    assert said.stderr == ""
    assert [row.split()[0] for row in rows] == ["run", "one.log", "nope.log", "two.log"]
    assert "1.250" in rows[1]
    assert "there is no run and no file called nope.log" in rows[2]
    assert "2.750" in rows[3]
    assert said.returncode == 3


@pytest.mark.usefixtures("logs")
def test_in_json_several_are_a_list(trainwatch: Command) -> None:
    said = trainwatch("status", "one.log", "nope.log", "two.log", "--json")
    one, nope, two = json.loads(said.stdout)
    assert (one["target"], one["loss"]) == ("one.log", 1.25)
    assert (nope["target"], sorted(nope)) == ("nope.log", ["error", "target"])
    assert (two["target"], two["loss"]) == ("two.log", 2.75)
    assert trainwatch("status", "one.log", "two.log", "--json").returncode == 0


@pytest.mark.usefixtures("logs")
def test_what_can_only_be_done_with_one_target_is_refused(trainwatch: Command) -> None:
    assert trainwatch("diagnose", "one.log", "two.log").returncode == 2
    assert "watched alone" in trainwatch("status", "-", "one.log").stderr


@pytest.mark.usefixtures("logs")
def test_on_a_terminal_several_are_a_list_to_open_one_from(sit: Sit, tmp_path: Path) -> None:
    terminal = sit("attach", str(tmp_path / "one.log"), str(tmp_path / "two.log"))
    terminal.until("2.750")
    terminal.type("j\r")
    terminal.until("checkpoints")
    begun = len(terminal.output)
    terminal.type("\x7f")
    terminal.until("one.log", start=begun)
    terminal.type("q")
    assert terminal.wait() == 0
    assert b"What was watched goes on. Come back:  trainwatch attach" in terminal.output
