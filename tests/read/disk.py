"""A folder on a real disk, seen through the probe's own eyes."""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.probe import listing, parts
from trainwatch.read import layouts
from trainwatch.read.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trainwatch.read.records import CheckpointSeen, CheckpointsSeen


class Disk:
    """Feeds what the probe would send of ``root`` into Folders, and keeps what comes out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = Folders()
        self.now = time.time()
        self.last: CheckpointsSeen | None = None
        self._sent: dict[str, tuple[facts.FileBytes, ...]] = {}

    def look(self, after: float = 0.0, alone: bool = False) -> dict[str, CheckpointSeen]:
        """The checkpoints, by name, ``after`` so many seconds. ``alone``: nobody writes there."""
        self.now += after
        found = listing.look(
            listing.Root(str(self.root)),
            listing.matcher(layouts.folders()),
            listing.matcher(want.pattern for want in layouts.wants()),
        )
        self.take(facts.Listing(str(self.root), found.entries, found.complete, self.now, alone))
        for entry in found.entries:
            if entry.kind == "file":
                self._send(entry)
        self.note(self.folders.caught_up(self.now))
        self.answer()
        self.note(self.folders.tick(self.now))
        return self.seen

    @property
    def seen(self) -> dict[str, CheckpointSeen]:
        assert self.last is not None
        return {one.name: one for one in self.last.checkpoints}

    def _send(self, entry: facts.Entry) -> None:
        for want in layouts.wants():
            if listing.matcher([want.pattern]).match(entry.path):
                try:
                    sent = tuple(parts.ends(str(self.root / entry.path), want, 0.0))
                except OSError:
                    return
                if self._sent.get(entry.path) != sent:
                    self._sent[entry.path] = sent
                    for each in sent:
                        self.take(each._replace(at=self.now))
                return

    def answer(self) -> None:
        while asked := self.folders.requests():
            for read in asked:
                with suppress(OSError):  # it may be gone by now
                    self.take(parts.part(read.path, read.offset, read.length, self.now))

    def take(self, fact: facts.Listing | facts.FileBytes) -> None:
        self.note(self.folders.feed(fact))

    def note(self, seen: list[CheckpointsSeen]) -> None:
        for self.last in seen:
            pass


def lay(root: Path, tree: Mapping[str, bytes]) -> Path:
    """Write these files."""
    for path, data in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def age(root: Path, seconds: float) -> None:
    """Make everything below this old."""
    then = time.time() - seconds
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(os.path.join(folder, name), (then, then), follow_symlinks=False)
        os.utime(folder, (then, then))


def weights(*shapes: tuple[int, ...]) -> bytes:
    """A safetensors file of F32 zeros."""
    entries, at = [], 0
    for number, shape in enumerate(shapes):
        size = 4
        for each in shape:
            size *= each
        entries.append(
            f'"layer.{number}":{{"dtype":"F32","shape":{list(shape)},"data_offsets":[{at},{at + size}]}}'
        )
        at += size
    header = ("{" + ",".join(entries) + "}").encode()
    return struct.pack("<Q", len(header)) + header + bytes(at)
