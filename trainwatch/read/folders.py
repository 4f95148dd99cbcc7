"""The folders of a run become checkpoints.

The law of this file: a folder is looked at again only when something in it changed, or when time
alone changes what it means. No clock is read: ``at`` comes from the facts.
"""

from __future__ import annotations

import re
from fnmatch import translate
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from trainwatch import facts
from trainwatch.read import layouts
from trainwatch.read.clean import clean
from trainwatch.read.headers import WaitingError
from trainwatch.read.records import CheckpointsSeen
from trainwatch.read.tree import PATIENCE, Folder, Shelf, grow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from re import Pattern

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.records import CheckpointSeen


def _matching(patterns: Iterable[str]) -> Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


_NEVER = float("inf")


class Folders:
    """Listings and file bytes of any number of roots become CheckpointsSeen."""

    def __init__(self) -> None:
        self._roots: dict[str, _Root] = {}
        self._is_trained = False

    def trained(self, known: bool) -> None:
        """Whether a process is known that trains here: its end will be told."""
        self._is_trained = known

    def feed(self, fact: facts.Listing | facts.FileBytes) -> list[CheckpointsSeen]:
        """What is new after this fact."""
        if isinstance(fact, facts.Listing):
            root = self._roots.setdefault(fact.root, _Root(fact.root))
            root.listed(fact._replace(alone=fact.alone and not self._is_trained))
            return root.look(fact.at)
        return [
            seen
            for root in self._roots.values()
            if root.put(fact)
            for seen in root.refresh(fact.at)
        ]

    def denied(self, trouble: facts.Trouble) -> list[CheckpointsSeen] | None:
        """A file cannot be read, or can again; None when it is no file of these folders."""
        kind, _, path = trouble.where.partition(":")
        if kind != "file":
            return None
        roots = [root for root in self._roots.values() if root.deny(path, trouble.text)]
        return [seen for root in roots for seen in root.refresh(trouble.at)] if roots else None

    def tick(self, at: float) -> list[CheckpointsSeen]:
        """Time has passed: what was being written may have been left unfinished."""
        return [
            seen for root in self._roots.values() if at >= root.deadline for seen in root.look(at)
        ]

    def caught_up(self, at: float) -> list[CheckpointsSeen]:
        """Everything that existed until now has been sent: what did not come will not come."""
        for root in self._roots.values():
            root.caught_up(at)
        return self.tick(at)

    def ended(self, at: float) -> list[CheckpointsSeen]:
        """The training is over: nothing is being written any more."""
        for root in self._roots.values():
            root.end(at)
        return self.tick(at)

    def requests(self) -> list[facts.Read]:
        """Bytes that are needed to go on; each is told once."""
        return [read for root in self._roots.values() for read in root.requests()]


class _Made(NamedTuple):
    """What was made of one offer."""

    names: frozenset[str] | None
    claim: Claim | None
    deadline: float  # when to look again although nothing changed
    waits: bool = False  # for bytes


class _Known(NamedTuple):
    """What was last made of one folder."""

    folder: Folder
    state: object  # of everything on disk that may change it
    made: tuple[_Made, ...]

    @property
    def is_whole(self) -> bool:
        """The folder itself is a checkpoint; nothing below is looked at for others."""
        return any(made.names is None for made in self.made)

    @property
    def waits(self) -> bool:
        """Bytes were asked for and have not come."""
        return any(made.waits for made in self.made)

    @property
    def taken(self) -> frozenset[str]:
        """Names in the folder that belong to a checkpoint."""
        return frozenset().union(*(made.names or () for made in self.made))

    @property
    def claims(self) -> list[Claim]:
        """The checkpoints in it."""
        return [made.claim for made in self.made if made.claim]

    @property
    def deadline(self) -> float:
        """When to look again although nothing changed."""
        return min((made.deadline for made in self.made), default=_NEVER)


