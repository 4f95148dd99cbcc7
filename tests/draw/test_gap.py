"""The gap panel, where a run is not as orderly as most."""

from __future__ import annotations

from tests.draw.test_any_size import exact
from tests.run.runs import report
from trainwatch.draw import gap
from trainwatch.run.run import Run


def test_evaluations_of_which_only_the_first_tells_a_step_have_places_out_of_order() -> None:
    run = Run()
    for step, epoch in ((500, 5.0), (None, 0.5), (None, 1.0)):
        report(run, step, epoch, loss=1.0)
        report(run, step, epoch, eval_loss=1.2)
    exact(gap.draw(run, 80, 20, 0.0).rows, 80, 20)
