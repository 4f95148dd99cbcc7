"""Which train loss stands beside an evaluation does not depend on when somebody asks."""

from __future__ import annotations

import pytest

from tests.run.trainer import Feed, Trainer


@pytest.mark.parametrize("size", [37, 300, 1000])
def test_pairs_are_the_same_however_often_they_were_asked_for(size: int) -> None:
    trainer = Trainer(total=240)
    trainer.train()
    asked, fresh = Feed(), Feed()
    for start in range(0, len(trainer.text), size):
        asked.log(trainer.text[start : start + size])
        run = asked.session.run
        for evals in run.metrics.evals:
            run.pairing.pairs(evals)
    fresh.log(trainer.text)
    (evals,), (again,) = asked.session.run.metrics.evals, fresh.session.run.metrics.evals
    assert len(evals) > 3
    assert asked.session.run.pairing.pairs(evals) == fresh.session.run.pairing.pairs(again)
