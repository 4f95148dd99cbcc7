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


def _name(source: Source) -> str:
    text = source.read(0, _LONGEST).decode("utf-8", "replace").strip()
    return re.split(r"[/\\]", text.splitlines()[0] if text else "")[-1]
