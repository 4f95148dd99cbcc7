"""What is below one root: folders, files, and those bytes of them that have come.

The law of this file: a listing is the truth about names and sizes; bytes are believed as long as
the size they came with is the size listed; bytes that do not come by themselves are asked for once,
and not waited for for ever.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from trainwatch.facts import Read
from trainwatch.read.headers import DamagedError, WaitingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Pattern

    from trainwatch.facts import Entry, FileBytes, Listing
    from trainwatch.read.headers import Source

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds after which bytes that have not come are called unreadable."""
DOUBT = 30.0
"""Seconds for which nobody is believed to be alone after something changed all the same."""


class UnreadableError(DamagedError):
    """The bytes were asked for and did not come."""


class ChangingError(DamagedError):
    """The bytes that came belong to another moment of the file."""


class _Held:
    """What has come of one file, and what was understood of it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.parts: dict[int, bytes] = {}
        self.marks: dict[tuple[int, int], int] = {}  # hash of each part, also of those let go
        self.results: dict[object, object] = {}

    def differs(self, offset: int, data: bytes) -> bool:
        """Whether this part was another one when it came last: the file was written anew."""
        return self.marks.get((offset, len(data)), hash(data)) != hash(data)

    def put(self, offset: int, data: bytes, asked: bool) -> bool:
        """Keep a part; False when it is already known and understood, and nobody asked for it."""
        place = offset, len(data)
        if place in self.marks and self.results and not asked:
            return False
        self.marks[place] = hash(data)
        if len(self.parts.get(offset, b"")) <= len(data):
            self.parts[offset] = data
        return True

    def find(self, offset: int, length: int) -> bytes | None:
        """These bytes, if they are here."""
        found = b""
        for start in sorted(self.parts):
            at = offset + len(found) - start
            if 0 <= at < len(self.parts[start]):
                found += self.parts[start][at : at + length - len(found)]
        return found if len(found) == length else None


class Shelf:
    """The bytes of all files below one root, and the questions for more."""

    def __init__(self, root: str, wanted: Pattern[str]) -> None:
        self.root = root
        self.now = 0.0
        self.over = False  # the training has ended: nobody is left who could change anything
        self.alone = False  # nobody was seen who writes here, and nothing changed all the same
        self.caught_up = 0.0  # when everything that existed then had been sent
        self.requests: list[Read] = []
        self._seen_alone = False
        self._doubted = -DOUBT
        self._wanted = wanted
        self._held: dict[str, _Held] = {}
        self._since: dict[str, float] = {}  # when a file was first listed, or asked for
        self._moved: dict[str, tuple[object, float]] = {}  # what an entry was, and since when
        self._asked: set[tuple[str, int, int, int]] = set()
        self.denied: dict[str, str] = {}  # files that the probe may not read, and why

    def put(self, path: str, fact: FileBytes) -> bool:
        """Bytes have come; False when they are no news."""
        held = self._held.get(path)
        if held is None or held.size != fact.size or held.differs(fact.offset, fact.data):
            held = self._held[path] = _Held(fact.size)
            self._asked = {question for question in self._asked if question[0] != path}
        asked = any(question[:2] == (path, fact.offset) for question in self._asked)
        return held.put(fact.offset, fact.data, asked)

    def listed(self, entries: list[Entry], alone: bool = False) -> None:
        """These exist now; all others are forgotten. ``alone``: nobody is seen who writes here."""
        known, self._moved = self._moved, {}
        for entry in entries:
            last = known.get(entry.path)
            now = (entry.size, entry.stored, entry.mtime, entry.inode)
            if last is None:
                self._moved[entry.path] = now, self.now if known else min(self.now, entry.mtime)
            else:
                self._moved[entry.path] = last if last[0] == now else (now, self.now)
        if self._seen_alone and alone and known and known != self._moved:
            self._doubted = self.now  # somebody writes who cannot be seen
        self._seen_alone = alone
        self.alone = alone and self.now >= self._doubted + DOUBT
        self._since = {path: self._since.get(path, self.now) for path in self._moved}
        self._held = {path: held for path, held in self._held.items() if path in self._moved}
        self._asked = {question for question in self._asked if question[0] in self._moved}

    def moved(self, path: str) -> float:
        """When this was last seen to change."""
        return self._moved[path][1] if path in self._moved else 0.0

    def held(self, path: str) -> _Held | None:
        """What has come of this file."""
        return self._held.get(path)

    def missing(self, path: str, offset: int, length: int, size: int) -> Exception:
        """Why these bytes are not here; asks for them where nobody will send them unasked."""
        held = self._held.get(path)
        if path in self.denied:
            return UnreadableError(self.denied[path])
        if held is not None and held.size != size:
            return ChangingError("it is being written")
        comes_by_itself = held is None and self._wanted.match(path)
        question = (path, offset, length, size)
        if not comes_by_itself and question not in self._asked:
            self._asked.add(question)
            self.requests.append(Read(f"{self.root}/{path}", offset, length))
            self._since[path] = self.now
        since = self._since.get(path, self.now)
        if self.now - since > PATIENCE or (comes_by_itself and since <= self.caught_up):
            return UnreadableError("it could not be read")
        return WaitingError(path)


class File:
    """One file as it is listed."""

    def __init__(self, entry: Entry, shelf: Shelf) -> None:
        self.entry = entry
        self.path = entry.path
        self.name = entry.path.rpartition("/")[2]
        self.size = entry.size
        self._shelf = shelf

    @property
    def moved(self) -> float:
        """When it was last seen to change."""
        return self._shelf.moved(self.path)

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, as far as the file goes. Raises WaitingError, UnreadableError, ChangingError."""
        length = max(0, min(length, self.size - offset))
        if not length:
            return b""
        held = self._shelf.held(self.path)
        found = held.find(offset, length) if held is not None else None
        if found is None:
            raise self._shelf.missing(self.path, offset, length, self.size)
        return found

    def digest(self, understand: Callable[[Source], T]) -> T:
        """What ``understand`` makes of this file, worked out once for the same bytes.

        The bytes are let go afterwards. Raises DamagedError, WaitingError.
        """
        held = self._shelf.held(self.path)
        key = understand, self.size
        if held is not None and key in held.results:
            return _unpacked(cast("T | DamagedError", held.results[key]))
        outcome = _outcome(understand, self)
        if held is not None:
            held.results[key] = outcome
            held.parts.clear()
        return _unpacked(outcome)


