"""Several targets looked at once and printed: a row for each, or a list in JSON.

The law of this file: what is wrong with one target is said in its own row; the exit code is that of
the first one that could not be looked at.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trainwatch import facts
from trainwatch.cli.console import console
from trainwatch.cli.console import show as show_rows
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.inquiry import look
from trainwatch.cli.metrics import patterns
from trainwatch.cli.way import NOT_FOUND
from trainwatch.cli.ways import AT_A_TIME, all_reached
from trainwatch.draw import shapes
from trainwatch.run.crew import Crew
from trainwatch.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.cli.grammar import Words
    from trainwatch.cli.way import Way

_WIDE = 160
"""Columns of a table that nobody has set a width for."""


class _Seen(NamedTuple):
    """One target as it is now."""

    way: Way
    run: Run
    now: float
    error: CommandError | None = None


def show(targets: Sequence[str], words: Words) -> int:
    """Print them; the exit code."""
    taught = patterns(words)
    with all_reached(targets) as ways, ThreadPoolExecutor(AT_A_TIME) as threads:
        seen = list(threads.map(lambda way: _look(way, taught), ways))
    _join(seen)
    if words.verb.name == "status" and words.has("--json"):
        sys.stdout.write(json.dumps([_shape(one, seen) for one in seen]) + "\n")
    else:
        _print(seen)
    return next((one.error.code for one in seen if one.error), 0)


def _join(seen: Sequence[_Seen]) -> None:
    """Find out which of them are parts of one training."""
    crew = Crew()
    for one in seen:
        crew.add(one.run, one.way.host, partial(float, one.now))
    crew.look()


def _look(way: Way, taught: Sequence[tuple[str, str]]) -> _Seen:
    try:
        session, now = look(way, devices=True, patterns=taught)
    except CommandError as error:
        run = Run()
        where = "target" if error.code == NOT_FOUND else "link"
        run.apply(facts.Trouble(where, error.text, "", time.time()))
        return _Seen(way, run, time.time(), error)
    return _Seen(way, session.run, now)


def _shape(one: _Seen, seen: Sequence[_Seen]) -> dict[str, shapes.Json]:
    named: dict[str, shapes.Json] = {"target": one.way.word}
    if one.error is not None:
        return {**named, "error": one.error.text}
    leader = next((other.way.word for other in seen if other.run is one.run.leader), None)
    return {**named, **shapes.status(one.run, one.now), "part_of": leader}


def _print(seen: Sequence[_Seen]) -> None:
    from trainwatch.draw import fleet

    members = [
        fleet.Member(s.way.word, s.run, s.now, s.way.host) for s in seen if s.run.leader is None
    ]
    show_rows(fleet.table(members, console().width if sys.stdout.isatty() else _WIDE))
