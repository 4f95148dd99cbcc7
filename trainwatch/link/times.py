"""The times that container engines write before each line of a log.

The law of this file: a time is kept as it was written, because only that can be asked for again, and
compared by what it means: engines leave out zeros at the end.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import NamedTuple

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ")


class Stamp(NamedTuple):
    """When a line was written; they compare as times do."""

    second: int  # since the epoch
    nano: int
    word: str = ""


def stamped(line: bytes) -> tuple[Stamp, bytes] | None:
    """The time before ``line`` and what comes after it; None where there is no time."""
    match = _STAMP.match(line)
    if match is None:
        return None
    word = match[0].decode("ascii").strip()
    second = _epoch(match[1].decode("ascii"), match[3].decode("ascii"))
    if second is None:
        return None
    nano = int((match[2] or b"0").decode("ascii").ljust(9, "0"))
    return Stamp(int(second), nano, word), line[match.end() :]


def seconds(word: str) -> float | None:
    """A time of an engine as seconds since the epoch; the year 1 is how they say never."""
    found = stamped(word.encode("utf-8", "replace") + b" ")
    if found is None or found[0].second < 0:
        return None
    return found[0].second + found[0].nano / 1e9


def _epoch(clock: str, zone: str) -> float | None:
    try:
        offset = "+00:00" if zone == "Z" else zone
        return datetime.fromisoformat(clock + offset).astimezone(timezone.utc).timestamp()
    except (ValueError, OverflowError):
        return None
