"""In one word: is it alive."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Word: TypeAlias = Literal[
    "starting", "running", "stalled", "ended", "failed", "killed", "unknown", "replaying"
]


class RunState(NamedTuple):
    """The state of a run with the reason for it."""

    word: Word
    reason: str  # "" where the word says it all
