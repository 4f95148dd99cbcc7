"""A job of Slurm: one probe where it is asked about, and one on each of its machines, sent by srun.

The law of this file: several sources are one link. What the job is, its output and its end come from
the first probe; processes and devices come from the machines, each reading with the name of its own.
A step of ours joins the job, takes nothing from it and does not count as a part of it.
"""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.link.bare import HERE, NO_PYTHON, BareDoor
from trainwatch.link.child import ChildLink
from trainwatch.link.door import End, Verdict, how, last_line
from trainwatch.link.joined import Joined, Source
from trainwatch.link.talk import BACKOFF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PART = "slurm-part:"
MOST = 16  # machines that are looked at
AT_A_TIME = 4  # ... that a step is being started on
_LOOK = 10.0  # seconds that their first look may take
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_READINGS = (facts.DeviceReading, facts.ProcessReading, facts.MachineReading)
_OF_A_MACHINE = (facts.DeviceReading, facts.MachineReading)
_OVER = ("has expired", "invalid job id", "already complet")
"""What srun says of a job that runs no more."""
_LOST = ("link", "target", "wire")
_SRUN = (
    "srun", "--overlap", "--nodes=1", "--ntasks=1", "--unbuffered", "--input=0", "--quiet",
    "--cpu-bind=none", "--mpi=none", "--kill-on-bad-exit=0",
)  # fmt: skip


class StepDoor(BareDoor):
    """The way to one machine of a job; ``there`` leads to where Slurm is."""

    ping = 4.0
    backoff = BACKOFF

    def __init__(self, there: BareDoor, number: str, node: str) -> None:
        super().__init__([])
        self.host, self.login = there.host, there.login
        self._there, self._number, self._node = there, number, node

    def command(self, words: Sequence[str]) -> list[str]:
        """See BareDoor. Without the number of the job the probe is no process of it."""
        step = [*_SRUN, f"--jobid={self._number}", f"--nodelist={self._node}"]
        return self._there.command(
            [*step, "env", "-u", "SLURM_JOB_ID", "-u", "SLURM_JOBID", *words]
        )

    def verdict(self, end: End) -> Verdict:
        """See Door."""
        barred = self._there.barred(end)
        if barred is not None:
            return barred
        without = f"the processes and GPUs on {self._node} are not seen"
        if end.spoke:
            return Verdict(f"the way to {self._node} was lost ({how(end.code)})", "", final=False)
        if end.code == NO_PYTHON:
            text = f"there is no Python 3.6 or newer on {self._node}: {without}"
            return Verdict(text, "", final=True)
        words = last_line(end.words) or how(end.code)
        if any(word in words.lower() for word in _OVER):
            return Verdict(f"the job has ended on {self._node}", "", final=True)
        fix = f"try it: srun --overlap --jobid={self._number} -w {self._node} true"
        return Verdict(f"srun does not reach {self._node} ({words}): {without}", fix, final=False)


class _Step:
    """The probe on one machine."""

    def __init__(self, link: ChildLink, node: str, own: bool) -> None:
        self.link, self.node = link, node
        self.own = own  # the one whose readings are those of the target
        self.opened = self.looked = False


