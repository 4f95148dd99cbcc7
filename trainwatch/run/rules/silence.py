"""A run that says nothing.

The law of this file: silence is measured against the run's own rhythm and told together with what
the machine does meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.run.case import Case, Finding, Silence

if TYPE_CHECKING:
    from trainwatch.run.limits import Limits

IDLE = 0.05
"""A card is idle below this share."""
LOW_POWER = 0.35
"""Busy cards that draw less than this share of what they usually draw spin without working."""


def patience(silence: Silence, limits: Limits) -> float:
    """Seconds of silence from which on a run counts as stalled.

    Until the rhythm is known, a silence may be a model that loads or the first of many long intervals.
    """
    if silence.usual is None:
        return max(limits.silence_unknown, limits.silence_longest * (silence.longest or 0.0))
    return max(
        limits.silence_factor * silence.usual,
        limits.silence_longest * (silence.longest or 0.0),
        limits.silence_least,
    )


def stalled(case: Case) -> Finding:
    """No line for longer than this run's rhythm explains."""
    rule, silence = "stalled", case.setting.silence
    if silence is None:
        why = "the run has ended" if case.setting.ended else "the run is not watched live"
        return Finding(rule, "skipped", why)
    limit = patience(silence, case.limits)
    evidence = {"silence": silence.seconds, "patience": limit}
    if silence.usual is not None:
        evidence["usual"] = silence.usual
    why = f"no line for {span(silence.seconds)}, patience is {span(limit)}"
    if silence.seconds <= limit:
        return Finding(rule, "clear", why, evidence=evidence)
    usual = f", usually every {span(silence.usual)}" if silence.usual else ""
    seen, advice = activity(silence)
    headline = f"No line for {span(silence.seconds)}{usual}{seen}."
    return Finding(rule, "fired", why, "warning", headline, advice, evidence)


def slow(case: Case) -> Finding:
    """Steps take much longer than they used to."""
    rule, slowdown = "slow", case.setting.slowdown
    if slowdown is None:
        return Finding(rule, "skipped", "too few steps were watched live")
    why = f"a step takes {slowdown:.2g} times as long as usual"
    evidence = {"slowdown": slowdown}
    if slowdown <= case.limits.slow_factor:
        return Finding(rule, "clear", why, evidence=evidence)
    return Finding(rule, "fired", why, "warning", evidence=evidence)


def activity(silence: Silence) -> tuple[str, str]:
    """What the machine does meanwhile, and what that suggests."""
    if silence.busy is None:
        if silence.cpu is None:
            return "", "Look at the processes of the run: py-spy dump shows where each one stands."
        if silence.cpu > 0.5:
            return (
                f"; CPU {silence.cpu:.0%}",
                "It computes on the CPU: loading data, or waiting in a loop.",
            )
        return f"; CPU {silence.cpu:.0%}", "Nothing moves: py-spy dump --pid shows where it waits."
    if silence.busy < IDLE:
        doing = f"; GPU idle, CPU {silence.cpu:.0%}" if silence.cpu is not None else "; GPU idle"
        return doing, "The GPU waits: for data, for another rank, or for a lock."
    seen = f"; GPU {silence.busy:.0%} busy"
    if silence.power is not None:
        seen += f" at {silence.power:.0f} W"
        if silence.power_usual and silence.power < LOW_POWER * silence.power_usual:
            seen += f" (usually {silence.power_usual:.0f} W): looks like a hang"
            return seen, "A collective that waits for a lost rank keeps a GPU busy at low power."
    return seen, "The GPU works: a long evaluation or save may explain it."


def span(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
