"""UK AISI inspect_ai: a log in JSON.

The law of this file: a scorer has metrics, a metric has a value; the error is a metric of its own
called ``stderr``. Source: inspect_ai, ``log/_log.py``.
"""

from __future__ import annotations

from typing import Any

from trainwatch.read.records import Score
from trainwatch.read.results import Sample, Told, number, strings, whole

TOOL = "inspect_ai"
SAMPLES = (
    Sample(
        "gold_results.json",
        '{"version": 2, "status": "success", "eval": {"task": "qa", "model": "hf/local",'
        ' "model_args": {"model_path": "/out/checkpoint-400"}, "dataset": {"samples": 200}},'
        ' "results": {"total_samples": 200, "scores": [{"name": "match", "metrics":'
        ' {"accuracy": {"name": "accuracy", "value": 0.62}, "stderr": {"name": "stderr", "value": 0.034}}}]}}',
        Score("accuracy", 0.62, 0.034, 200, None),
    ),
)


def recognise(name: str, told: Any) -> Told | None:
    """The header of an evaluation with its scores."""
    del name
    match told:
        case {"eval": dict(header), "results": {"scores": [*scorers]} as results}:
            pass
        case _:
            return None
    n = whole(results.get("total_samples"))
    found = []
    for scorer in scorers:
        metrics = scorer.get("metrics") if isinstance(scorer, dict) else None
        if isinstance(metrics, dict):
            prefix = f"{scorer.get('name')}/" if len(scorers) > 1 else ""
            found += _scores(metrics, prefix, n)
    return Told(tuple(found), strings([header.get("model"), header.get("model_args")]))


def _scores(metrics: dict[str, Any], prefix: str, n: int | None) -> list[Score]:
    values = {k: number(v.get("value")) for k, v in metrics.items() if isinstance(v, dict)}
    error = values.pop("stderr", None)
    return [Score(prefix + k, v, error, n, None) for k, v in values.items() if v is not None]