class SlurmLink(Joined):
    """Facts of one job; ``main`` is the probe that asks Slurm about it."""

    def __init__(self, main: ChildLink, there: BareDoor = HERE, record: Path | None = None) -> None:
        super().__init__(record)
        self._main, self._there = main, there
        self._sources.append(Source(main.take, self._of_the_job))
        self._steps: list[_Step] = []
        self._number = ""
        self._watch: facts.Watch | None = None
        self._target: facts.Target | None = None
        self._found: facts.Target | None = None  # ... on the machine that its script runs on
        self._away = False  # the first probe is on no machine of the job
        self._held: facts.CaughtUp | None = None
        self._late = 0.0  # when it is held no longer
        self._over = False

    def open(self, wake: Callable[[], None]) -> None:
        """See Joined."""
        super().open(wake)
        self._main.open(self._ring)

    def send(self, request: Any) -> None:
        """Ask; never blocks."""
        if isinstance(request, facts.Watch):
            self._watch = request
        self._main.send(request)

    def wait(self, timeout: float) -> bool:
        """See Joined. What is held is told in time."""
        if self._held is None:
            return super().wait(timeout)
        left = self._late - time.monotonic()
        return super().wait(min(timeout, max(left, 0.0))) or left <= timeout

    @property
    def closed(self) -> bool:
        """No more facts will come and none waits."""
        return self._main.closed and self._held is None

    def close(self) -> None:
        """Leave. The job stays."""
        self._leave()
        self._main.close()
        super().close()

    def _of_the_job(self, fact: Any) -> list[Any]:
        """What the first probe tells."""
        if isinstance(fact, facts.Nodes):
            return self._begin(fact)
        if isinstance(fact, facts.CaughtUp):
            self._held, self._late = fact, time.monotonic() + _LOOK
            return []
        if isinstance(fact, facts.Target):
            self._target = fact
            return [self._described(fact)]
        if isinstance(fact, facts.Ended):
            gone = [facts.Trouble(f"node:{one.node}", "", "", fact.at) for one in self._steps]
            self._leave()
            return [*gone, fact]
        if isinstance(fact, _READINGS) and self._away:
            return [] if self._found is not None or isinstance(fact, _OF_A_MACHINE) else [fact]
        return [fact]

    def _of_a_step(self, step: _Step, fact: Any) -> list[Any]:
        """What the probe on a machine tells, as far as it is about that machine."""
        if isinstance(fact, facts.Trouble) and fact.where in _LOST:
            step.looked = step.looked or bool(fact.text)
            self._open_some()
            return [] if self._over else [fact._replace(where=f"node:{step.node}")]
        if isinstance(fact, facts.CaughtUp):
            step.looked = True
            self._open_some()
            return []
        if isinstance(fact, _READINGS):
            return [fact._replace(node="" if step.own else step.node)]
        if not step.own:
            return []
        if isinstance(fact, facts.Target):
            self._found = fact if fact.pid is not None else None
            return [] if self._target is None else [self._described(self._target)]
        told = (facts.Listing, facts.FileBytes, facts.Part)
        devices = isinstance(fact, facts.Trouble) and fact.where == "devices"
        return [fact] if devices or isinstance(fact, told) else []

    def _begin(self, nodes: facts.Nodes) -> list[Any]:
        """Send a probe to each machine that the first one is not on."""
        assert self._watch is not None
        names = [name for name in nodes.names if _NAME.fullmatch(name)]
        if self._steps or self._over or not nodes.number.isdigit() or not names:
            return []
        host = self._target.host if self._target is not None else ""
        own = nodes.here or (host if host in names else names[0])
        self._away = not nodes.here
        names = [own, *(name for name in names if name != own)]
        if not (self._watch.live or self._watch.once):
            names = [own]
        for name in names[:MOST]:
            if name != nodes.here:
                door = StepDoor(self._there, nodes.number, name)
                self._steps.append(_Step(ChildLink(door), name, name == own))
        self._number = nodes.number
        self._open_some()
        if len(names) <= MOST:
            return []
        text = f"the processes and GPUs of {MOST} of the {len(names)} machines are shown"
        return [facts.Trouble("nodes", text, "", nodes.at)]

    def _open_some(self) -> None:
        """Not all at once: the controller of a cluster serves others too."""
        assert self._watch is not None
        room = AT_A_TIME - sum(step.opened and not step.looked for step in self._steps)
        request = self._watch._replace(target=PART + self._number, resume=[], newest=0)
        bare = request._replace(folders=[], wants=[], roots=[])
        for step in [one for one in self._steps if not one.opened][: max(room, 0)]:
            step.opened = True
            step.link.open(self._ring)
            self._sources.append(Source(step.link.take, partial(self._of_a_step, step)))
            step.link.send(request if step.own else bare)

    def _due(self) -> list[Any]:
        """That the first look is over, once it is on every machine."""
        held = self._held
        waits = any(not step.looked for step in self._steps) and not self._over
        if held is None or (waits and time.monotonic() < self._late):
            return []
        self._held = None
        return [held]

    def _described(self, target: facts.Target) -> facts.Target:
        """What Slurm says, and what a probe found where the script runs."""
        there = self._found
        if there is None:
            return target
        return target._replace(
            command=there.command or target.command,
            cwd=there.cwd or target.cwd,
            pid=there.pid,
            roots=there.roots or target.roots,
            guessed=there.guessed if there.roots else target.guessed,
        )

    def _leave(self) -> None:
        self._over = True
        for step in self._steps:
            if step.opened:
                step.link.close()
