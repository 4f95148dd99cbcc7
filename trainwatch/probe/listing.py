"""What lies in a folder, as far as somebody asked to know.

The law of this file: one bounded look, lstat only. A symbolic link is named and never followed,
nothing is opened, and no folder is so large that it takes more than a moment: where a limit is hit
the rest is left out and the listing says so. It knows no layout; patterns come from outside.
"""

import fnmatch
import itertools
import os
import re
import stat
import time
from collections import deque
from typing import Any, Deque, Dict, Iterable, List, NamedTuple, Optional, Pattern, Set, Tuple

from trainwatch.facts import Entry

MAX_DEPTH = 6
MAX_ENTRIES = 5000
MAX_NAMES = 50000  # looked at in one folder
MAX_FOLDERS = 1000
SEARCH_DEPTH = 3
SETTLED = 600.0  # seconds without a change after which a folder may be taken from memory
_RESULTS = re.compile(
    r"out|result|run|save|exp|model|ckpt|checkpoint|log|train|artifact|snapshot|work"
)
_OPENED, _WANTED, _NAMED, _TO_SEARCH = range(4)  # what to do about a name, the important first
_NEVER = {"node_modules", "site-packages", "venv", "virtualenv", "__pycache__"}


class Root(NamedTuple):
    """A folder whose content may belong to a run."""

    path: str
    only: str = ""  # the one name in it that is meant; "" = all
    since: float = 0.0  # what was changed before belongs to somebody else; 0.0 = everything counts
    sparse: bool = False  # only what matches is named, because most of it is not the run's
    without: Tuple[str, ...] = ()  # folders below it that are roots themselves
    deep: bool = False  # where nothing in it matches, its folders are searched for what does


class Tree(NamedTuple):
    """What was found below a root."""

    entries: List[Entry]  # by path
    folders: List[str]  # absolute; those that were looked into
    complete: bool


def matcher(patterns: Iterable[str]) -> Pattern[str]:
    """One expression for many fnmatch patterns; it matches nothing when there are none."""
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")


class Kept(NamedTuple):
    """What was found in one folder."""

    stamp: Tuple[int, int]  # when a name in it last came or went, and its inode
    entries: List[Entry]


Memory = Dict[str, Kept]
"""The last look, by the path of the folder below the root; it is kept up by looking."""


def look(
    root: Root, folders: Pattern[str], files: Pattern[str], memory: Optional[Memory] = None
) -> Tree:
    """List ``root``, and those folders in it whose name matches ``folders``, with all they hold.

    In a sparse root they are also searched for in folders that something was put into since, in a
    deep one in every folder. When there is too much, what matches ``files`` comes first. Raises
    OSError for the root itself.

    With a ``memory`` of the last look, old folders of which no name has changed are taken from it:
    what is rewritten in place there is seen by a look without.
    """
    walk = _Walk(root, folders, files, {} if memory is None else memory)
    walk.enter(_Place("", 0, _MEANT if root.only else _ROOT))
    while walk.queue and len(walk.folders) < MAX_FOLDERS:
        try:
            walk.enter(walk.queue.popleft())
        except OSError:
            walk.complete = False
    return Tree(walk.since(), walk.folders, walk.complete and not walk.queue)


class _Place(NamedTuple):
    """A folder to look into, and why."""

    relative: str
    depth: int
    why: int


# Why a folder is looked into: it is the root, it matched or lies below one that did, or something
# that matches may lie in it.
_ROOT, _MEANT, _SEARCHED = range(3)


