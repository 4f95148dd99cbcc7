"""Which checkpoint the training deletes at its next save.

The law of this file: only what is known is forecast: the limit from the training's own arguments,
the order from its version. transformers keeps ``save_total_limit`` checkpoints, saves before it
deletes, deletes the oldest, and never the newest or the one it calls best.

Sources: transformers 4.36 to 5.23, ``_rotate_checkpoints`` and ``rotate_checkpoints``. The oldest is
the one changed longest ago, except from 4.39 to 4.46, where it is the one with the lowest number
(pull requests 28862 and 37260).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen

_BY_NUMBER = (4, 39), (4, 47)
_MEMBER = re.compile(r"checkpoint-\d+")


def next_to_go(checkpoints: Sequence[CheckpointSeen]) -> list[str]:
    """The paths that the next save deletes; none where the limit is not known."""
    rotating = [c for c in checkpoints if c.layout == "hf-trainer" and _MEMBER.fullmatch(c.name)]
    if not rotating:
        return []
    newest = max(rotating, key=lambda c: c.created)
    beside = newest.path.rpartition("/")[0]
    rotating = [c for c in rotating if c.path.rpartition("/")[0] == beside]
    told = dict(newest.facts)
    limit = told.get("save_total_limit", "")
    if not limit.isdigit() or int(limit) < 1:
        return []
    best = newest.claims_best
    ordered = sorted(rotating, key=lambda c: _age(c, _version(told.get("transformers", ""))))
    keep = max(int(limit), 2 if best is not None and any(c.name == best for c in rotating) else 1)
    spare = len(rotating) + 1 - keep
    return [c.path for c in ordered if c.name != best][: max(spare, 0)]


def _version(told: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (5, 0)


def _age(checkpoint: CheckpointSeen, version: tuple[int, int]) -> tuple[float, float]:
    number = float(checkpoint.step or 0)
    by_number = _BY_NUMBER[0] <= version < _BY_NUMBER[1]
    return (number, 0.0) if by_number else (checkpoint.created, number)
