"""The TARGET grammar: ``[[user@]host:]WHERE`` -> what is meant, and over which link.

The law of this file: words only. It looks at no process and no run; the one thing that it asks the
disk is whether a word with a colon is also the name of a file, so that it can refuse to guess.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.cli.grammar import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind: TypeAlias = Literal["run", "pid", "path", "stdin", "tmux", "slurm", "docker", "k8s"]

MOST = 64  # targets at once
_NUMBERS = re.compile(r"\[([0-9]{1,9}(?:-[0-9]{1,9})?(?:,[0-9]{1,9}(?:-[0-9]{1,9})?)*)\]")
_ADDRESS = re.compile(
    r"(?P<user>(?:[^@/:\[\]\s]+@)?)\[(?P<host>[^\[\]\s]+)\]:(?P<where>.*)", re.DOTALL
)
"""An IPv6 address has colons itself: ``[::1]:WHERE``, ``user@[::1]:WHERE``."""
_PORT = re.compile(r"([0-9]{1,5}):(.*)", re.DOTALL)
_URL = re.compile(r"(?:ssh|scp|sftp)://([^/\s]+)(/?.*)", re.DOTALL)
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


def expanded(words: Sequence[str]) -> list[str]:
    """The words, those with numbers in brackets (``gpu[1-4]:``, ``slurm:12_[0-3]``) once for each.

    A word that is the name of a file is left alone, and so is an address. Raises UsageError.
    """
    found = [each for word in words for each in _expanded(word)]
    if len(found) > MOST:
        raise UsageError(f"that names {len(found)} targets; at most {MOST} are watched at once")
    return list(dict.fromkeys(found))


def _expanded(word: str) -> list[str]:
    """``word`` itself, or one word for each number in its brackets, from the left."""
    match = _NUMBERS.search(word)
    if match is None or os.path.lexists(word):
        return [word]
    before, after = word[: match.start()], word[match.end() :]
    found: list[str] = []
    for part in match.group(1).split(","):
        low, _, high = part.partition("-")
        first, last = int(low), int(high or low)
        if last < first or last - first >= MOST:
            raise UsageError(f"{word!r}: [{part}] is no range of at most {MOST} numbers")
        for number in range(first, last + 1):
            found += _expanded(f"{before}{number:0{len(low)}}{after}")
    return found


def _split(word: str) -> tuple[str, str]:
    """Host and rest by the rule of scp: a colon before the first slash ends a host name."""
    if _is_path(word.partition(":")[0]) or ":" not in word:
        return "", word
    address = _ADDRESS.fullmatch(word)
    if address:
        return address["user"] + address["host"], address["where"]
    if word.startswith("["):
        raise UsageError(f"{word!r} has an opening bracket and no ']:' after the address")
    host, _, where = word.partition(":")
    if host in _SOURCES:
        return "", word
    url = _URL.fullmatch(word)
    if url:
        raise UsageError(
            f"{word!r} is a URL; a target is {url[1]}:WHERE, such as {url[1]}:{url[2]}"
        )
    if where.startswith(":"):
        raise UsageError(f"{word!r}: an IPv6 address stands in brackets, as in [::1]:WHERE")
    if os.path.lexists(word):
        raise UsageError(f"{word!r} is a file here and WHERE on a host {host!r}: write ./{word}")
    if not host or host.startswith("-") or any(c.isspace() for c in host):
        raise UsageError(f"{word!r} has no host name before the colon")
    port = _PORT.match(where)
    if port:
        name = host.rpartition("@")[2]
        entry = f"'Host {name}' with 'Port {port[1]}' in ~/.ssh/config, and {host}:{port[2]} here"
        raise UsageError(f"{word!r}: a target has no port; write {entry}")
    return host, where


def _is_path(word: str) -> bool:
    return "/" in word or word.startswith(("~", "."))