class _Root:
    """One root: its tree, its bytes, and what was made of each folder."""

    def __init__(self, path: str) -> None:
        self.deadline = _NEVER
        self._path = path
        self._wanted = _matching(want.pattern for want in layouts.wants())
        self._likely = _matching(layouts.folders())
        self._shelf = Shelf(path.rstrip("/"), self._wanted)
        self._tree: Folder | None = None
        self._complete = True
        self._known: dict[str, _Known] = {}
        self._dirty: set[str] = set()
        self._last: CheckpointsSeen | None = None

    def listed(self, listing: facts.Listing) -> None:
        """Take in what is there now."""
        self._shelf.now = listing.at
        self._tree = grow(listing, self._shelf)
        self._complete = listing.complete
        was = self._shelf.alone
        self._shelf.listed(listing.entries, listing.alone)
        if self._shelf.alone != was:
            self._due_at(listing.at)

    def put(self, fact: facts.FileBytes) -> bool:
        """Take in bytes; False when they are none of ours or no news."""
        prefix = self._shelf.root + "/"
        path = fact.path[len(prefix) :]
        if not fact.path.startswith(prefix) or not self._shelf.put(path, fact):
            return False
        self._dirty |= self._touched(path)
        return True

    def deny(self, path: str, text: str) -> bool:
        """Take in that a file cannot be read, or can again; False when it is none of ours."""
        prefix = self._shelf.root + "/"
        if not path.startswith(prefix):
            return False
        below = path[len(prefix) :]
        if text:
            self._shelf.denied[below] = clean(text.rpartition(": ")[2]).lower()
        else:
            self._shelf.denied.pop(below, None)
        self._dirty |= self._touched(below)
        return True

    def _touched(self, path: str) -> set[str]:
        """The folders that may have to be seen otherwise now that more is known of this file."""
        above = path.rpartition("/")[0]
        waiting: set[str] = set()  # for bytes of a checkpoint that lies below
        place = ""
        for part in [*above.split("/"), ""]:
            known = self._known.get(place)
            if known and known.is_whole:
                return {place} | waiting  # all that lies below is part of that checkpoint
            if known and known.waits:
                waiting.add(place)
            place = f"{place}/{part}" if place else part
        inside = self._known.get(above)
        beside = inside.folder.folders.values() if inside else ()
        chain = {path[:end] for end, char in enumerate(path) if char == "/"} | {""}
        return {place for place in chain | {f.path for f in beside} if place in self._known}

    def caught_up(self, at: float) -> None:
        """Whatever has not come until now does not come by itself."""
        self._shelf.caught_up = at
        self._due_at(at)

    def end(self, at: float) -> None:
        """Nobody is left who could change anything."""
        self._shelf.over = True
        self._due_at(at)

    def _due_at(self, at: float) -> None:
        """Look again then at whatever waits for time to pass."""
        self.deadline = at
        for path, known in self._known.items():
            due = (
                m._replace(deadline=min(m.deadline, at)) if m.deadline < _NEVER else m
                for m in known.made
            )
            self._known[path] = known._replace(made=tuple(due))

    def requests(self) -> list[facts.Read]:
        """Bytes that are needed to go on; each is told once."""
        told, self._shelf.requests = self._shelf.requests, []
        return told

    def look(self, at: float) -> list[CheckpointsSeen]:
        """What is there now, if it is not what was there last."""
        if self._tree is None:
            return []
        self._shelf.now = at
        known: dict[str, _Known] = {}
        waiting = [self._tree]
        while waiting:
            folder = waiting.pop()
            found = known[folder.path] = self._make(folder, at)
            if not found.is_whole:
                waiting += [f for name, f in folder.folders.items() if name not in found.taken]
        self._known = known
        self._dirty.clear()
        self.deadline = min((each.deadline for each in known.values()), default=_NEVER)
        return self._tell(at)

    def refresh(self, at: float) -> list[CheckpointsSeen]:
        """The same after bytes have come: only the folders that they are about are looked at."""
        self._shelf.now = at
        changed = False
        for path in self._dirty:
            old = self._known[path]
            new = self._known[path] = self._make(old.folder, at)
            if (new.is_whole, new.taken) != (old.is_whole, old.taken):
                return self.look(at)
            self.deadline = min(self.deadline, new.deadline)
            changed |= new.claims != old.claims
        self._dirty.clear()
        return self._tell(at) if changed else []

    def _tell(self, at: float) -> list[CheckpointsSeen]:
        claims = [claim for known in self._known.values() for claim in known.claims]
        seen = CheckpointsSeen(self._path, _with_progress(claims), tuple(self._odd()), at)
        if self._last is not None and seen[:3] == self._last[:3]:
            return []
        self._last = seen
        return [seen]

    def _make(self, folder: Folder, at: float) -> _Known:
        last = self._known.get(folder.path)
        state = (folder.entries, self._signposts(folder.parent))
        same = last is not None and (last.folder is folder or last.state == state)
        if last is not None and same and folder.path not in self._dirty and at < last.deadline:
            return last._replace(folder=folder)
        known = {made.names: made.claim for made in last.made} if last else {}
        return _Known(folder, state, tuple(_look(folder, at, known)))

    def _signposts(self, folder: Folder | None) -> Sequence[facts.Entry]:
        """The files beside a folder that may say something about it."""
        if folder is None:
            return ()
        return [f.entry for f in folder.files.values() if self._wanted.match(f.path)]

    def _odd(self) -> Iterator[tuple[str, str]]:
        if not self._complete:
            yield "…", "there is more in this folder than could be listed"
        waiting = [self._tree] if self._tree else []
        while waiting:
            folder = waiting.pop()
            for name, entry in folder.others.items():
                if self._likely.match(name):
                    kind = "a link, which is not followed" if entry.kind == "link" else "no folder"
                    yield clean(entry.path), kind
            for name, below in folder.folders.items():
                if self._likely.match(name) and not name.isprintable():
                    yield clean(below.path), "its name holds invisible characters"
            waiting += folder.folders.values()


