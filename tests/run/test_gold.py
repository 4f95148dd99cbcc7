"""Gold-set results: joined by what they say of themselves, never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.run.runs import run_of
from tests.run.test_checkpoints import marks, seen, show
from trainwatch.draw import shapes
from trainwatch.read.records import Result, Score
from trainwatch.run.gold import Unjoined, join


def result(path: str, value: float = 0.5, **more: Any) -> Result:
    score = Score(
        more.pop("metric", "exact_match"),
        value,
        more.pop("stderr", None),
        more.pop("n", None),
        None,
    )
    plain = Result(path, "plain", (score,), (), None, 9000.0, 9000.0)
    return plain._replace(**more)


CHECKPOINTS = [seen(100), seen(200), seen(200, name="final", path="/out")]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (result("/out/checkpoint-100/gold.json", step=200), "checkpoint-100"),
        (result("/x/gold.json", names=("base", "/out/checkpoint-200")), "checkpoint-200"),
        (result("/x/gold.json", names=("/mnt/elsewhere/out/checkpoint-200",)), "checkpoint-200"),
        (result("/x/gold.json", names=("checkpoint-100",)), "checkpoint-100"),
        (result("/x/__out__checkpoint-100/results_1.json"), "checkpoint-100"),
        (result("/x/gold.json", step=200), "checkpoint-200"),
        (result("/out/test_results.json"), "final"),
    ],
)
def test_the_first_that_tells_it_joins(told: Result, name: str) -> None:
    joined = join(told, CHECKPOINTS)
    assert not isinstance(joined, Unjoined)
    assert joined.name == name


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (result("/x/gold.json", names=("/other/run7/checkpoint-200",)), "another run"),
        (result("/x/gold.json", step=300), "no checkpoint of step 300"),
        (result("/x/gold.json", names=("gpt2",)), "does not tell which checkpoint"),
        (result("/x/checkpoint-1000/gold.json"), "does not tell which checkpoint"),
    ],
)
def test_what_tells_none_is_not_joined_and_says_why(told: Result, why: str) -> None:
    run = run_of([1.0, 0.5])
    show(run, *CHECKPOINTS)
    run.apply(told)
    assert run.checkpoints.worth is not None
    assert not any(c.gold for c in run.checkpoints.rows())
    assert why in run.checkpoints.unjoined[0].why


def test_the_gold_set_may_pick_another_checkpoint_than_the_loss() -> None:
    run = run_of([1.0, 0.5, 0.7])
    show(run, seen(100), seen(200), seen(300))
    for step, value in ((100, 0.4), (200, 0.5), (300, 0.7)):
        run.apply(result(f"/out/checkpoint-{step}/gold.json", value, n=2000))
    worth = run.checkpoints.worth
    assert worth is not None
    assert worth.disagree
    assert worth.best_by == {"eval_loss": "checkpoint-200", "gold:exact_match": "checkpoint-300"}
    assert "gold-best" in marks(run)["checkpoint-300"]


def test_what_chance_explains_is_no_disagreement() -> None:
    run = run_of([1.0, 0.5, 0.7])
    show(run, seen(100), seen(200), seen(300))
    for step, value in ((100, 0.4), (200, 0.71), (300, 0.73)):
        run.apply(result(f"/out/checkpoint-{step}/gold.json", value, n=100))
    worth = run.checkpoints.worth
    assert worth is not None
    assert not worth.disagree


def test_a_metric_that_counts_errors_is_best_where_it_is_low() -> None:
    run = run_of([])
    show(run, seen(100), seen(200))
    run.apply(result("/out/checkpoint-100/gold.json", 0.3, metric="wer"))
    run.apply(result("/out/checkpoint-200/gold.json", 0.4, metric="wer"))
    worth = run.checkpoints.worth
    assert worth is not None
    assert worth.best_by == {"gold:wer": "checkpoint-100"}


def test_a_result_older_than_the_weights_is_stale_and_picks_nothing() -> None:
    run = run_of([])
    show(run, seen(100, created=9500.0))
    run.apply(result("/out/checkpoint-100/gold.json", 0.9))
    assert run.checkpoints.rows()[0].gold[0].stale
    assert run.checkpoints.worth is None
    assert marks(run)["checkpoint-100"] == ("last",)


def test_the_newest_of_several_results_counts() -> None:
    run = run_of([])
    show(run, seen(100))
    run.apply(result("/out/checkpoint-100/b.json", 0.6, made=9002.0))
    run.apply(result("/out/checkpoint-100/a.json", 0.5, made=9001.0))
    assert [g.value for g in run.checkpoints.rows()[0].gold] == [0.6]


def test_the_shape_of_a_score() -> None:
    run = run_of([])
    show(run, seen(100))
    run.apply(result("/out/checkpoint-100/gold.json", 0.5, n=100))
    assert shapes.checkpoints(run)[0]["gold"] == [
        {
            "metric": "exact_match", "value": 0.5, "n": 100, "stderr": pytest.approx(0.05),
            "source": "/out/checkpoint-100/gold.json", "stale": False,
        }
    ]  # fmt: skip
