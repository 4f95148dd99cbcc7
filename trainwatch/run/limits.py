"""Every threshold of the diagnosis, with its source.

The law of this file: a rule compares with a limit of this table and with no other number, so that
``diagnose --rules`` can print them all and the configuration can set each one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


def limit(value: float, rule: str, meaning: str, source: str) -> Any:
    """A threshold that documents itself."""
    return field(default=value, metadata={"rule": rule, "meaning": meaning, "source": source})


OWN = "measured on made-up curves, tests/run/curves.py"
PROPOSED = "chosen, not measured"
PRACTICE = "common practice"


@dataclass(frozen=True)
class Limits:
    """The thresholds in use. Shares are of 1: 0.05 means 5 %."""

    fewest_evals: float = limit(
        3, "not-enough-data", "evaluations needed to speak of overfitting", PRACTICE
    )
    fewest_logs: float = limit(
        10, "not-enough-data", "train logs needed to judge the training itself", PRACTICE
    )
    broken_share: float = limit(
        0.1, "broken-numbers", "share of values that are not finite, or such among as many newest",
        PROPOSED,
    )  # fmt: skip
    broken_newest: float = limit(3, "broken-numbers", "newest values looked at, at least", PROPOSED)
    zero_losses: float = limit(
        5, "broken-numbers", "logs in a row with a loss of exactly 0 and grad_norm 0 or NaN",
        "transformers hides NaN losses as 0 by default (logging_nan_inf_filter)",
    )  # fmt: skip
    zero_rate_share: float = limit(
        0.99, "not-training", "share of logs with a learning rate (or grad_norm) of exactly 0",
        PRACTICE,
    )  # fmt: skip
    frozen_evals: float = limit(
        3, "not-training", "evaluations that are all identical while the train loss moves", PRACTICE
    )
    silence_factor: float = limit(
        3, "stalled", "times the usual interval between two lines", PROPOSED
    )
    silence_least: float = limit(60, "stalled", "seconds, at least", PROPOSED)
    silence_unknown: float = limit(
        600, "stalled", "seconds, while the run's rhythm is not known", PROPOSED
    )
    silence_longest: float = limit(
        1.5, "stalled", "times the longest silence that ended before (an evaluation, a save)",
        PROPOSED,
    )  # fmt: skip
    slow_factor: float = limit(2, "slow", "times the usual length of a step", PROPOSED)
    diverged_rise: float = limit(
        0.5, "diverging", "rise of the train loss over its lowest, of that lowest",
        "6 of 6 sabotaged fine-tunes, 0 of 12 others",
    )  # fmt: skip
    diverged_start: float = limit(
        0.05, "diverging", "and of the first loss, where the lowest is near 0", "as above"
    )
    diverged_height: float = limit(
        0.9, "diverging", "share of the first loss that it is back at, at least", "as above"
    )
    diverged_share: float = limit(
        0.05,
        "diverging",
        "newest share of the train logs whose median counts, of 5 to 25 logs",
        OWN,
    )
    diverged_fall: float = limit(
        0.2,
        "diverging",
        "share of the rise that a few newest logs take back: a spike dies away",
        OWN,
    )
    diverged_before: float = limit(
        0.8, "diverging", "share of the rise that the run has come back from before", OWN
    )
    both_rise: float = limit(
        0.10, "diverging", "rise of the train loss since the best evaluation, the evaluation risen",
        PROPOSED,
    )  # fmt: skip
    both_alike: float = limit(
        0.33, "overfitting", "share of the eval loss's rise from which the train loss rose as well",
        OWN,
    )  # fmt: skip
    both_least: float = limit(
        0.1, "overfitting", "and of that rise, each as a share of where its loss began",
        OWN,
    )  # fmt: skip
    noise_evals: float = limit(
        5, "overfitting", "evaluations that tell their noise; of fewer, all since the best must rise",
        OWN,
    )  # fmt: skip
    overfit_rise: float = limit(
        0.05, "overfitting", "rise of the eval loss over its best",
        "macro F1 .93 to .97 on published histories at 5 %",
    )  # fmt: skip
    overfit_span: float = limit(
        0.07, "overfitting", "rise as share of the fall before it, where the best is near or below 0",
        "macro F1 .96 to .97 at 7 %",
    )  # fmt: skip
    near_zero: float = limit(
        0.05, "overfitting", "share of the first evaluation below which the best is near 0", OWN
    )
    noise_margin: float = limit(
        1.0, "overfitting", "standard deviations of the noise beyond what a minimum gains by chance",
        OWN,
    )  # fmt: skip
    noise_bias: float = limit(
        1.5, "overfitting", "times what a minimum gains by chance, on top of the rise", OWN
    )
    steady_trend: float = limit(
        2.33, "overfitting", "Mann-Kendall z from which all evaluations since the best count together",
        "Mann (1945), one-sided 1 %",
    )  # fmt: skip
    steady_bias: float = limit(
        0.5, "overfitting", "times what a minimum gains by chance, on top of the rise, if they do",
        OWN,
    )  # fmt: skip
    strong_rise: float = limit(
        0.10,
        "overfitting",
        "rise at which stopping is advised",
        "40 of 40 best epochs found online",
    )
    strong_evals: float = limit(
        3, "overfitting", "evaluations past the best before stopping is advised", "as above"
    )
    turning_rise: float = limit(0.02, "turning", "rise of the eval loss over its best", PROPOSED)
    turning_trend: float = limit(
        1.64, "turning", "Mann-Kendall z of the evaluations since the best",
        "Mann (1945), one-sided 5 %",
    )  # fmt: skip
    plateau_gain: float = limit(
        0.005, "plateau", "a new best counts when it is lower by this share", PROPOSED
    )
    plateau_evals: float = limit(5, "plateau", "evaluations without one, at least", PROPOSED)
    plateau_share: float = limit(0.2, "plateau", "share of the run without one", PROPOSED)
    never_evals: float = limit(
        4, "never-better", "evaluations before the first can be called the best", PROPOSED
    )
    comparable: float = limit(
        4, "gap", "eval loss over train loss (or the inverse) at the first evaluation, at most",
        PROPOSED,
    )  # fmt: skip
    stair_drop: float = limit(
        0.15, "stairs", "drop of the train loss across an epoch boundary",
        "fast.ai, Can LLMs learn from a single example? (2023)",
    )  # fmt: skip
    stair_noise: float = limit(3, "stairs", "and standard deviations of the noise", PROPOSED)
    spike_deviation: float = limit(
        8, "spikes", "deviations above the median of the 30 logs before", OWN
    )
    spike_rise: float = limit(0.15, "spikes", "and share of that median", OWN)
    spike_start: float = limit(0.03, "spikes", "and share of the first loss", OWN)


class Rule(NamedTuple):
    """One line of ``diagnose --rules``."""

    rule: str
    limit: str  # its name in the configuration
    value: float
    meaning: str
    source: str


def table(limits: Limits) -> list[Rule]:
    """Every threshold with its meaning and source, in the order of the rules."""
    return [
        Rule(
            f.metadata["rule"],
            f.name,
            getattr(limits, f.name),
            f.metadata["meaning"],
            f.metadata["source"],
        )
        for f in fields(limits)
    ]


def configured(settings: Mapping[str, float]) -> Limits:
    """The limits with some set otherwise. Raises ValueError, one sentence, for what cannot be."""
    known = [f.name for f in fields(Limits)]
    for name, value in settings.items():
        if name not in known:
            from difflib import get_close_matches  # noqa: PLC0415 - for a mistake alone

            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "diagnose --rules lists them"
            raise ValueError(f"there is no threshold called {name}; {hint}")
        if not isfinite(value) or value < 0:
            raise ValueError(f"a threshold is a number from 0 on, not {value:g}")
    return Limits(**{name: float(value) for name, value in settings.items()})
