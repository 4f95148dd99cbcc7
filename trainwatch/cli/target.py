"""The TARGET grammar: ``[[user@]host:]WHERE`` -> what is meant, and over which link.

The law of this file: words only. It looks at no process and no run; the one thing that it asks the
disk is whether a word with a colon is also the name of a file, so that it can refuse to guess.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple, TypeAlias

from trainwatch.cli.grammar import UsageError

Kind: TypeAlias = Literal["run", "pid", "path", "stdin", "tmux", "slurm", "docker", "k8s"]

_SOURCES: tuple[Kind, ...] = ("tmux", "slurm", "docker", "k8s")


class Target(NamedTuple):
    """What the user named."""

    word: str  # as typed
    host: str  # "user@host"; "" = this machine
    kind: Kind  # "run" may still turn out to be a path, and the other way round
    where: str  # the word without host; "" = the newest run


def parse(word: str) -> Target:
    """What ``word`` means. Raises UsageError."""
    host, where = _split(word)
    source, colon, rest = where.partition(":")
    if colon and source in _SOURCES:
        if not rest:
            raise UsageError(f"{word!r} names no {source} target after the colon")
        return Target(word, host, next(s for s in _SOURCES if s == source), where)
    if where == "-":
        return Target(word, host, "stdin", where)
    if where.isascii() and where.isdigit():
        return Target(word, host, "pid", where)
    return Target(word, host, "path" if _is_path(where) else "run", where)


def _split(word: str) -> tuple[str, str]:
    """Host and rest by the rule of scp: a colon before the first slash ends a host name."""
    if _is_path(word.partition(":")[0]) or ":" not in word:
        return "", word
    if word.startswith("["):  # an IPv6 address: [::1]:WHERE
        host, bracket, rest = word.partition("]:")
        if not bracket:
            raise UsageError(f"{word!r} has an opening bracket and no ']:' after the address")
        return host[1:], rest
    host, _, where = word.partition(":")
    if host in _SOURCES:
        return "", word
    if os.path.lexists(word):
        raise UsageError(f"{word!r} is a file here and WHERE on a host {host!r}: write ./{word}")
    if not host or host.startswith("-") or any(c.isspace() for c in host):
        raise UsageError(f"{word!r} has no host name before the colon")
    return host, where


def _is_path(word: str) -> bool:
    return "/" in word or word.startswith(("~", "."))