def _look(
    folder: Folder, at: float, known: Mapping[frozenset[str] | None, Claim | None]
) -> Iterator[_Made]:
    """What the layouts offer, the first for each name; what has to wait stays what it was."""
    taken: frozenset[str] = frozenset()
    for names, look in _offers(folder):
        if taken if names is None else names & taken:
            continue
        try:
            claim = look()
            waits = claim is not None and claim.more
        except WaitingError:
            claim, waits = known.get(names), True
        if claim is None and not waits:
            continue
        settles = claim.settles if claim and claim.seen.state == "writing" else _NEVER
        yield _Made(names, claim, at + PATIENCE if waits else settles, waits)
        if names is None:
            return
        taken |= names


def _offers(folder: Folder) -> list[Offer]:
    """What is offered for the whole folder comes before what is offered for names in it."""
    ranked = [
        ((hasattr(layout, "FALLBACK"), offer.names is not None), offer)
        for layout in layouts.layouts()
        for offer in layout.recognise(folder)
    ]
    return [offer for _, offer in sorted(ranked, key=lambda each: each[0])]


def _with_progress(claims: list[Claim]) -> tuple[CheckpointSeen, ...]:
    """The checkpoints by path; how far a save is, is better told by what the last one came to."""

    def family(claim: Claim) -> tuple[str, str]:
        return claim.seen.layout, claim.seen.path.rpartition("/")[0]

    found: list[CheckpointSeen] = []
    for _, group in groupby(sorted(claims, key=family), family):
        members = list(group)
        whole = [claim.written for claim in members if claim.seen.state == "complete"]
        usual = sorted(whole[-3:])[len(whole[-3:]) // 2] if whole else 0
        for claim in members:
            if claim.seen.state == "writing" and usual:
                share = min(claim.written / usual, 0.99)
                found.append(claim.seen._replace(progress=share))
            else:
                found.append(claim.seen)
    return tuple(sorted(found, key=lambda seen: (seen.step is None, seen.step or 0, seen.path)))
