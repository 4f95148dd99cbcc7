"""A training on several machines: each has its line, its cards, and what is the matter with it."""

from __future__ import annotations

from functools import partial

import pytest

from tests.draw.runs import START, device, training
from tests.draw.test_any_size import exact
from trainwatch import facts
from trainwatch.draw import fleet, nodes, shapes
from trainwatch.draw.fleet import Member
from trainwatch.draw.rows import plain
from trainwatch.run.crew import Crew
from trainwatch.run.run import Run

NOW = START + 514
GIB = 1 << 30


def pair(cards: int = 2) -> tuple[Run, Run]:
    """The first of two machines, and the other one with so many cards."""
    first, second = training(), Run()
    second.apply(facts.Hello(1, "0.1", "3.11", "far", "Linux", "c", 1, NOW))
    second.apply(facts.MachineReading(64, 9.3, 40 * GIB, 512 * GIB, "/", 1, 2, NOW))
    second.apply(facts.ProcessReading(5000, "running", 8.0, 9 * GIB, [5000, 5001], NOW))
    for index in range(cards):
        second.apply(device(index, at=NOW, pid=5001))
    first.apply(facts.Part("x", [0], 2, NOW))
    second.apply(facts.Part("x", [1], 2, NOW))
    crew = Crew()
    crew.add(second, "gpu2", partial(float, NOW))
    crew.add(first, "gpu1", partial(float, NOW))
    crew.look()
    return first, second


def panel(run: Run, lines: int, now: float = NOW, columns: int = 100) -> list[str]:
    rows = nodes.draw(run, columns, lines, now).rows
    exact(rows, columns, lines)
    return plain(rows).split("\n")


def test_every_machine_has_a_line_with_its_cards_below() -> None:
    run, _ = pair()
    rows = panel(run, 6)
    assert [row.split()[0] for row in rows[:5]] == ["gpu1", "0", "gpu2", "0", "1"]
    assert "2 GPUs" in rows[2]
    assert "CPU 800%" in rows[2]
    assert plain([nodes.draw(run, 80, 9, NOW).title]) == "2 machines · 3 GPUs"


def test_machines_come_before_cards_and_what_is_left_out_is_said() -> None:
    run, _ = pair(cards=8)
    assert [row.split()[0] for row in panel(run, 4)[:3]] == ["gpu1", "0", "gpu2"]
    assert [row.split()[0] for row in panel(run, 2)] == ["gpu1", "gpu2"]
    assert "2 more of 2 machines" in panel(run, 1)[0]


def test_a_machine_that_is_lost_says_since_when_and_so_does_the_list() -> None:
    run, second = pair()
    second.apply(facts.Trouble("link", "the connection was lost", "", NOW))
    assert "disconnected" in panel(run, 6, NOW + 40)[2]
    line = plain(fleet.table([Member("gpu1:", run, NOW + 40, "gpu1")], 140)).split("\n")[1]
    assert "gpu1 +1" in line
    assert "◌ node lost 40s" in line
    foot = fleet.draw([Member("gpu1:", run, NOW + 40)], fleet.FleetView(), 120, 9).rows[-1]
    assert "gpu2: the connection was lost" in plain([foot])


def test_a_machine_whose_processes_ended_is_not_well() -> None:
    run, second = pair()
    second.apply(facts.Ended(None, 9, "", NOW))
    assert "killed" in panel(run, 6)[2]
    assert "✗ node killed" in plain(fleet.table([Member("gpu1:", run, NOW, "gpu1")], 140))


def test_the_page_and_the_json_list_the_processes_of_every_machine() -> None:
    run, _ = pair()
    page = plain(nodes.details(run, 100, NOW))
    assert "2 processes: 4211, 4212" in page
    assert "2 processes: 5000, 5001" in page
    told = shapes.status(run, NOW)["nodes"]
    assert isinstance(told, list)
    assert [one["name"] for one in told if isinstance(one, dict)] == ["gpu1", "gpu2"]
    assert shapes.status(training(), NOW)["nodes"] == []


@pytest.mark.parametrize("lines", [0, 1, 3, 7, 30])
@pytest.mark.parametrize("columns", [0, 1, 8, 40, 200])
def test_any_size(columns: int, lines: int) -> None:
    run, second = pair(9)
    second.apply(facts.Trouble("link", "\x1b[2Jgone", "", NOW))
    second.own.name = "\x07" * 9
    panel(run, lines, NOW + 99, columns)
    page = nodes.details(run, columns, NOW)
    exact(page, columns, len(page))
