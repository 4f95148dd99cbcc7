"""Where the output of a process can be read: from a descriptor to the bytes behind it.

The law of this file: it looks, it opens nothing. A pipe leads to the file that its reader writes, a
terminal to the pane or the recording behind it; where nobody keeps the bytes, a sentence says so.
"""

import os
from typing import Dict, NamedTuple, Optional, Tuple

from trainwatch.probe import descriptors, panes
from trainwatch.probe.cmdline import command_of, environment_of, is_trainwatch, name_of
from trainwatch.probe.descriptors import Descriptor
from trainwatch.probe.found import Source
from trainwatch.probe.listing import matcher

LOGS = matcher(["*.log", "log", "log.txt", "*.out", "nohup.out", "stdout*", "train*.txt"])
_RECORDERS = ("script", "screen", "asciinema", "ttyrec", "expect", "unbuffer")
_LONGEST = 6  # pipes in a row
_START = "start the next one with: trainwatch run, or in tmux, or with its output in a file"


class Outlet(NamedTuple):
    """What came of looking."""

    source: Optional[Source]
    words: str  # where the bytes are, or why they cannot be read
    fix: str = ""


def behind(end: Descriptor, environment: Dict[str, str], depth: int = 0) -> Outlet:
    """What a process that writes to ``end`` can be read from; ``environment`` is that process's."""
    if end.kind == "file":
        return Outlet(*_file(end))
    if end.kind == "pipe":
        return _reader(end, environment, depth)
    if end.kind == "terminal":
        return _terminal(end, environment)
    if end.kind == "null":
        return Outlet(None, "is thrown away ({})".format(os.devnull), _START)
    return Outlet(None, "goes to {}, which nobody else can read".format(end.path), _START)


def _file(end: Descriptor) -> Tuple[Source, str]:
    if end.deleted:
        name = end.path + " (deleted)"
        return Source(name, end.entry, held=True), "goes to {}, read as long as it runs".format(
            name
        )
    return Source(end.path, end.path), "goes to {}".format(end.path)


def _reader(end: Descriptor, environment: Dict[str, str], depth: int) -> Outlet:
    """A pipe is never opened: what is taken from it, its reader does not get."""
    found = descriptors.readers(end) if depth < _LONGEST else []
    if not found:
        return Outlet(None, "goes into a pipe, and who reads it cannot be seen", _START)
    outlet = Outlet(None, "")
    for reader in found:
        who = "{} (process {})".format(name_of(reader.pid), reader.pid)
        through = "goes through a pipe to {}".format(who)
        if is_trainwatch(command_of(reader.pid)):
            return Outlet(None, "is read by another trainwatch, {}".format(who), "look there")
        outlet = _kept_by(reader, environment, depth)
        if outlet.source is not None:
            return outlet._replace(words="{}; what it writes {}".format(through, outlet.words))
        outlet = outlet._replace(words="{}, which keeps it in no file".format(through))
    return outlet._replace(fix=outlet.fix or _START)


def _kept_by(reader: Descriptor, environment: Dict[str, str], depth: int) -> Outlet:
    """What the reader of a pipe makes of it: its files, or its own output."""
    files = [one for one in descriptors.written_files(reader.pid) if one.number > 2]
    if name_of(reader.pid) != "tee":
        files = [one for one in files if LOGS.match(os.path.basename(one.path))]
    try:
        out = descriptors.one(reader.pid, 1)
    except PermissionError:
        out = None
    if files and (out is None or out.kind != "file" or name_of(reader.pid) == "tee"):
        return Outlet(*_file(files[0]))
    if out is None or out.file == reader.file:
        return Outlet(None, "")
    return behind(out, environment_of(reader.pid) or environment, depth + 1)


def _terminal(end: Descriptor, environment: Dict[str, str]) -> Outlet:
    pane = panes.behind(end.path, environment)
    if pane is None:
        owner = descriptors.master(end)
        if owner is not None:
            pane = panes.at(descriptors.addresses(owner.pid), end.path)
    if pane is not None:
        return Outlet(Source("tmux:" + pane.id, "", pane=pane), "is shown in " + pane.words)
    nobody = "goes to the terminal {}".format(end.path)
    if owner is None or name_of(owner.pid).lower() not in _RECORDERS:
        return Outlet(None, nobody + ", which nobody records", _START)
    recorder = "{} (process {})".format(name_of(owner.pid), owner.pid)
    files = [one for one in descriptors.written_files(owner.pid) if one.number > 2]
    if len(files) == 1:
        source, words = _file(files[0])
        return Outlet(source, "{}; {} records it, and {}".format(nobody, recorder, words))
    what = "records several terminals" if files else "records nothing"
    fix = "in screen, Ctrl-a H begins a log of the window" if not files else "attach to its log"
    return Outlet(None, "{} of {}, which {}".format(nobody, recorder, what), fix)