def _outcome(understand: Callable[[Source], T], file: File) -> T | DamagedError:
    try:
        return understand(file)
    except (UnreadableError, ChangingError):
        raise
    except DamagedError as error:
        return error


def _unpacked(outcome: T | DamagedError) -> T:
    if isinstance(outcome, DamagedError):
        raise outcome
    return outcome


class Folder:
    """One folder with everything that is listed below it."""

    def __init__(self, path: str, shelf: Shelf, parent: Folder | None) -> None:
        self.path = path  # relative to the root; "" is the root
        self.absolute = f"{shelf.root}/{path}" if path else shelf.root
        self.name = self.absolute.rpartition("/")[2]
        self.parent = parent
        self.entries: list[Entry] = []  # of everything below and of the folder itself
        self.files: dict[str, File] = {}
        self.folders: dict[str, Folder] = {}
        self.others: dict[str, Entry] = {}  # links, pipes, devices
        self._shelf = shelf

    @property
    def now(self) -> float:
        """The time of the newest fact."""
        return self._shelf.now

    @property
    def over(self) -> bool:
        """Nobody is left who could change anything."""
        return self._shelf.over or self._shelf.alone

    @property
    def moved(self) -> float:
        """When a name in it was last seen to come or go."""
        return self._shelf.moved(self.path)

    @cached_property
    def names_below(self) -> Counter[str]:
        """In how many of its folders each file name occurs."""
        return Counter(name for folder in self.folders.values() for name in folder.files)

    def walk(self) -> Iterator[File]:
        """Every file below."""
        yield from self.files.values()
        for folder in self.folders.values():
            yield from folder.walk()

    def within(self, file: File) -> str:
        """The path of a file below, relative to this folder; of any other, its name."""
        prefix = self.path + "/" if self.path else ""
        return file.path[len(prefix) :] if file.path.startswith(prefix) else file.name


def grow(listing: Listing, shelf: Shelf) -> Folder:
    """The tree of a listing. Names below what is not listed as a folder are left out."""
    root = Folder("", shelf, None)
    known = {"": root}
    for entry in sorted(listing.entries, key=lambda entry: entry.path.count("/")):
        above, _, name = entry.path.rpartition("/")
        parent = known.get(above)
        if parent is None or name in ("", ".", ".."):
            continue
        if entry.kind == "folder":
            known[entry.path] = parent.folders[name] = Folder(entry.path, shelf, parent)
            parent.folders[name].entries.append(entry)
        elif entry.kind == "file":
            parent.files[name] = File(entry, shelf)
        else:
            parent.others[name] = entry
        ancestor: Folder | None = parent
        while ancestor is not None:
            ancestor.entries.append(entry)
            ancestor = ancestor.parent
    return root
