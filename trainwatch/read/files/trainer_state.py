"""``trainer_state.json``: what the Hugging Face Trainer knows of its own run.

The law of this file: every entry of ``log_history`` has a step and full precision. The file is
written at each save and may be met half written; then it is waited for. NaN and Infinity are
written bare, which JSON's own grammar forbids and Python's reader accepts.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from trainwatch.facts import Want
from trainwatch.read.dialect import Term
from trainwatch.read.meaning import plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.rows import Rows

if TYPE_CHECKING:
    from trainwatch.read.records import Metrics

LARGEST = 16 << 20
WANTS = (Want("trainer_state.json", LARGEST, 0), Want("*/trainer_state.json", LARGEST, 0))
TELLS_SPLITS = True  # in each key; the name of its folder is that of the run
_MOST_ENTRIES = 2_000_000


def read(source: str, data: bytes) -> list[Metrics] | None:
    """The rows of ``log_history``."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return None
    history = state.get("log_history") if isinstance(state, dict) else None
    rows, placing = Rows(), Placing()
    for place, entry in enumerate(history[:_MOST_ENTRIES] if isinstance(history, list) else ()):
        if isinstance(entry, dict):
            _add(rows, placing, entry, place)
    return rows.take(source, None)


def _add(rows: Rows, placing: Placing, entry: dict[str, Any], place: int) -> None:
    numbers = {key: float(value) for key, value in entry.items() if _is_number(value)}
    how = plan(tuple(map(Term, numbers)), joins=True)
    if how.told and not how.summary:
        for placed in placing.place(Lot(how, [[value] for value in numbers.values()], [place])):
            rows.add(placed)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 1 << 1000 or math.isinf(value)
