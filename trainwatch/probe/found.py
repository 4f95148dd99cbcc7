"""What the words of the user lead to on this machine, ready to be followed."""

from typing import List, NamedTuple, Optional

from trainwatch import facts
from trainwatch.probe.listing import Root
from trainwatch.probe.panes import Pane
from trainwatch.probe.process import Subject
from trainwatch.probe.runs import Run
from trainwatch.probe.slurmjob import Job


class TargetError(Exception):
    """The target cannot be watched: one sentence why, and what the user can do about it."""

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class Source(NamedTuple):
    """One stream of bytes."""

    name: str
    path: str  # of the file; "" where there is none
    held: bool = False  # the file itself, whatever its path may come to mean
    pane: Optional[Pane] = None  # ... but what this pane shows


class Found(NamedTuple):
    """What there is to follow."""

    fact: facts.Target
    words: str  # what it is, for a person
    streams: List[Source]
    roots: List[Root]
    run: Optional[Run] = None
    subject: Optional[Subject] = None  # whose processes are meant
    missing: str = ""  # one sentence: what of a training is not to be had here
    fix: str = ""  # ... and what to do about it
    job: Optional[Job] = None  # of Slurm, which knows when it ends
