"""Hugging Face lighteval: ``results_<time>.json``.

The law of this file: tasks are spelled ``suite|task|shots``; the row ``all`` is their mean and no
task. Source: lighteval 0.13, ``logging/evaluation_tracker.py``.
"""

from __future__ import annotations

from typing import Any

from trainwatch.read.records import Score
from trainwatch.read.results import Sample, Told, number, strings

TOOL = "lighteval"
SAMPLES = (
    Sample(
        "results_2026-01-02T03-04-05.123456.json",
        '{"config_general": {"model_name": "/out/checkpoint-400", "start_time": 12.5},'
        ' "results": {"leaderboard|arc|0": {"acc": 0.4, "acc_stderr": 0.02},'
        ' "all": {"acc": 0.4, "acc_stderr": 0.02}}}',
        Score("acc", 0.4, 0.02, None, None),
    ),
)


def recognise(name: str, told: Any) -> Told | None:
    """Results by task, with a general configuration."""
    del name
    if not isinstance(told, dict) or not isinstance(told.get("results"), dict):
        return None
    general = told.get("config_general")
    if not isinstance(general, dict):
        return None
    tasks = {k: v for k, v in told["results"].items() if isinstance(v, dict) and k != "all"}
    scores = []
    for task, values in tasks.items():
        for metric, value in values.items():
            score = number(value)
            if score is not None and not metric.endswith("_stderr"):
                label = metric if len(tasks) == 1 else f"{task}/{metric}"
                error = number(values.get(f"{metric}_stderr"))
                scores.append(Score(label, score, error, None, None))
    names = strings([general.get("model_name"), general.get("model_config")])
    return Told(tuple(scores), names)
