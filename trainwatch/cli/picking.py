"""Which checkpoint a person means by a word.

The law of this file: a name, a step, or a path; a word that could be two things is refused with both
named. Nothing is guessed where something is deleted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.cli.way import NOT_FOUND
from trainwatch.probe import runs
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.checkpoints import Checkpoint

_SHOWN = 6


class Choice(NamedTuple):
    """Where to look, and for what."""

    target: tuple[str, ...]  # none: the newest run here
    names: tuple[str, ...]  # none: all


def of_one(words: Sequence[str]) -> Choice:
    """``NAME [TARGET]``. Raises UsageError."""
    name, target = words[0], tuple(words[1:])
    if target:
        return Choice(target, (name,))
    return _by_path(name) if "/" in name or os.path.lexists(name) else Choice((), (name,))


def of_many(words: Sequence[str]) -> Choice:
    """``[TARGET] [NAME...]``: the first word is a target where there is such a thing."""
    if not words:
        return Choice((), ())
    if _is_target(words[0]):
        return Choice(tuple(words[:1]), tuple(words[1:]))
    return Choice((), tuple(words))


def check_word(word: str, verb: str) -> None:
    """Refuse ``checkpoints verify`` where there is a folder or a run of that name. Raises UsageError."""
    what = "a file or folder here" if os.path.lexists(word) else ""
    what = what or ("a run" if runs.find(word) else "")
    if what:
        raise UsageError(
            f"{word!r} is {what} and what to do: for the first write trainwatch checkpoints"
            f" ./{word}, for the second trainwatch {verb} TARGET"
        )


def _is_target(word: str) -> bool:
    if not word or "/" in word or ":" in word or os.path.lexists(word):
        return True
    return bool(runs.find(word)) or (word.isdigit() and os.path.isdir(f"/proc/{word}"))


def _by_path(word: str) -> Choice:
    """A checkpoint named by its path: its neighbours have a say in what may happen to it."""
    host, colon, path = word.rpartition(":") if ":" in word.partition("/")[0] else ("", "", word)
    path = path.rstrip("/") if host else os.path.abspath(os.path.expanduser(path))
    above, name = os.path.split(path)
    if os.path.basename(above) == "kept":
        above, name = os.path.dirname(above), f"kept/{name}"
    return Choice((f"{host}{colon}{above or '.'}",), (name,))


def found(rows: Sequence[Checkpoint], word: str) -> Checkpoint:
    """The checkpoint that is meant. Raises CommandError."""
    named = [r for r in rows if _is_named(r, word)]
    live = [r for r in named if "kept" not in r.marks] if not word.startswith("kept/") else named
    named = live or named
    if len(named) == 1:
        return named[0]
    if not named:
        known = [clean(r.seen.name) for r in rows]
        more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        there = ", ".join(known[-_SHOWN:]) + more
        raise CommandError(f"there is no checkpoint {word!r}; there are: {there}", NOT_FOUND)
    paths = " and ".join(clean(r.seen.path) for r in named[:_SHOWN])
    raise CommandError(f"{word!r} could be {paths}: give more of the path")


def _is_named(row: Checkpoint, word: str) -> bool:
    seen = row.seen
    if word.isdigit():
        return seen.step == int(word) or seen.name == word
    word = word.rstrip("/").removeprefix("./")
    return word in (seen.name, seen.path) or seen.path.endswith("/" + word)
