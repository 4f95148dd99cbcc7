"""Pointer files: one line of text that names the newest checkpoint (``latest``, ``last_checkpoint``).

The law of this file: a pointer is read, never followed; its last path component is a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatch.read.draft import Draft
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import Folder

_LONGEST = 1024


def pointed_at(draft: Draft, folder: Folder | None, name: str) -> str | None:
    """The name that the pointer file ``name`` in ``folder`` holds; None when there is none."""
    file = folder.files.get(name) if folder else None
    return draft.check(file, _name, "other") if file else None


def check_tracker(draft: Draft, folder: Folder, name: str, step: int) -> None:
    """Where a framework writes a tracker last, a checkpoint is whole once it names its step or a later one."""
    told = pointed_at(draft, folder.parent, name)
    if not told or not told.isdecimal() or int(told) < step:
        draft.find("incomplete", f"{name}, written last, does not name it", "mark")


def _name(source: Source) -> str:
    text = source.read(0, _LONGEST).decode("utf-8", "replace").strip()
    return re.split(r"[/\\]", text.splitlines()[0] if text else "")[-1]
