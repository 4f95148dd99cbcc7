"""A checkpoint in the making: what was found, what is missing, and what that amounts to.

The law of this file: nothing is complete as long as one finding stands. While the folder still
changes a finding means that the save goes on; once it is quiet it means what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from trainwatch.read.clean import clean
from trainwatch.read.headers import DamagedError, TooLargeError
from trainwatch.read.records import CheckpointFile, CheckpointSeen, CheckpointState
from trainwatch.read.tree import ChangingError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

T = TypeVar("T")
Part: TypeAlias = Literal["weights", "optimizer", "other"]
Worse: TypeAlias = Literal["incomplete", "corrupt", "unreadable"]

QUIET = 30.0
"""Seconds without a change after which an unfinished save is not going on any more."""


class Finding(NamedTuple):
    """Something that a whole checkpoint does not have."""

    state: Worse
    reason: str
    part: Part | Literal["mark"]  # "mark": the sign that a save came to its end is missing


class Claim(NamedTuple):
    """A checkpoint, and what the engine needs to follow it."""

    seen: CheckpointSeen
    written: int  # bytes that have storage behind them
    settles: float  # when it will have been quiet for long enough
    more: bool = False  # bytes were asked for that tell more about it


class Offer(NamedTuple):
    """A layout's word on names of a folder: what they are, once somebody wants to know.

    ``look`` raises WaitingError while bytes are missing, and returns None when it was mistaken.
    """

    names: frozenset[str] | None  # None: the whole folder and all below
    look: Callable[[], Claim | None]


def whole(look: Callable[[], Claim | None]) -> Offer:
    """The folder is a checkpoint."""
    return Offer(None, look)


def part(names: Iterable[str], look: Callable[[], Claim | None]) -> Offer:
    """These names in the folder are a checkpoint."""
    return Offer(frozenset(names), look)


class Draft:
    """Collects what a layout finds out about one checkpoint."""

    def __init__(self, folder: Folder, layout: str, file: File | None = None) -> None:
        """A checkpoint that is a folder, or one ``file`` in it."""
        self.folder = folder
        self.layout = layout
        self.name = file.name if file else folder.name
        self.path = f"{folder.absolute}/{file.name}" if file else folder.absolute
        self.step: int | None = None
        self.epoch: float | None = None
        self.metrics: tuple[tuple[str, float], ...] = ()
        self.claims_best: str | None = None
        self.facts: list[tuple[str, str]] = []
        self.findings: list[Finding] = []
        self.files: list[CheckpointFile] = []
        self.inside = 0  # bytes of an optimizer in a file of weights
        self.more = False  # see Claim
        self._written = 0
        self._newest = 0.0
        self._moved = 0.0 if file else folder.moved
        self._there = 0  # bytes of what a header announced, as far as they are written
        self._announced = 0

    def add(self, files: Iterable[File], part_of: Callable[[str], Part]) -> None:
        """These files belong to the checkpoint."""
        for file in files:
            path = self.folder.within(file)
            self.files.append(CheckpointFile(clean(path), file.size, part_of(path)))
            self._written += min(file.size, file.entry.stored)
            self._newest = max(self._newest, file.entry.mtime)
            self._moved = max(self._moved, file.moved)

    def find(self, state: Worse, reason: str, part: Part | Literal["mark"]) -> None:
        """Something is not as it should be."""
        self.findings.append(Finding(state, clean(reason), part))

    def check(
        self, file: File, understand: Callable[[Source], T], part: Part | Literal["mark"]
    ) -> T | None:
        """What ``understand`` makes of a file; None when that is a finding."""
        try:
            return file.digest(understand)
        except (UnreadableError, TooLargeError, ChangingError) as error:
            self.find("unreadable", f"{self.folder.within(file)}: {error}", part)
        except DamagedError as error:
            self.find("corrupt", f"{self.folder.within(file)}: {error}", part)
        return None

    def announce(self, file: File, size: int) -> None:
        """A header says that this file will be ``size`` bytes long in the end."""
        self._there += min(file.size, file.entry.stored, size)
        self._announced += size

    @property
    def state(self) -> CheckpointState:
        """What the findings amount to."""
        if not self.findings:
            return "complete"
        if not self.folder.over and self.folder.now < self._moved + QUIET:
            return "writing"
        if any(finding.part == "mark" for finding in self.findings):
            return "incomplete"
        return min(
            (f.state for f in self.findings), key=["corrupt", "unreadable", "incomplete"].index
        )

    def claim(self, resumable: bool) -> Claim:
        """The checkpoint. ``resumable``: it holds what its framework needs to go on."""
        return Claim(self._seen(resumable), self._written, self._moved + QUIET, self.more)

    def _seen(self, resumable: bool) -> CheckpointSeen:
        state = self.state
        spoiled = {finding.part for finding in self.findings}
        usable = any(file.part == "weights" for file in self.files) and "weights" not in spoiled
        level: Literal["full", "weights", "no"] = "no"
        if usable and state != "writing":
            level = "full" if resumable and not spoiled & {"optimizer", "mark"} else "weights"
        share = self._there / self._announced if self._announced else None
        return CheckpointSeen(
            path=self.path,
            name=clean(self.name),
            layout=self.layout,
            step=self.step,
            epoch=self.epoch,
            created=self._newest or self._moved,
            files=tuple(sorted(self.files)),
            state=state,
            reason="; ".join(finding.reason for finding in self.findings[:2]) or None,
            progress=share if state == "writing" else None,
            resumable=level,
            metrics=self.metrics,
            claims_best=self.claims_best,
            facts=tuple(dict(self.facts).items()),
            inside=self.inside,
        )
