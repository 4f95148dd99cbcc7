"""Metric files: one format per file.

The law of this folder: a module offers ``WANTS`` (which files, and how much of them at a time) and
either ``read`` (a whole file that is rewritten -> rows) or ``follow`` (a file that grows -> a
``Follower``); databases, which are two files each, are ``database``'s. A file that is half written is waited for, never an error. Values that a file holds
are at full precision: where the log shows the same point, the run keeps the file's.
"""

from __future__ import annotations

import importlib
import pkgutil
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from trainwatch import facts
from trainwatch.read.files import database
from trainwatch.read.files.database import Databases
from trainwatch.read.lexicon import known, split_in, word

if TYPE_CHECKING:
    from trainwatch.read.records import Key, Metrics, Split

PART = 4 << 20
"""Bytes of a growing file that are asked for at a time."""


class Whole(Protocol):
    """A format that is written anew each time."""

    __name__: str
    WANTS: tuple[facts.Want, ...]

    def read(self, source: str, data: bytes) -> list[Metrics] | None:
        """Every row of a whole file; None while it is cut or half written."""


class Follower(Protocol):
    """One growing file."""

    def feed(self, offset: int, data: bytes) -> list[Metrics]:
        """The rows that these bytes complete; they follow the ones before."""


class Growing(Protocol):
    """A format that is appended to."""

    __name__: str
    WANTS: tuple[facts.Want, ...]

    def follow(self, source: str) -> Follower:
        """Begin to read one file."""


class _Followed:
    """How far a growing file was read."""

    def __init__(self, follower: Follower, head: bytes) -> None:
        self.follower = follower
        self.head = head  # as it was; another head is another file
        self.end = 0
        self.asked = 0  # size of the file when more was last asked for


_HEAD = 256  # bytes that tell a file that was written anew


class Files:
    """The metric files of one run."""

    def __init__(self) -> None:
        self._tallies: dict[str, tuple[str, int, int]] = {}
        self._followed: dict[str, _Followed] = {}
        self._requests: list[facts.Read] = []
        self._databases = Databases()
        self._cut: set[str] = set()  # files that came whole and are half written

    def feed(self, fact: facts.FileBytes) -> list[Metrics]:
        """The rows that these bytes of a file add; nothing when it is no metric file."""
        whole = self._databases.feed(fact)
        if whole:
            path, found = whole
            self._tallies.pop(path, None)
            self._tally(path, "database", found or [])
            return found or []
        self._cut.discard(fact.path)
        for form in formats():
            if _wanted(form, fact.path):
                rows = self._rows(form, fact)
                if not rows:
                    continue  # another format may know a file of that name
                self._cut.discard(fact.path)
                split = None if hasattr(form, "TELLS_SPLITS") else _split_of(fact.path)
                rows = [_resplit(record, split) for record in rows] if split else rows
                self._tally(fact.path, form.__name__.rpartition(".")[2], rows)
                return rows
        return []

    def refusal(self, fact: facts.FileBytes) -> str:
        """Why nothing is read of a file that was just fed, though its name says that it should be."""
        forms = [form for form in formats() if _wanted(form, fact.path)]
        if any(hasattr(form, "follow") for form in forms):
            return ""
        if fact.path in self._cut:
            return "it is cut or half written"
        if len(fact.data) < fact.size and (forms or database.is_one(fact)):
            return f"it has {fact.size >> 20:,} MiB, more than is read of such a file"
        return ""

    def requests(self) -> list[facts.Read]:
        """What to read on; asked once."""
        requests, self._requests = self._requests, []
        return requests

    @property
    def tallies(self) -> list[tuple[str, str, int, int]]:
        """(file, format, rows, points)."""
        return [(path, *told) for path, told in self._tallies.items()]

    def _rows(self, form: Whole | Growing, fact: facts.FileBytes) -> list[Metrics]:
        if hasattr(form, "follow"):
            return self._follow(cast("Growing", form), fact)
        whole = len(fact.data) == fact.size and fact.offset == 0
        rows = form.read(fact.path, fact.data) if whole else []
        if rows is None:
            self._cut.add(fact.path)
        if rows:
            self._tallies.pop(fact.path, None)
        return rows or []

    def _follow(self, form: Growing, fact: facts.FileBytes) -> list[Metrics]:
        known = self._followed.get(fact.path)
        head = fact.data[:_HEAD] if fact.offset == 0 else None
        anew = known is None or fact.size < known.end
        if known and head is not None and not head.startswith(known.head[: len(head)]):
            anew = True
        if anew or known is None:
            if head is None:
                return []
            known = self._followed[fact.path] = _Followed(form.follow(fact.path), head)
            self._tallies.pop(fact.path, None)
        elif head is not None and len(head) > len(known.head):
            known.head = head
        rows = self._take(known, fact)
        if known.end < fact.size > known.asked:
            known.asked = fact.size
            length = min(PART, fact.size - known.end)
            self._requests.append(facts.Read(fact.path, known.end, length))
        return rows

    @staticmethod
    def _take(known: _Followed, fact: facts.FileBytes) -> list[Metrics]:
        skip = known.end - fact.offset
        if not 0 <= skip < len(fact.data):
            return []
        known.asked = 0
        known.end = fact.offset + len(fact.data)
        return known.follower.feed(fact.offset + skip, fact.data[skip:])

    def _tally(self, path: str, name: str, rows: list[Metrics]) -> None:
        if rows:
            _, lines, points = self._tallies.get(path, (name, 0, 0))
            lines += sum(len(record.steps) for record in rows)
            points += sum(len(record.steps) * len(record.keys) for record in rows)
            self._tallies[path] = name, lines, points


