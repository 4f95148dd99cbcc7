"""Which parts of a run a record changed."""

from __future__ import annotations

from enum import IntFlag, auto


class Topic(IntFlag):
    """What the panels subscribe to."""

    NOTHING = 0
    TARGET = auto()  # identity, state, end
    PROGRESS = auto()
    METRICS = auto()
    LOG = auto()
    CHECKPOINTS = auto()
    DEVICES = auto()
    MACHINE = auto()
    TROUBLE = auto()
    VERDICT = auto()  # at once; a train loss more is judged with TIME
    TIME = auto()  # a second passed: what tells an age, or falls silent


EVERYTHING = ~Topic.NOTHING
