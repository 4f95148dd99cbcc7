"""The processes of a run: who belongs to it, and what they use.

The law of this file: looking only. A tree is the root, everything below it, and what lost its parent
on the way: the supervisor adopts orphans (it is their subreaper), and where the supervisor is gone
the mark ``TRAINWATCH_RUN`` in their environment still tells whose they are.
"""

from typing import Dict, List, NamedTuple, Optional, Set

from trainwatch import facts
from trainwatch.probe import identity, runs
from trainwatch.probe.identity import Identity, Stat
from trainwatch.probe.runs import MARK

_STATES = {
    "R": "running",
    "D": "disk",
    "T": "stopped",
    "t": "stopped",
    "Z": "zombie",
    "X": "gone",
}  # every other letter is a kind of sleep


NODE = "SLURMD_NODENAME"
"""What Slurm calls the machine that a process of a job was started on."""


class Subject(NamedTuple):
    """Whose processes are meant."""

    root: Identity
    supervisor: Optional[Identity] = None  # adopts the orphans; None for a process we did not start
    mark: str = ""  # run id that its environment carries; "" for a process we did not start
    variable: str = MARK  # ... in this variable
    node: str = ""  # that it carries in SLURMD_NODENAME; "" = any


def of_run(meta: runs.Meta) -> Subject:
    """The processes of a run that was started here."""
    return Subject(meta.training, meta.keeper, meta.id)


class Tree:
    """The living processes of one subject, looked up cheaply again and again.

    A scan lists every process id but reads only those that it has not met: a process that is not
    ours does not become ours, because orphans are found at the supervisor. Now and then it looks
    at all of them again, in case an id was handed out twice or seen before its parent.
    """

    FORGET_EVERY = 30  # scans

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._members: Dict[int, int] = {}  # pid -> start
        self._strangers: Set[int] = set()
        self._supervised = subject.supervisor is not None
        self._here = identity.here(subject.root)
        self._scans = 0

    def scan(self) -> List[Stat]:
        """The members that live now (zombies excluded), the root first, the rest by age."""
        everyone = identity.pids() if self._here else []
        self._forget(everyone)
        fresh: Dict[int, Stat] = {}
        members: Dict[int, Stat] = {}
        for pid in everyone:
            if pid in self._strangers:
                continue
            found = identity.stat(pid)
            if found is None:
                continue
            if self._members.get(pid) == found.start or self._is_ours(found):
                members[pid] = found
            else:
                fresh[pid] = found
        self._sort_in(fresh, members)
        self._members = {pid: found.start for pid, found in members.items()}
        alive = [found for found in members.values() if found.state not in "ZX"]
        return sorted(alive, key=lambda found: (found.pid != self.subject.root.pid, found.start))

    def known(self) -> List[Stat]:
        """The members of the last scan that still live, without looking for new ones."""
        found = [(identity.stat(pid), start) for pid, start in self._members.items()]
        return [s for s, start in found if s and s.start == start and s.state not in "ZX"]

    def _forget(self, everyone: List[int]) -> None:
        self._scans += 1
        self._strangers.intersection_update(everyone)
        keeper = self.subject.supervisor
        lost = self._supervised and not (keeper and identity.alive(keeper))
        if lost or self._scans % self.FORGET_EVERY == 0:
            self._supervised = self._supervised and not lost
            self._strangers.clear()

    def _is_ours(self, found: Stat) -> bool:
        """Whether it is the root, an orphan that the supervisor adopted, or one that nobody did."""
        root, keeper, mark, variable, node = self.subject
        if found.pid == root.pid:
            return found.start == root.start
        if keeper is None or not self._supervised:
            marked = bool(mark) and mark_of(found.pid, variable) == mark and not _supervises(found)
            return marked and (not node or mark_of(found.pid, NODE) == node)
        if found.parent != keeper.pid or found.session == keeper.pid:
            return False  # the supervisor's own children share its session
        return mark_of(found.pid) in ("", mark) and not _supervises(found)

    def _sort_in(self, fresh: Dict[int, Stat], members: Dict[int, Stat]) -> None:
        """Move those of ``fresh`` that descend from a member into ``members``."""
        while True:
            born = [s for s in fresh.values() if s.parent in members]
            if not born:
                break
            for found in born:
                members[found.pid] = fresh.pop(found.pid)
        self._strangers.update(fresh)


def mark_of(pid: int, variable: str = MARK) -> str:
    """The run inside which the process was started; "" when it does not tell."""
    try:
        with open("/proc/{}/environ".format(pid), "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return ""
    name = variable.encode("ascii") + b"="
    found = [v[len(name) :] for v in variables if v.startswith(name)]
    return found[0].decode("ascii", "replace") if found else ""


def _supervises(found: Stat) -> bool:
    """Whether it is the supervisor of a run: one that was started inside another is on its own."""
    return found.pid == found.session and any(
        run.meta is not None
        and (run.meta.supervisor, run.meta.supervisor_start) == (found.pid, found.start)
        for run in runs.every()
    )


class Meter:
    """Readings of one tree: state of the root, cores and memory of all."""

    SCAN_EVERY = 2.0  # seconds between two looks for new members

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._scanned = float("-inf")
        self._ticks: Dict[int, int] = {}
        self._at: Optional[float] = None

    def read(self, now: float, at: float) -> facts.ProcessReading:
        """One sample. ``now`` is monotonic and measures rates, ``at`` is the time of day."""
        if now - self._scanned >= self.SCAN_EVERY:
            self._scanned = now
            members = self._tree.scan()
        else:
            members = self._tree.known()
        cpu = self._cores(members, now)
        root = identity.stat(self._tree.subject.root.pid)
        if root is not None and root.start != self._tree.subject.root.start:
            root = None
        return facts.ProcessReading(
            pid=self._tree.subject.root.pid,
            state=_STATES.get(root.state, "sleeping") if root else "gone",
            cpu=cpu,
            memory=sum(s.pages for s in members) * identity.page_size() if members else None,
            tree=[s.pid for s in members],
            at=at,
        )

    def _cores(self, members: List[Stat], now: float) -> Optional[float]:
        """Cores in use since the last sample; what ended in between is not counted."""
        before, self._ticks = self._ticks, {s.pid: s.ticks for s in members}
        since, self._at = self._at, now
        if since is None or now <= since or not members:
            return None
        spent = sum(s.ticks - before.get(s.pid, s.ticks) for s in members)
        return max(0, spent) / identity.ticks_per_second() / (now - since)
