"""The user's own metrics: ``--metric NAME=REGEX`` and the ``[metrics]`` of the configuration.

The law of this file: a mistake is found before anything is started, and the flag goes before the
file where both name a metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.cli import config
from trainwatch.cli.grammar import UsageError

if TYPE_CHECKING:
    from trainwatch.cli.grammar import Words


def patterns(words: Words) -> tuple[tuple[str, str], ...]:
    """(name, regular expression) of every metric the user taught. Raises UsageError, ConfigError."""
    given = dict(_pair(value) for value in words.values("--metric"))
    return tuple({**config.load({}).metrics, **given}.items())


def check(words: Words) -> None:
    """Raises UsageError for a ``--metric`` that cannot be used."""
    for value in words.values("--metric"):
        _pair(value)


def _pair(value: str) -> tuple[str, str]:
    name, equals, pattern = value.partition("=")
    if not (name.strip() and equals and pattern):
        raise UsageError(
            f"--metric is NAME=REGEX, such as 'loss=my loss is ([0-9.]+)', not {value!r}"
        )
    wrong = config.wrong_pattern(pattern)
    if wrong:
        raise UsageError(f"--metric {name}: {pattern!r} is no regular expression: {wrong}")
    return name.strip(), pattern
