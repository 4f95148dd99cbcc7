"""Where a training says that it saves: the folder that holds its checkpoints.

The law of this file: a word counts as a path when it holds a slash, ends like a weights file, or is
the last word after "to"; the training believes what it prints, so its folder is only looked at.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch

from trainwatch.read import layouts

_VERB = re.compile(r"(?i)\bsav(?:ing|ed)\b")
_FILE = re.compile(r".*\.(pt|pth|ckpt|safetensors|bin|h5|keras|zip|tar|gguf|ubj|cbm|npz|pkl)")
_ONE = re.compile(r"\d|(^|[-_])(best|last|latest|final)$")
_WRAPS = "'\"`[](){}<>,;:…"
_NO_PLACE = {"disk", "file", "memory", "cpu", "hub", "cloud", "checkpoint"}
_LONGEST = 512


def place(text: str) -> str | None:
    """The folder that a line about saving leads to, as printed; None where it names none."""
    verb = _VERB.search(text)
    path = _path(text[verb.start() :]) if verb else None
    if path is None or len(path) > _LONGEST:
        return None
    above, slash, name = path.rstrip("/").rpartition("/")
    if _FILE.fullmatch(name):
        path = above or ("/" if slash else ".")
        above, slash, name = path.rpartition("/")
    if _ONE.search(name) and any(fnmatch(name, like) for like in layouts.folders()):
        path = above or ("/" if slash else ".")
    return path if path.strip("/~") else None


def _path(text: str) -> str | None:
    words = [word.strip(_WRAPS).removesuffix("...").rstrip(".") or word for word in text.split()]
    found = next((word for word in words if _is_path(word)), None)
    if found is None and len(words) > 2 and words[-2].lower() in ("to", "in", "into"):
        found = words[-1]
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", found) or found.lower() in _NO_PLACE:
            return None
    return found


def _is_path(word: str) -> bool:
    if "://" in word or "=" in word.partition("/")[0]:
        return False
    return bool(re.search(r"[\w.~]/|^/\w", word) and re.search(r"[A-Za-z]", word)) or bool(
        _FILE.fullmatch(word)
    )
