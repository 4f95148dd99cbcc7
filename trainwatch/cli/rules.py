"""The thresholds of the diagnosis: what the configuration sets, and ``diagnose --rules``.

The law of this file: every rule, every threshold and its source come from ``run.limits``; what the
user set otherwise is marked.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from trainwatch.cli import config
from trainwatch.cli.console import console
from trainwatch.cli.grammar import UsageError
from trainwatch.draw.rows import wrapped
from trainwatch.run.alerts import CRITICAL
from trainwatch.run.limits import Limits, configured, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.cli.grammar import Words
    from trainwatch.run.limits import Rule


_STATES = (
    "broken-numbers", "not-training", "stalled", "diverging", "overfitting", "turning", "plateau",
    "never-better", "slow",
)  # fmt: skip


def limits() -> Limits:
    """The thresholds that hold. Raises ConfigError."""
    return configured(config.load({}).rules)


def stop_rules(words: Words) -> tuple[str, ...]:
    """The rules of ``--stop-on``. Raises UsageError for one that does not exist."""
    known = [
        *dict.fromkeys(rule.rule for rule in table(Limits()) if rule.rule in _STATES),
        CRITICAL,
    ]
    for name in words.values("--stop-on"):
        if name not in known:
            raise UsageError(f"--stop-on can be {', '.join(known)}, not {name!r}")
    return tuple(words.values("--stop-on"))


def print_rules(as_json: bool) -> None:
    """``trainwatch diagnose --rules``: every threshold with its meaning and source."""
    rules, default = table(limits()), Limits()
    if as_json:
        told = [{**rule._asdict(), "default": getattr(default, rule.limit)} for rule in rules]
        sys.stdout.write(json.dumps(told) + "\n")
        return
    sys.stdout.write("\n".join(_printed(rules, default, console("auto").width)) + "\n")


def _printed(rules: list[Rule], default: Limits, width: int) -> Iterator[str]:
    column = max(len(rule.limit) for rule in rules) + 12
    last = ""
    for rule in rules:
        if rule.rule != last:
            yield f"{chr(10) * bool(last)}{rule.rule}"
        last = rule.rule
        usual = getattr(default, rule.limit)
        changed = f", set by you (default {usual:g})" if rule.value != usual else ""
        text = f"{rule.meaning} [{rule.source}]{changed}"
        first, *rest = wrapped(text, max(width - column - 2, 20))
        yield f"  {rule.limit} = {rule.value:g}".ljust(column) + "  " + first
        yield from (" " * (column + 2) + line for line in rest)
    yield ""
    yield f"Set them in {config.path()}, for instance:  [rules]  overfit_rise = 0.1"
