"""What is told of an end that the training brought about itself."""

from __future__ import annotations

import pytest

from trainwatch import facts
from trainwatch.run.last_words import NEAR, last_words
from trainwatch.run.run import Run

T0 = 1_763_800_000.0
TRACEBACK = """\
Traceback (most recent call last):
  File "train.py", line 18, in <module>
    raise RuntimeError("CUDA error: device-side assert triggered")
"""


def ended(log: str, code: int | None = 1, signal: int | None = None) -> Run:
    run = Run()
    run.apply(facts.Chunk("output.log", 0, log.encode(), T0))
    run.apply(facts.Ended(code, signal, "", T0 + 1))
    return run


@pytest.mark.parametrize(
    ("farewell", "told"),
    [
        (
            "RuntimeError: CUDA error: device-side assert triggered\n",
            "RuntimeError: CUDA error: device-side assert triggered",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory.",
            "torch.OutOfMemoryError: CUDA out of memory.",
        ),
        ("AssertionError\n", "AssertionError"),
        ("[rank0]: ValueError: no data\n[rank0]: \n", "ValueError: no data"),
        ("\x1b[1;31mKeyError\x1b[0m: 'lr'\n", "KeyError: 'lr'"),
        (
            "ValueError: no data\n"
            + "E1123 launcher\n" * 40
            + "x.errors.ChildFailedError: \n====\n",
            "ValueError: no data",
        ),
        ("x.errors.ChildFailedError: \n", "x.errors.ChildFailedError:"),
    ],
    ids=["plain", "unfinished line", "bare", "rank", "coloured", "launcher", "launcher alone"],
)
def test_the_error_at_the_end_is_told(farewell: str, told: str) -> None:
    assert last_words(ended(TRACEBACK + farewell)) == told


def test_a_complaint_in_no_form_counts_only_as_the_very_last_line() -> None:
    complaint = "train.py: error: the following arguments are required: --data\n"
    assert last_words(ended("usage: train.py --data DATA\n" + complaint, 2)) == complaint.strip()
    assert last_words(ended(complaint + "step 1 of 2\n")) == ""


def test_whoever_was_killed_from_outside_or_ended_well_said_nothing_of_it() -> None:
    log = TRACEBACK + "RuntimeError: caught, and tried again\n"
    assert last_words(ended(log, None, 9)) == ""
    assert last_words(ended(log, 0)) == ""
    assert last_words(ended(log, None, None)) == ""
    assert last_words(ended(log, None, 6)) == "RuntimeError: caught, and tried again"


def test_an_error_long_before_the_end_is_not_blamed() -> None:
    assert last_words(ended("ValueError: early\n" + "step\n" * NEAR)) == ""
