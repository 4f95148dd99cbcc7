"""Which of several runs are parts of one training on several machines.

The law of this file: parts must prove that they belong together: they meet in one place with ranks of
their own, or their commands do and they ran at the same time, or they save into one folder and print
the same numbers. What only looks alike stays apart. The run that tells the numbers leads.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.run.run import Run

_POINTS = 3
"""Equal losses that are no accident."""
_COMPARED = 50
_NODES = ("nnodes", "num-machines", "nnode")
_PLACE = (
    "rdzv-id", "rdzv-endpoint", "master-addr", "master-port", "main-process-ip", "main-process-port",
)  # fmt: skip
_RANK = ("node-rank", "machine-rank")


class _Member(NamedTuple):
    run: Run
    now: Callable[[], float]  # on the clock of its machine


class Crew:
    """Runs that are watched together."""

    def __init__(self) -> None:
        self._members: list[_Member] = []

    def add(self, run: Run, name: str, now: Callable[[], float]) -> None:
        """One more; ``name`` is what a person calls its machine, "" = this one."""
        known = [member.run.own.name for member in self._members]
        name = name or "here"
        run.own.name = name if name not in known else f"{name} ({known.count(name) + 1})"
        self._members.append(_Member(run, now))

    def look(self) -> None:
        """Sort the runs anew: ``leader`` and ``followers`` of each say what was found."""
        groups: list[list[_Member]] = []
        for member in self._members:
            known = [g for g in groups if any(is_one(member.run, other.run) for other in g)]
            groups = [g for g in groups if g not in known]
            groups.append([*(one for group in known for one in group), member])
        for group in groups:
            first, *others = sorted(group, key=lambda member: _rank(member.run))
            first.run.leader = None
            first.run.followers = tuple(other.run for other in others)
            for other in others:
                other.run.leader, other.run.followers = first.run, ()
                other.run.own.ahead = other.now() - first.now()


def is_one(one: Run, other: Run) -> bool:
    """Whether two runs are parts of one training."""
    if one.part is not None and other.part is not None:
        same = one.part.job == other.part.job and one.part.world == other.part.world
        return same and not set(one.part.ranks) & set(other.part.ranks)
    return _meet(one, other) or _share(one, other)


def _rank(run: Run) -> tuple[bool, float]:
    """Who tells the numbers comes first, then the first rank."""
    rank: float = run.part.ranks[0] if run.part and run.part.ranks else inf
    words = _options(run)
    if rank == inf and any(words.get(name, "").isdigit() for name in _RANK):
        rank = next(int(words[name]) for name in _RANK if words.get(name, "").isdigit())
    return run.metrics.loss is None, rank


def _meet(one: Run, other: Run) -> bool:
    """Whether their commands name one meeting place, and they ran at the same time."""
    here, there = _options(one), _options(other)
    many = any(_most(here.get(name, "")) > 1 for name in _NODES)
    place = [here.get(name) for name in _PLACE]
    if not many or not any(place[1:]) or place != [there.get(name) for name in _PLACE]:
        return False
    ranks = [tuple(words.get(name, "") for name in _RANK) for words in (here, there)]
    apart = ranks[0] != ranks[1] or not any(ranks[0])
    return (
        apart
        and _elsewhere(one, other)
        and _began(one) < _over(other)
        and _began(other) < _over(one)
    )


def _options(run: Run) -> dict[str, str]:
    """The options of its command, dashes as torchrun spells them now."""
    command: Sequence[str] = run.target.command if run.target is not None else ()
    found: dict[str, str] = {}
    for word, after in zip(command, [*command, ""][1:], strict=True):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            found.setdefault(name.replace("_", "-"), value if equals else after)
    return found


def _most(text: str) -> int:
    """``2`` or ``1:4`` -> the largest number of machines."""
    last = text.rpartition(":")[2]
    return int(last) if last.isascii() and last.isdigit() and len(last) < 7 else 0


def _began(run: Run) -> float:
    return run.target.started or -inf if run.target is not None else -inf


def _over(run: Run) -> float:
    return run.ended.at if run.ended is not None else inf


def _elsewhere(one: Run, other: Run) -> bool:
    """Whether they are on different machines, as far as that is known."""
    return one.hello is not None and other.hello is not None and one.hello.boot != other.hello.boot


def _share(one: Run, other: Run) -> bool:
    """Whether they save into one folder, seen from two machines, and tell the same numbers."""
    if one.target is None or other.target is None or not _elsewhere(one, other):
        return False
    sure = [set(run.target.roots) - set(run.target.guessed) for run in (one, other) if run.target]
    left, right = one.metrics.loss, other.metrics.loss
    if not sure[0] & sure[1] or left is None or right is None:
        return False
    count = min(len(left), len(right))
    step = count // _COMPARED + 1
    return count >= _POINTS and all(left.value(k) == right.value(k) for k in range(0, count, step))
