"""Who writes a file, or into a pipe.

The law of this file: it looks at descriptors and opens nothing. Programs that only hand on what comes
from elsewhere (``tee``, ``grep``) are looked through; a shell that waits for a person writes nothing.
"""

import os
from typing import List, Optional, Set

from trainwatch.probe import descriptors, identity
from trainwatch.probe.cmdline import (
    command_of,
    is_interactive_shell,
    is_trainwatch,
    name_of,
    started_of,
)
from trainwatch.probe.found import Found
from trainwatch.probe.identity import Stat
from trainwatch.probe.masks import masked
from trainwatch.probe.process import Subject

_PASSING = frozenset(
    [
        "tee",
        "cat",
        "grep",
        "egrep",
        "sed",
        "awk",
        "gawk",
        "mawk",
        "stdbuf",
        "ts",
        "tr",
        "pv",
        "unbuffer",
    ]
)


def feeding(pid: int, number: int) -> str:
    """``PID@START`` of the process whose output comes out of a pipe that ``pid`` reads.

    "" where there is none to be seen, or only one that hands on what comes from elsewhere.
    """
    who = _source_of(pid, number, {pid})
    return "{}@{}".format(who.pid, who.start) if who is not None else ""


def writing(path: str) -> Optional[Subject]:
    """The process that has the file open for writing, or whose output another writes there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    file = (status.st_dev, status.st_ino)
    found = [one for one in descriptors.everywhere([path]) if one.writes and one.file == file]
    who = _first([one.pid for one in found if one.pid != os.getpid()])
    if who is not None and name_of(who.pid) in _PASSING:
        who = _source_of(who.pid, 0, {who.pid})
    command = command_of(who.pid) if who is not None else []
    if who is None or is_interactive_shell(command) or is_trainwatch(command):
        return None
    return Subject(identity.Identity(who.pid, who.start, identity.boot_id(), identity.namespace()))


def introduced(found: Found) -> Found:
    """What was found, with the process that writes it, where there is one now."""
    subject = writing(found.streams[0].path) if found.streams else None
    who = identity.stat(subject.root.pid) if subject is not None else None
    if who is None:
        return found
    fact = found.fact._replace(
        command=masked(command_of(who.pid)), pid=who.pid, started=started_of(who)
    )
    return found._replace(fact=fact, subject=subject)


def _source_of(pid: int, number: int, seen: Set[int]) -> Optional[Stat]:
    """Who writes what comes out of this pipe, beyond all who only hand on."""
    try:
        end = descriptors.one(pid, number)
    except PermissionError:
        return None
    if end is None or end.kind != "pipe":
        return None
    found = {one.pid for one in descriptors.writers(end)} - seen
    who = _first(sorted(found))
    if who is None:
        return None
    if name_of(who.pid) in _PASSING or is_interactive_shell(command_of(who.pid)):
        return _source_of(who.pid, 0, seen | found)
    return who


def _first(pids: List[int]) -> Optional[Stat]:
    """Of processes that share something, the one that began it: the others are below it."""
    stats = [one for one in map(identity.stat, pids) if one is not None]
    known = {one.pid for one in stats}
    roots = [one for one in stats if one.parent not in known]
    return min(roots, key=lambda one: one.start) if roots else None
