"""What the processes of one tree print, and where that can be read.

The law of this file: the root speaks for the tree; of the others only the first worker is heard, and
only where it writes to a file of its own. What cannot be read is said, with what is read instead.
"""

import os
from typing import List, Set, Tuple

from trainwatch.probe import descriptors, outlet
from trainwatch.probe.cmdline import environment_of
from trainwatch.probe.found import Source
from trainwatch.probe.identity import Stat

_NAMES = {1: "standard output", 2: "standard error"}


class Voice:
    """What the processes of a tree say, and where it can be heard. Raises PermissionError."""

    def __init__(self, tree: List[Stat]) -> None:
        self.sources: List[Source] = []
        self.files: List[str] = []  # that the tree has open for writing, beside its output
        self.missing = self.fix = ""
        self._known: Set[Tuple[int, int]] = set()
        told = self._listen(tree[0], first=True)
        for one in tree[1:]:
            if _rank(one.pid) in ("", "0"):
                told += self._listen(one, first=False)
        self._open_files(tree)
        if not self.sources:
            self._fall_back(told)
        self.words = "; ".join(told)

    def _listen(self, who: Stat, first: bool) -> List[str]:
        """Follow the standard streams of one process."""
        told = []
        for number, name in _NAMES.items():
            try:
                end = descriptors.one(who.pid, number)
            except PermissionError:
                if first:
                    raise
                continue
            if end is None or end.file in self._known:
                continue
            self._known.add(end.file)
            if not first and end.kind != "file":
                continue  # what a helper says to its parent is no output of the training
            found = outlet.behind(end, environment_of(who.pid))
            whose = name if first else "{} of process {}".format(name, who.pid)
            told.append("{} {}".format(whose, found.words))
            if found.source is None:
                self.fix = self.fix or found.fix
                self.missing = self.missing or "{} {}".format(whose, found.words)
            elif found.source.name not in [source.name for source in self.sources]:
                self.sources.append(found.source)
        return told

    def _open_files(self, tree: List[Stat]) -> None:
        for one in tree:
            for found in descriptors.written_files(one.pid):
                fresh = found.file not in self._known and not found.deleted
                if fresh and not found.path.startswith(("/dev/", "/proc/", "/memfd:")):
                    self._known.add(found.file)
                    self.files.append(found.path)

    def _fall_back(self, told: List[str]) -> None:
        """Nobody keeps what it prints: its own log files must do."""
        logs = [path for path in self.files if outlet.LOGS.match(os.path.basename(path))]
        self.sources = [Source(path, path) for path in logs[:2]]
        instead = "its own log {} is read instead".format(logs[0]) if logs else ""
        instead = instead or "only its metric files and output folders are read"
        told.append(instead)
        self.missing = "{}: {}".format(self.missing or "it has no output", instead)


def _rank(pid: int) -> str:
    """Its place among the workers of one training; "" where it has none."""
    told = environment_of(pid)
    return told.get("LOCAL_RANK", "") or told.get("RANK", "")
