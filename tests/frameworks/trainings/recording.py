"""What a framework itself recorded, written down for the tests.

The law of this file: one JSON object per point, ``{"split", "key", "value", "step"}`` (and
``"epoch"`` where what is printed tells no step), in the framework's own words and order. Nothing here reads what was printed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(folder: str | Path, points: list[dict[str, Any]]) -> None:
    """Write the points of a finished training to ``folder``."""
    lines = "".join(json.dumps(point) + "\n" for point in points)
    Path(folder, "recorded.jsonl").write_text(lines)


def point(
    split: str, key: str, value: float, step: int | None, epoch: float | None = None
) -> dict[str, Any]:
    """One recorded number."""
    told = {"split": split, "key": key, "value": float(value), "step": step}
    return told if epoch is None else {**told, "epoch": epoch}


def log_history(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points in the ``log_history`` of a transformers Trainer.

    The last row of a training is left out: its ``train_loss`` is the mean of the whole run.
    """
    return [
        point("eval" if key.startswith("eval_") else "train", key, value, row["step"])
        for row in rows
        if not ("train_runtime" in row and "train_loss" in row)
        for key, value in row.items()
        if key not in ("step", "epoch", "total_flos")
    ]
