"""Several runs in one list: order, the best one, and what is said where a run cannot be watched."""

from __future__ import annotations

import math
import random

import pytest

from tests.draw.fleet import NOW, members
from tests.draw.runs import START, few_losses, hostile, row, target, training
from tests.draw.test_any_size import exact
from trainwatch import facts
from trainwatch.draw import fleet
from trainwatch.draw.fleet import FleetView, Member
from trainwatch.draw.rows import plain
from trainwatch.run.run import Run


def words(sort: str) -> list[str]:
    return [member.word for member in fleet.ordered(members(), sort)]


def test_as_named_is_the_order_of_the_command_line() -> None:
    assert words("as named") == [member.word for member in members()]


def test_what_wants_to_be_looked_at_comes_first() -> None:
    assert words("state")[:2] == ["gpu1:long", "gpu3:"]


def test_a_number_that_is_not_known_or_broken_sorts_last() -> None:
    broken = training(400)
    row(broken, 410, 0.8, START, loss=math.nan)
    listed = fleet.ordered([Member("nan", broken, NOW), *members()], "loss")
    assert next(m.word for m in listed) in ("sft", "gpu1:sft")
    assert {m.word for m in listed[-3:]} == {"nan", "gpu2:nope", "gpu4:"}


def test_the_best_has_the_lowest_evaluation_loss_of_all() -> None:
    assert fleet.best(members()) == "sft"
    assert "★ here" in plain(fleet.table(members(), 160))


def test_one_alone_is_not_the_best_of_anything() -> None:
    assert fleet.best(members()[:1]) is None


def test_losses_of_different_names_are_not_compared() -> None:
    other = few_losses("val_loss")
    assert other.verdict().best is not None
    assert fleet.best([*members()[:2], Member("other", other, NOW)]) is None


def test_a_row_that_fails_says_why_and_what_to_do() -> None:
    line = plain(fleet.table(members(), 120)).split("\n")[4]
    assert "not found" in line
    assert "there is no run called nope; see: trainwatch list" in line


def test_what_is_wrong_with_the_run_that_is_stood_on_is_read_to_its_end_at_80_columns() -> None:
    listed = members()
    trouble = facts.Trouble("link", "gpu9 " + "does not answer " * 6, "ask who runs it", NOW)
    listed[0].run.apply(trouble)
    view = FleetView(cursor=listed[0].word)
    text = plain(fleet.draw(listed, view, 78, 30).rows)
    assert "ask who runs it" in text
    low = plain(fleet.draw(listed, view, 78, len(listed) + 3).rows)
    assert "gpu9 does not answer" in low
    assert "ask who runs it" not in low


def test_a_silence_that_began_before_we_looked_is_a_lower_bound() -> None:
    run = Run()
    run.apply(target())
    run.apply(facts.CaughtUp(NOW - 60))
    shown = Member("x", run, NOW)
    assert ">1m" in plain(fleet.table([shown], 160))
    run.apply(facts.Chunk("output.log", 0, b"step\n", NOW - 5))
    assert " 5s" in plain(fleet.table([shown], 160))


def test_the_row_under_the_mouse_is_the_one_that_is_drawn_there() -> None:
    view = FleetView(cursor="gpu4:", sort="state")
    for lines in range(1, 14):
        drawn = fleet.draw(members(), view, 90, lines).rows
        for y, cells in enumerate(drawn):
            found = fleet.at(members(), view, lines, y)
            if found is not None:
                stands = next(m for m in members() if m.word == found.word)
                assert plain([cells]).startswith("›") == (stands.word == "gpu4:")


def test_the_room_below_shows_the_curve_of_the_run_that_is_stood_on() -> None:
    drawn = plain(fleet.draw(members(), FleetView(cursor="gpu1:sft"), 100, 30).rows)
    assert "─ loss of sft-out-lr3e-5 ─" in drawn
    assert "checkpoint" in drawn
    assert "loss of" not in plain(fleet.draw(members(), FleetView(cursor="gpu4:"), 100, 30).rows)
    assert "loss of" not in plain(fleet.draw(members(), FleetView(cursor="sft"), 100, 14).rows)


def test_of_two_that_are_marked_both_curves_are_shown() -> None:
    view = FleetView(cursor="gpu4:", chosen=frozenset({"sft", "gpu1:sft"}))
    drawn = plain(fleet.draw(members(), view, 100, 30).rows)
    assert "─ eval loss of 2 runs ─" in drawn
    assert " a sft-out " in drawn


def test_a_list_that_does_not_fit_says_which_part_is_seen() -> None:
    note = fleet.draw(members(), FleetView(cursor="gpu4:"), 100, 6).note
    assert plain([note]).startswith("4-6 of 6 ·")


@pytest.mark.parametrize("seed", range(20))
def test_any_runs_at_any_size(seed: int) -> None:
    rng = random.Random(seed)
    runs = [
        Member(f"\x1b{n}", hostile(seed * 9 + n), NOW, rng.choice(("", "h\x07"))) for n in range(5)
    ]
    for columns in (0, 1, 2, 7, 30, 59, 80, 120, 200):
        lines = rng.randint(0, 40)
        view = FleetView(rng.choice((None, "\x1b1")), rng.randint(0, 9), rng.choice(fleet.SORTS))
        exact(fleet.draw(runs, view, columns, lines).rows, columns, lines)
