"""Several runs in one chart: a letter for each, what they are compared by, and the list below."""

from __future__ import annotations

import random

import pytest

from tests.draw.runs import START, curve, eval_curve, hostile, row, training
from tests.draw.test_any_size import exact
from trainwatch.draw import compare
from trainwatch.draw.compare import Contender
from trainwatch.draw.plot import ChartView
from trainwatch.draw.rows import plain
from trainwatch.run.run import Run


def higher(by: float) -> Run:
    """Another run of four evaluations, its losses higher ``by`` so much."""
    run = Run()
    for step in range(200, 1000, 200):
        row(run, step, step / 500, START, loss=curve(step) + by)
        row(run, step, step / 500, START, "eval", loss=eval_curve(step) + by)
    return run


def several() -> list[Contender]:
    return [
        Contender("lr1e-4", training()),
        Contender("lr3e-5", higher(0.25)),
        Contender("short", higher(0.5)),
        Contender("silent", Run()),
    ]


def test_they_are_compared_by_eval_loss_where_two_have_one() -> None:
    assert compare.usual(several()) == "eval loss"
    assert compare.usual([several()[0], several()[3]]) == "loss"


def test_every_curve_has_its_letter_and_its_line_below() -> None:
    rows = plain(compare.draw(several(), "eval loss", ChartView(), 100, 30).rows).split("\n")
    assert [row.split()[:2] for row in rows[-4:]] == [
        ["a", "lr1e-4"], ["b", "lr3e-5"], ["c", "short"], ["d", "silent"],
    ]  # fmt: skip
    assert "no eval loss yet" in rows[-1]
    for letter in "abc":
        assert any(letter in row.split("│", 1)[-1] for row in rows[:23])
    loss = several()[1].run.metrics.eval_loss
    assert loss is not None
    assert f"{loss.value(3):.4f} at step 800" in rows[-3]


def test_the_list_tells_the_values_under_the_cursor() -> None:
    rows = plain(compare.draw(several(), "eval loss", ChartView(cursor=400), 100, 30).rows)
    loss = several()[0].run.metrics.eval_loss
    assert loss is not None
    assert "at 400" in rows
    assert f"{loss.value(1):.4f}" in rows.split("\n")[-4]


def test_runs_without_any_curve_say_so() -> None:
    picture = compare.draw([several()[3]] * 2, "loss", ChartView(), 80, 20)
    assert "none of these runs has a loss yet" in plain(picture.rows)


@pytest.mark.parametrize("seed", range(12))
def test_any_runs_at_any_size(seed: int) -> None:
    rng = random.Random(seed)
    runs = [Contender(f"\x1b{n}", hostile(seed * 9 + n)) for n in range(rng.choice((2, 5, 40)))]
    for columns, lines in ((0, 0), (1, 1), (9, 3), (40, 12), (120, 34), (rng.randint(1, 130), 7)):
        for quantity in compare.QUANTITIES:
            view = ChartView(cursor=rng.choice((None, 300.0)), smoothing=rng.choice((0, 0.9)))
            exact(compare.draw(runs, quantity, view, columns, lines).rows, columns, lines)
