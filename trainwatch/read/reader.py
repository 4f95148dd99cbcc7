"""Facts become records.

The law of this file: it hands on, it understands nothing itself. Bytes of a stream go to that
source's ``Stream``, listings and file bytes to layouts, metric files and results; every other fact
passes through unchanged.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.read import files, layouts, results
from trainwatch.read.dialect import dialects
from trainwatch.read.document import Document, may_be_one
from trainwatch.read.folders import Folders
from trainwatch.read.records import Notice, Record
from trainwatch.read.saved import place
from trainwatch.read.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.contents import Contents
    from trainwatch.read.records import CheckpointSeen, CheckpointsSeen

MOST_PLACES = 4
"""Folders that a log may have looked at: what is printed is not always meant."""
KEPT = "kept"
"""The folder that checkpoints are put into to keep them."""


class Reader:
    """Reads everything of one run.

    ``patterns`` are the user's own (name, regular expression) pairs for metrics, ``gold`` paths of
    results of a gold set, files or folders, as the probe's machine knows them.
    """

    def __init__(self, patterns: Sequence[tuple[str, str]] = (), gold: Sequence[str] = ()) -> None:
        self._patterns = patterns
        self._gold = gold
        self._streams: dict[str, Stream] = {}
        self._files = files.Files()
        self._folders = Folders()
        self._documents: dict[str, Document] = {}
        self._contents: dict[str, Contents] = {}
        self._live = False
        self._apart = False  # metric files of several runs must not be read as one run's
        self._roots: set[str] = set()
        self._guessed: tuple[str, ...] = ()  # folders that hold the files of others as well
        self._refused: set[str] = set()  # files of which it was said that they are not read
        self._places: list[str] = []  # folders that the training said it saves to
        self._visits: list[facts.Visit] = []

    def watch(
        self,
        target: str,
        resume: Sequence[facts.Resume] = (),
        once: bool = False,
        live: bool = True,
        deep: bool = False,
    ) -> facts.Watch:
        """What to ask the probe for. ``deep``: the target may be a folder of several runs."""
        self._live = False
        self._apart = deep
        self._folders = Folders()
        wants = [*results.wants(self._gold), *files.wants(target), *layouts.wants()]
        folders = [*layouts.folders(), *results.FOLDERS, KEPT]
        roots = [*self._gold, *self._places]
        return facts.Watch(target, folders, wants, list(resume), once, roots, live, deep)

    def feed(self, fact: object) -> list[object]:
        """The records of one fact; facts that are nothing to read come back as they are."""
        at = getattr(fact, "at", None)
        if isinstance(fact, facts.Target):
            self._folders.trained(fact.pid is not None)
            self._guessed = tuple(f"{root}/" for root in fact.guessed)
        aged = self._folders.tick(at) if isinstance(at, float) else []
        return [*aged, *self._read(fact)]

    def _read(self, fact: object) -> list[object]:
        match fact:
            case facts.Chunk():
                records = self._chunk(fact)
                for record in records:
                    self._note_place(record)
                return records
            case facts.Gap():
                return self._gap(fact)
            case facts.FileBytes() | facts.Listing() | facts.Trouble():
                return self._beside(fact)
            case facts.CaughtUp():
                return [*self._caught_up(), *self._folders.caught_up(fact.at), fact]
            case facts.Ended():
                return [*self.finish(fact.at), *self._folders.ended(fact.at), fact]
            case _:
                return [fact]

    def _caught_up(self) -> list[object]:
        self._live = True
        return [record for source in list(self._documents) for record in self._whole(source)]

    def _beside(self, fact: facts.FileBytes | facts.Listing | facts.Trouble) -> list[object]:
        """What is told of folders and files."""
        if isinstance(fact, facts.Trouble):
            seen = self._folders.denied(fact)
            return [fact] if seen is None else [*seen]
        if isinstance(fact, facts.Listing):
            self._roots.add(fact.root)
        told = self._file(fact) if isinstance(fact, facts.FileBytes) else []
        return [*told, *self._folders.feed(fact), *self._not_read(fact)]

    def _not_read(self, fact: facts.FileBytes | facts.Listing) -> list[object]:
        """Of which file nothing can be read, and which are readable again or gone.

        While a training writes, a file that is half written is soon whole.
        """
        if isinstance(fact, facts.Listing):
            there = {f"{fact.root}/{entry.path}" for entry in fact.entries}
            gone = {path for path in self._refused if path.startswith(fact.root + "/")} - there
            self._refused -= gone
            return [facts.Trouble(f"file:{path}", "", "", fact.at) for path in gone]
        why = "" if fact.path.startswith(self._guessed) else self._files.refusal(fact)
        why = why or results.refusal(fact, self._gold)
        if bool(why) == (fact.path in self._refused) or (why and self._live):
            return []
        self._refused ^= {fact.path}
        text = f"{fact.path} is not read: {why}" if why else ""
        return [facts.Trouble(f"file:{fact.path}", text, "", fact.at)]

    def _file(self, fact: facts.FileBytes) -> list[object]:
        looked = [contents.feed(fact) for contents in self._contents.values()]
        inside = [record for record in looked if record is not None]
        numbers = [] if self._apart and self._is_deep(fact.path) else self._files.feed(fact)
        return [*inside, *numbers, *results.read(fact, self._gold)]

    def _is_deep(self, path: str) -> bool:
        """Whether a file lies in a folder that is no checkpoint but may be a run's."""
        root = max((r for r in self._roots if path.startswith(r + "/")), key=len, default=path)
        above = path[len(root) + 1 :].split("/")[:-1]
        return any(all(not fnmatch(name, like) for like in layouts.folders()) for name in above)

    def settle(self, at: float) -> list[CheckpointsSeen]:
        """Nobody writes checkpoints any more: what is unfinished is so for good."""
        return self._folders.ended(at)

    def look_into(self, seen: CheckpointSeen) -> None:
        """Ask for what is inside this checkpoint: ContentsSeen will tell."""
        from trainwatch.read.contents import Contents  # noqa: PLC0415 - seldom asked, long to load

        self._contents[seen.path] = Contents(seen)

    def finish(self, at: float | None = None) -> list[Record]:
        """Nothing more will come: lines that were left unfinished are read as they are."""
        return [record for stream in self._streams.values() for record in stream.break_off(at)]

    def requests(self) -> list[facts.Read | facts.Visit]:
        """Bytes and folders that are needed to go on; asked once."""
        inside = [read for contents in self._contents.values() for read in contents.requests()]
        visits, self._visits = self._visits, []
        return [*visits, *self._folders.requests(), *self._files.requests(), *inside]

    def _note_place(self, record: object) -> None:
        """The training has told where it saves."""
        if isinstance(record, Notice) and record.kind == "saving":
            found = place(record.text)
            if found and found not in self._places and len(self._places) < MOST_PLACES:
                self._places.append(found)
                self._visits.append(facts.Visit(found))

    @property
    def tallies(self) -> list[tuple[str, str, int, int]]:
        """(source, dialects, lines, points) of everything read so far."""
        streams = [
            (s.source, ", ".join(sorted(s.understood)), s.lines, s.points)
            for s in self._streams.values()
        ]
        return streams + self._files.tallies

    def _stream(self, source: str, begin: bytes = b"") -> Stream:
        if source not in self._streams:
            exact = files.holds_numbers(source, begin)
            self._streams[source] = Stream(source, dialects(), self._patterns, exact=exact)
        return self._streams[source]

    def _chunk(self, fact: facts.Chunk) -> list[object]:
        if may_be_one(fact.source) and not self._live:
            document = self._documents.setdefault(fact.source, Document())
            return [] if document.hold(fact) else self._whole(fact.source)
        if files.is_binary(fact.source):
            end = fact.offset + len(fact.data)
            part = facts.FileBytes(fact.source, fact.offset, fact.data, end, fact.at, fact.at)
            return list(self._files.feed(part))
        at = fact.at if self._live else None
        return list(self._stream(fact.source, fact.data).feed(fact.offset, fact.data, at))

    def _whole(self, source: str) -> list[object]:
        """The rows of a held stream, or the lines of one that is no single value."""
        document = self._documents.pop(source)
        rows = document.rows()
        stream = self._stream(source)
        return list(rows) or [
            record for c in document.chunks for record in stream.feed(c.offset, c.data, None)
        ]

    def _gap(self, fact: facts.Gap) -> list[object]:
        self._documents.pop(fact.source, None)
        told = Notice("gap", fact.reason, fact.source, fact.offset, fact.at)
        return [*self._stream(fact.source).break_off(fact.at), told]
