"""``test_results.json`` and ``predict_results.json`` of the Trainer's example scripts.

The law of this file: only what was measured on a test set counts; ``eval_results.json`` and
``all_results.json`` repeat the evaluations of the training. Source: transformers ``save_metrics``.
"""

from __future__ import annotations

from typing import Any

from trainwatch.read.records import Score
from trainwatch.read.results import Sample, Told, number, whole

TOOL = "Trainer"
SAMPLES = (
    Sample(
        "test_results.json",
        '{"test_accuracy": 0.81, "test_loss": 0.5, "test_runtime": 2.5, "test_samples": 400,'
        ' "test_samples_per_second": 160.0}',
        Score("accuracy", 0.81, None, 400, None),
    ),
)
_OTHERS = ("train_results.json", "eval_results.json", "all_results.json")
_COUNTS = ("runtime", "_per_second", "samples", "preparation_time", "memory", "mem_")


def recognise(name: str, told: Any) -> Told | None:
    """Flat numbers whose names begin with the split; nothing of those that are no gold set."""
    if name in _OTHERS:
        return Told(())
    if not isinstance(told, dict) or name not in ("test_results.json", "predict_results.json"):
        return None
    prefix = name.partition("_")[0] + "_"
    n = whole(told.get(prefix + "samples"))
    found = []
    for key, value in told.items():
        metric, score = key.removeprefix(prefix), number(value)
        if key.startswith(prefix) and score is not None and not any(c in metric for c in _COUNTS):
            found.append(Score(metric, score, None, n, None))
    return Told(tuple(found))
