"""The jobs on checkpoints that a person asked for: how far they are, and what they found.

The law of this file: one entry per job, in the order in which the probe took them on; all of it comes
from facts, so that a recording shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trainwatch import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.records import CheckpointSeen

_MOST = 50


def reach(seen: CheckpointSeen) -> tuple[str, tuple[str, ...]]:
    """Where a checkpoint lies, and which files there are its own; none named: all of them.

    A model shares its folder with checkpoints and logs, a bundle of TensorFlow with others.
    """
    path, names = seen.path.rstrip("/"), tuple(file.path for file in seen.files)
    above, _, name = path.rpartition("/")
    if seen.is_final or seen.layout == "model-folder":
        return path, names
    if names and all(each.startswith(name + ".") for each in names):
        return above, names
    return path, ()


@dataclass
class Work:
    """One job."""

    job: facts.Job
    step: facts.JobStep | None = None  # the newest
    files: dict[str, facts.FileChecked] = field(default_factory=dict)
    tensors: dict[str, list[facts.TensorChecked]] = field(default_factory=dict)
    ended: facts.JobEnded | None = None

    @property
    def share(self) -> float | None:
        """How much of it is done, 0..1; None while that is not known."""
        if self.step is None or not self.step.total:
            return None
        return min(self.step.done / self.step.total, 1.0)

    @property
    def faults(self) -> list[tuple[str, str]]:
        """(file, what is wrong with it), numbers that are none included."""
        found = [(path, file.fault) for path, file in self.files.items() if file.fault]
        return found + list(self.odd_numbers())

    def odd_numbers(self) -> Iterator[tuple[str, str]]:
        """(file, how many numbers in it are none, and in which tensor first)."""
        for path, tensors in self.tensors.items():
            odd = [t for t in tensors if t.nans or t.infinities]
            if odd:
                nans, infinities = sum(t.nans for t in odd), sum(t.infinities for t in odd)
                counts = [f"{n:,} {w}" for n, w in ((nans, "NaN"), (infinities, "Inf")) if n]
                more = f" and {len(odd) - 1:,} more tensors" if odd[1:] else ""
                yield path, f"{' and '.join(counts)} in {odd[0].name}{more}"

    @property
    def sound(self) -> bool:
        """It ended, and nothing is wrong."""
        return self.ended is not None and self.ended.ok and not self.faults


class Works:
    """All jobs of one watch."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}

    def apply(self, fact: facts.JobStep | facts.FileChecked | facts.JobEnded) -> None:
        """The probe tells something about a job."""
        if isinstance(fact, facts.JobStep):
            self._works.setdefault(fact.job.id, Work(fact.job)).step = fact
            while len(self._works) > _MOST:
                del self._works[next(iter(self._works))]
            return
        work = self._works.get(fact.job)
        if work is None:
            return
        if isinstance(fact, facts.JobEnded):
            work.ended = fact
        else:
            work.files[fact.path] = fact
            work.tensors.setdefault(fact.path, []).extend(fact.tensors)

    def get(self, job: str) -> Work | None:
        """The job of this id; None before the probe took it on."""
        return self._works.get(job)

    def of(self, seen: CheckpointSeen) -> Work | None:
        """The newest reading of a checkpoint to its last byte."""
        path, names = reach(seen)
        meant = "verify", path, list(names)
        found = [
            w for w in self._works.values() if (w.job.action, w.job.path, w.job.names) == meant
        ]
        return found[-1] if found else None

    @property
    def current(self) -> Work | None:
        """The job that goes on, or is the next to begin."""
        return next((w for w in self._works.values() if w.ended is None), None)

    @property
    def undoable(self) -> Work | None:
        """The newest thing thrown away that is still in the trash."""
        back = {w.job.path for w in self._works.values() if w.job.action == "restore"}
        found = [
            w
            for w in self._works.values()
            if w.job.action == "discard" and w.ended and w.ended.ok and w.ended.path not in back
        ]
        return found[-1] if found else None
