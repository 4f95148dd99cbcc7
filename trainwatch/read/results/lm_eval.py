"""EleutherAI lm-evaluation-harness: ``results_<time>.json``.

The law of this file: a metric is spelled ``name,filter`` and has its error beside it as
``name_stderr,filter``. Source: lm-eval 0.4, ``evaluator.py`` and ``loggers/evaluation_tracker.py``.
"""

from __future__ import annotations

from typing import Any

from trainwatch.read.records import Score
from trainwatch.read.results import Sample, Told, number, strings, whole

TOOL = "lm-evaluation-harness"
SAMPLES = (
    Sample(
        "results_2026-01-02T03-04-05.123456.json",
        '{"results": {"gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.71,'
        ' "exact_match_stderr,strict-match": 0.0125}},'
        ' "higher_is_better": {"gsm8k": {"exact_match": true}},'
        ' "n-samples": {"gsm8k": {"original": 1319, "effective": 1319}},'
        ' "config": {"model_args": "pretrained=base,peft=/out/checkpoint-400"}, "date": 1767322000.5}',
        Score("exact_match", 0.71, 0.0125, 1319, True),
    ),
)


def recognise(name: str, told: Any) -> Told | None:
    """Results by task, with the harness's own configuration."""
    del name
    if not isinstance(told, dict) or not isinstance(told.get("results"), dict):
        return None
    if "config" not in told or not isinstance(told.get("higher_is_better", {}), dict):
        return None
    tasks = {k: v for k, v in told["results"].items() if isinstance(v, dict)}
    scores = [s for task, values in tasks.items() for s in _scores(told, task, values, len(tasks))]
    config = told["config"] if isinstance(told["config"], dict) else {}
    names = strings([told.get("model_name"), config.get("model_args"), config.get("model")])
    return Told(tuple(scores), names, None, number(told.get("date")))


def _scores(told: dict[str, Any], task: str, values: dict[str, Any], tasks: int) -> list[Score]:
    higher = _inside(told.get("higher_is_better"), task)
    counted = _inside(told.get("n-samples"), task)
    found = []
    for key, value in values.items():
        metric, comma, chosen = key.partition(",")
        score = number(value)
        if not comma or metric.endswith("_stderr") or score is None:
            continue
        error = number(values.get(f"{metric}_stderr,{chosen}"))
        better = higher.get(metric)
        label = metric if tasks == 1 else f"{task}/{metric}"
        if len([k for k in values if k.partition(",")[0] == metric]) > 1:
            label += f" ({chosen})"
        n = whole(counted.get("effective"))
        found.append(Score(label, score, error, n, better if isinstance(better, bool) else None))
    return found


def _inside(told: object, task: str) -> dict[str, Any]:
    found = told.get(task) if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}
