"""What the name of a checkpoint tells.

The law of this file: a number counts only next to a word that says what it counts, as in
``epoch=2-step=24-val_loss=0.03``; shard and rank numbers never do.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COUNT = re.compile(
    r"(?:^|[^a-z])(global_?steps?|steps?|iter(?:ation)?s?|epochs?|checkpoint|ckpt)[-_=]?(\d{1,18})(?!\d)"
)
_COUNT_BEFORE = re.compile(r"(?:^|[-_])(\d{1,18})_(steps?|epochs?|iters?)(?![a-z])")
_METRIC = re.compile(r"([A-Za-z][\w/]*)=(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
_COUNTERS = ("step", "epoch", "iter", "global_step", "global_steps", "v_num", "consumed_samples")


class Told(NamedTuple):
    """The counts and metrics in a name."""

    step: int | None
    epoch: float | None
    metrics: tuple[tuple[str, float], ...]


def told_by(name: str) -> Told:
    """What this name tells."""
    counts = {word.rstrip("s"): int(number) for word, number in _COUNT.findall(name.lower())}
    counts |= {w.rstrip("s"): int(number) for number, w in _COUNT_BEFORE.findall(name.lower())}
    epoch = counts.pop("epoch", None)
    steps = [
        counts[w] for w in ("step", "global_step", "globalstep", "iter", "iteration") if w in counts
    ]
    if not steps and epoch is None:
        steps = list(counts.values())
    metrics = tuple(
        (key, float(value)) for key, value in _METRIC.findall(name) if key.lower() not in _COUNTERS
    )
    return Told(steps[0] if steps else None, None if epoch is None else float(epoch), metrics)
