"""Sentences that tell an event: a checkpoint is saved, a run resumes, a traceback, memory is out.

The law of this file: an event is a sentence that frameworks print at the beginning of a line (after
their own prefix); a number in it is never a metric.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainwatch.read.dialect import Event, Sample

if TYPE_CHECKING:
    from trainwatch.read.records import NoticeKind

SAMPLES = (
    Sample("Traceback (most recent call last):", {}),
    Sample("Saving model checkpoint to out/checkpoint-500", {}),
    Sample(
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total",
        {},
    ),
)

_EVENTS: tuple[tuple[NoticeKind, re.Pattern[str]], ...] = (
    ("traceback", re.compile(r"Traceback \(most recent call last\)")),
    ("oom", re.compile(r"(?i)\b(?:CUDA|HIP|XPU|MPS backend) out of memory|OutOfMemoryError|RESOURCE_EXHAUSTED: Out of memory")),
    ("saving", re.compile(r"(?i)\bsav(?:ing|ed)\b.{0,40}?\b(?:checkpoint|model|weights|state|adapter)")),
    ("resumed", re.compile(r"(?i)\b(?:resum(?:ing|ed)\b.{0,60}?\b(?:from|training|checkpoint)|continuing training from (?:checkpoint|epoch|global step))")),
    ("early-stop", re.compile(r"(?i)\bearly.?stop(?:ping|ped)\b.{0,60}?(?:triggered|at |after |condition|best)")),
)  # fmt: skip
_MARK = re.compile(
    r"(?i)traceback|out of memory|outofmemory|sav(?:ing|ed)|resum|continuing|early.?stop"
)
_LONGEST = 2000


def read(text: str) -> Event | None:
    """The event that the line tells, if any."""
    text = text[:_LONGEST]
    if not _MARK.search(text):
        return None
    for kind, pattern in _EVENTS:
        found = pattern.search(text)
        if found:
            return Event(found.start(), len(text), kind, text.strip())
    return None
