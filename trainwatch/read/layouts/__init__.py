"""Checkpoint layouts: one per file, found by looking into this folder.

The law of this folder: a layout module offers

- ``FOLDERS``: fnmatch patterns of folder names that may hold its checkpoints,
- ``WANTS``: the small files and file ends that it needs to see,
- ``SAMPLES``: trees it must recognise, and as what; no other layout may recognise them,
- ``recognise(folder)``: what it offers to make of a folder, or of names in it. An offer is made by
  the names alone; only looking closer may need bytes.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trainwatch import facts
    from trainwatch.read.draft import Offer
    from trainwatch.read.tree import Folder


class Sample(NamedTuple):
    """A tree (path -> content), and what is to be recognised in it: (name, step)."""

    tree: Mapping[str, bytes]
    found: tuple[tuple[str, int | None], ...]


class Layout(Protocol):
    """What a module in this folder offers."""

    __name__: str
    FOLDERS: tuple[str, ...]
    WANTS: tuple[facts.Want, ...]
    SAMPLES: tuple[Sample, ...]

    def recognise(self, folder: Folder) -> Iterable[Offer]:
        """What may be checkpoints in this folder."""


@cache
def layouts() -> tuple[Layout, ...]:
    """Every layout of this folder; those that call themselves FALLBACK come last."""
    found: list[Layout] = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    return tuple(sorted(found, key=lambda layout: hasattr(layout, "FALLBACK")))


def folders() -> tuple[str, ...]:
    """Which folders the probe is to look into."""
    return tuple(dict.fromkeys(name for layout in layouts() for name in layout.FOLDERS))


def wants() -> tuple[facts.Want, ...]:
    """Which parts of which files the probe is to send.

    The first that matches a file counts, so the one that says most about its name comes first.
    """
    every = {want for layout in layouts() for want in layout.WANTS}
    return tuple(
        sorted(every, key=lambda want: (-len(want.pattern.strip("*")), want.pattern, -want.head))
    )