class _Walk:
    def __init__(
        self, root: Root, folders: Pattern[str], files: Pattern[str], memory: Memory
    ) -> None:
        self._root = root
        self._memory = memory
        self._opens = folders
        self._wanted = files
        self._entries: List[Entry] = []
        self._searched: Set[str] = set()
        self.folders: List[str] = []
        self.queue: Deque[_Place] = deque()
        self.complete = True

    def enter(self, place: _Place) -> None:
        """List one folder."""
        relative = place.relative
        path = os.path.join(self._root.path, relative) if relative else self._root.path
        if place.why != _MEANT or not relative:
            self._scan(place, path)
            return
        status = os.lstat(path)
        stamp = int(status.st_mtime * 1e9), status.st_ino
        kept = self._memory.get(relative)
        if kept is None or kept.stamp != stamp or not self._recall(place, path, kept):
            first = len(self._entries)
            if self._scan(place, path):
                self._memory[relative] = Kept(stamp, self._entries[first:])

    def _recall(self, place: _Place, path: str, kept: Kept) -> bool:
        """Take the content of an old folder from memory; its own folders are looked at anew."""
        newest = max((entry.mtime for entry in kept.entries), default=0.0)
        if time.time() - max(newest, kept.stamp[0] / 1e9) < SETTLED:
            return False
        if len(self._entries) + len(kept.entries) > MAX_ENTRIES:
            return False
        self.folders.append(path)
        self._entries += kept.entries
        for entry in kept.entries:
            if entry.kind == "folder":
                self._enqueue(_Place(entry.path, place.depth + 1, _MEANT))
        return True

    def _scan(self, place: _Place, path: str) -> bool:
        """Look into a folder; whether everything in it was named."""
        relative = place.relative
        with os.scandir(path) as names:
            found = list(itertools.islice(names, MAX_NAMES + 1))
        self.folders.append(path)
        if len(found) > MAX_NAMES:
            self.complete = False
        if self._root.only and not relative:
            meant = (self._root.only, self._root.only + "-wal")  # a database and its log are one
            found = [entry for entry in found if entry.name in meant]
        prefix = relative + "/" if relative else ""
        deep = self._searches(found, place)
        ranked = ((self._rank(entry, prefix, place, deep), entry.name, entry) for entry in found)
        for rank, name, entry in sorted(one for one in ranked if one[0] is not None):
            if len(self._entries) >= MAX_ENTRIES:
                self.complete = False
                return False
            if self._add(prefix + name, entry) and rank in (_OPENED, _TO_SEARCH):
                why = _MEANT if rank == _OPENED else _SEARCHED
                self._enqueue(_Place(prefix + name, place.depth + 1, why))
        return len(found) <= MAX_NAMES

    def _enqueue(self, place: _Place) -> None:
        if place.why == _SEARCHED:
            self._searched.add(place.relative)
        if place.depth <= (SEARCH_DEPTH if place.why == _SEARCHED else MAX_DEPTH):
            self.queue.append(place)
        else:
            self.complete = self.complete and place.why == _SEARCHED

    def _searches(self, found: List[Any], place: _Place) -> bool:
        """Whether to look for checkpoints further down: there is none here."""
        return (
            self._root.deep
            and place.why != _MEANT
            and not any(
                self._opens.match(entry.name)
                if entry.is_dir(follow_symlinks=False)
                else place.relative and self._wanted.match(place.relative + "/" + entry.name)
                for entry in found
            )
        )

    def _rank(self, entry: Any, prefix: str, place: _Place, deep: bool) -> Optional[int]:
        """What to do about a name; None: it is not to be named."""
        hidden = self._root.sparse if place.why == _ROOT else place.why == _SEARCHED
        other = None if hidden else _NAMED
        if not entry.is_dir(follow_symlinks=False):
            return _WANTED if self._wanted.match(prefix + entry.name) else other
        if entry.name.startswith(".") or entry.name in _NEVER or entry.path in self._root.without:
            return None
        if place.why == _MEANT or self._opens.match(entry.name):
            return _OPENED
        return _TO_SEARCH if deep or (self._root.sparse and self._may_hold(entry)) else other

    def _may_hold(self, entry: Any) -> bool:
        """Whether something was put into the folder since, or its name speaks of results."""
        if not self._root.since:
            return False
        try:
            recent = entry.stat(follow_symlinks=False).st_mtime >= self._root.since
        except OSError:
            return False
        return recent or bool(_RESULTS.search(entry.name.lower()))

    def _add(self, relative: str, entry: Any) -> bool:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return False  # it is gone already
        self._entries.append(
            Entry(
                relative,
                _kind(status.st_mode),
                status.st_size,
                status.st_blocks * 512,
                status.st_mtime,
                status.st_ino,
                status.st_nlink,
            )
        )
        return True

    def since(self) -> List[Entry]:
        """The entries that are new enough, and the folders that hold one."""
        kept: List[Entry] = []
        holding = set()
        for entry in sorted(self._entries, reverse=True):  # what a folder holds comes before it
            new = entry.mtime >= self._root.since and entry.path not in self._searched
            if new or entry.path in holding:
                kept.append(entry)
                holding.add(os.path.dirname(entry.path))
        return kept[::-1]


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
