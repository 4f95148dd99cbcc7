"""The error that a training died of, as the end of its log tells it.

The law of this file: only an end that the training brought about itself is explained, and only by a
line that names an error near the end of the log. Whoever was killed from outside said nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainwatch.read.clean import strip_escapes

if TYPE_CHECKING:
    from trainwatch.run.run import Run

NEAR = 80
"""Lines from the end: launchers and trackers print their own farewell after the error."""
_LONGEST = 2000
_FROM_INSIDE = frozenset({4, 6, 7, 8, 11})
"""Signals that a process brings on itself: illegal instruction, abort, bus, arithmetic, memory."""
_RAISED = re.compile(
    r"^(?:\[[^\]]{1,40}\]:? ?|[\w-]{1,20}: )*((?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt)(?::.*)?)$"
)
"""The last line of a traceback, also behind the word for a rank; its source lines are indented."""
_PASSED_ON = re.compile(r"(?:ChildFailed|CalledProcess|ProcessRaised|ProcessExited)\w*")
"""Errors of a launcher, which only say that a worker had one."""
_COMPLAINT = re.compile(
    r"(?i)\berror\b|\bfatal\b|not found|no such|denied|cannot|segmentation fault"
)


def last_words(run: Run) -> str:
    """The error that ended the training, raw; "" where none is known."""
    ended = run.ended
    if ended is None or ended.code == 0 or (ended.code is None and ended.signal is None):
        return ""
    if ended.signal is not None and ended.signal not in _FROM_INSIDE:
        return ""
    log = run.log
    end = [*log.window(max(log.lines - NEAR, 0), NEAR), log.live]
    lines = [strip_escapes(line[:_LONGEST]).rstrip() for line in reversed(end) if line]
    raised = [m[1] for m in map(_RAISED.match, lines) if m]
    own = (text for text in raised if not _PASSED_ON.search(text.partition(":")[0]))
    return next(own, "") or next(iter(raised), "") or _complaint(lines)


def _complaint(lines: list[str]) -> str:
    """The very last line, where it complains of something in no particular form."""
    last = next((line.strip() for line in lines if line.strip()), "")
    return last if _COMPLAINT.search(last) else ""
