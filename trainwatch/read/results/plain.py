"""Flat JSON of one's own, and what Hugging Face ``evaluate.save`` writes.

The law of this file: ``{"checkpoint": "checkpoint-400", "exact_match": 0.71, "n": 200}``; numbers
are scores except those whose names say otherwise. Names that begin with an underscore are
``evaluate``'s own.
"""

from __future__ import annotations

from typing import Any

from trainwatch.read.records import Score
from trainwatch.read.results import Sample, Told, number, strings, whole

TOOL = "plain"
FALLBACK = True
SAMPLES = (
    Sample(
        "gold.json",
        '{"checkpoint": "checkpoint-400", "exact_match": 0.71, "exact_match_stderr": 0.03, "n": 200}',
        Score("exact_match", 0.71, 0.03, 200, None),
    ),
    Sample(
        "result-2026_01_02-03_04_05.json",
        '{"model": "/out/checkpoint-400", "accuracy": 0.5, "_timestamp": "2026-01-02T03:04:05",'
        ' "_git_commit_hash": "abc"}',
        Score("accuracy", 0.5, None, None, None),
    ),
)
_COUNTS = ("n", "samples", "examples", "num_samples", "num_examples", "count", "total")
_STEPS = ("step", "steps", "global_step")
_NO_SCORES = (
    *_COUNTS, *_STEPS, "epoch", "seed", "runtime", "time", "timestamp", "date", "batch_size", "version",
)  # fmt: skip


def recognise(name: str, told: Any) -> Told | None:
    """One flat object with at least one score."""
    del name
    if not isinstance(told, dict) or any(isinstance(v, dict | list) for v in told.values()):
        return None
    counts = (whole(told.get(key)) for key in _COUNTS)
    steps = (whole(told.get(key)) for key in _STEPS)
    n = next((c for c in counts if c is not None), None)
    found = []
    for key, value in told.items():
        score = number(value)
        if score is None or key.lower() in _NO_SCORES or key.startswith("_"):
            continue
        if not key.endswith(("_stderr", "_per_second", "_runtime")):
            found.append(Score(key, score, number(told.get(f"{key}_stderr")), n, None))
    named = [v for k, v in told.items() if not k.startswith("_")]
    return Told(tuple(found), strings(named), next((s for s in steps if s is not None), None))
