"""How long a run may be silent before it is called stalled."""

from __future__ import annotations

from trainwatch.run.case import Silence
from trainwatch.run.limits import Limits
from trainwatch.run.rules.silence import patience

LIMITS = Limits()


def test_while_the_rhythm_is_not_known_a_model_may_load_for_ten_minutes() -> None:
    assert patience(Silence(90.0, usual=None), LIMITS) == 600


def test_a_known_rhythm_shortens_the_patience_down_to_a_minute() -> None:
    assert patience(Silence(90.0, usual=1.0, longest=2.0), LIMITS) == 60
    assert patience(Silence(90.0, usual=100.0, longest=110.0), LIMITS) == 300


def test_a_long_evaluation_that_ended_may_happen_again() -> None:
    assert patience(Silence(90.0, usual=1.0, longest=400.0), LIMITS) == 600
    assert patience(Silence(90.0, usual=None, longest=1000.0), LIMITS) == 1500
