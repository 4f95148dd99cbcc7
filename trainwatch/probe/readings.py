"""What is read once a second: the run's processes, the host, the devices, the end.

The law of this file: nothing here touches a file system that could hang, and the devices are read
by a process of their own.
"""

import os
import time
from typing import TYPE_CHECKING, Any, List, Optional, Union

from trainwatch import facts
from trainwatch.probe import runs
from trainwatch.probe.ending import Departure, Ending
from trainwatch.probe.machine import Disk, Machine
from trainwatch.probe.part import part_of
from trainwatch.probe.process import Meter, Subject, Tree
from trainwatch.probe.slurmjob import Job

if TYPE_CHECKING:
    from trainwatch.probe.batch import Watcher
    from trainwatch.probe.sampler import Sampler

TICK = 1.0


class Readings:
    """Samples around one run or process, or around nothing but this machine. Times are monotonic."""

    def __init__(
        self, run: Optional[runs.Run], subject: Optional[Subject], job: Optional[Job] = None
    ) -> None:
        self._machine = Machine()
        self._devices: "Optional[Sampler]" = None
        self._meter = Meter(Tree(subject)) if subject else None
        self._watcher = _watcher(job, subject) if job else None
        self._ending: "Union[Ending, Departure, Watcher, None]" = self._watcher
        if run:
            self._ending = Ending(run)
        elif subject and not job:
            self._ending = Departure(subject.root)
        self.exit_record = os.path.join(run.folder, runs.EXIT) if run else ""
        self.ended: Optional[facts.Ended] = None
        self.devices_told = False
        self.due = 0.0
        self._tree: List[int] = []
        self._part: Optional[facts.Part] = None

    @property
    def knows_the_end(self) -> bool:
        """Whether somebody looks after the end here."""
        return self._ending is not None

    @property
    def somebody_lives(self) -> bool:
        """Whether processes that belong to the target were there when it was looked at last."""
        return bool(self._tree) and not self.ended

    def begin_with_devices(self) -> None:
        """From now on the devices are read as well."""
        from trainwatch.probe import devices  # noqa: PLC0415 - the first lines do not wait for it

        self._devices = devices.start()

    def fileno(self) -> int:
        """Readable when the devices have something to say; -1 for now never."""
        return self._devices.fileno() if self._devices else -1

    def of_devices(self) -> List[Any]:
        """What the devices have to say."""
        found: List[Any] = list(self._devices.read_facts()) if self._devices else []
        self.devices_told = self.devices_told or bool(found)
        return found

    def tick(self, now: float, disk: Optional[Disk]) -> List[Any]:
        """The samples of this second."""
        self.due = now + TICK
        at = time.time()
        found: List[Any] = [self._machine.read(now, at, disk)]
        self.look_for_the_end(now)
        if self._watcher:
            found += self._news(self._watcher)
        if self._meter and not self.ended:
            reading = self._meter.read(now, at)
            found += [reading, *self._part_of(reading.tree)]
        trouble = self._devices.overdue(now) if self._devices else None
        return [*found, trouble] if trouble else found

    def _part_of(self, tree: List[int]) -> List[facts.Part]:
        """Which part of a training these processes are, where that changed."""
        if tree == self._tree:
            return []
        self._tree, before = tree, self._part
        self._part = part_of(tree) or before
        same = self._part and before and self._part[:3] == before[:3]
        return [] if self._part is None or same else [self._part]

    def _news(self, watcher: "Watcher") -> List[Any]:
        """What is new of a job; its processes are known when it has begun."""
        if not self._meter and watcher.subject:
            self._meter = Meter(Tree(watcher.subject))
        return watcher.news()

    def look_for_the_end(self, now: float) -> None:
        """Note it in ``ended`` when the run has ended."""
        if self._ending and not self.ended:
            self.ended = self._ending.look(now)

    def close(self) -> None:
        """Read nothing any more."""
        if self._devices:
            self._devices.close()
        if self._watcher:
            self._watcher.close()


def _watcher(job: Job, subject: Optional[Subject]) -> "Watcher":
    from trainwatch.probe.batch import Watcher  # noqa: PLC0415 - most runs are no jobs

    return Watcher(job, subject)