@cache
def formats() -> tuple[Whole | Growing, ...]:
    """Every format of this folder that is one file."""
    return tuple(
        cast("Whole | Growing", importlib.import_module(f"{__name__}.{module.name}"))
        for module in pkgutil.iter_modules(__path__)
        if module.name != "database"
    )


def wants(target: str = "") -> tuple[facts.Want, ...]:
    """What to ask the probe for; ``target`` is what the user named."""
    named = database.wants_of(target.rpartition("/")[2])
    return (*named, *database.WANTS, *(want for form in formats() for want in form.WANTS))


def is_binary(source: str) -> bool:
    """Whether a stream of this name is a growing metric file that has no lines."""
    return any(
        hasattr(form, "follow") and not hasattr(form, "begins") and _wanted(form, source)
        for form in formats()
    )


def holds_numbers(source: str, begin: bytes) -> bool:
    """Whether a stream of this name, that begins so, is a metric file made of lines."""
    return any(
        hasattr(form, "begins") and _wanted(form, source) and form.begins(begin)
        for form in formats()
    )


def _wanted(form: Whole | Growing, path: str) -> bool:
    return any(_matches(path, want.pattern) for want in form.WANTS)


def _matches(path: str, pattern: str) -> bool:
    return fnmatch(path, pattern) or fnmatch(path, "*/" + pattern)


def _split_of(path: str) -> Split | None:
    """The split that a file's own name or its folder tells: ``validation/events...``.

    A folder that is called after a whole run (``sft-eval-every-100``) tells none.
    """
    above, _, name = path.rpartition("/")
    folder = above.rpartition("/")[2]
    return split_in(name.partition(".")[0]) or (word(folder).split if known(folder) else None)


def _resplit(record: Metrics, split: Split) -> Metrics:
    """The record with the file's split where the key itself tells none."""
    keys = tuple(_in_split(key, split) for key in record.keys)
    return record._replace(keys=keys) if len(set(keys)) == len(keys) else record


def _in_split(key: Key, split: Split) -> Key:
    return key if word(key.key).split else key._replace(split="eval" if split == "test" else split)
