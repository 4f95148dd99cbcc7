"""Two checkpoints side by side: arguments, metrics, tensors.

The law of this file: two tensors are equal when their checksums, types and sizes are; one that lies
in another file of the same checkpoint is the same tensor. What could not be compared is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwatch import facts
    from trainwatch.read.records import ContentsSeen
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.work import Work

_ABOUT_THE_PLACE = ("output_dir", "logging_dir", "run_name", "hub_model_id")


class Change(NamedTuple):
    """One thing that differs; None where one of the two does not have it."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """What differs between a checkpoint and another."""

    arguments: tuple[Change, ...]
    metrics: tuple[tuple[str, float | None, float | None], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    reshaped: tuple[Change, ...]
    equal: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def same(self) -> bool:
        """Whether not one tensor differs."""
        return not (self.added or self.removed or self.changed or self.reshaped)


def compare(
    pair: tuple[Checkpoint, Checkpoint],
    works: tuple[Work, Work],
    inside: tuple[ContentsSeen | None, ContentsSeen | None],
) -> Comparison:
    """The second against the first."""
    before, after = (_weights(c, w) for c, w in zip(pair, works, strict=True))
    both = [name for name in before if name in after]
    reshaped = [n for n in both if _form(before[n]) != _form(after[n])]
    alike = [n for n in both if n not in set(reshaped)]
    return Comparison(
        tuple(_arguments(inside)),
        tuple(_metrics(pair)),
        tuple(n for n in after if n not in before),
        tuple(n for n in before if n not in after),
        tuple(n for n in alike if before[n].crc != after[n].crc),
        tuple(Change(n, _form(before[n]), _form(after[n])) for n in reshaped),
        tuple(n for n in alike if before[n].crc == after[n].crc),
        tuple(fault for work in works for fault in work.faults),
    )


def _weights(checkpoint: Checkpoint, work: Work) -> Mapping[str, facts.TensorChecked]:
    """The tensors of the weights, the optimizer's left out."""
    parts = {file.path: file.part for file in checkpoint.seen.files}
    return {
        _name(tensor.name): tensor
        for path, tensors in work.tensors.items()
        for tensor in tensors
        if parts.get(path, "weights") == "weights"
    }


def _name(name: str) -> str:
    """Without the place in the archive, which says nothing."""
    told, bracket, _ = name.partition(" (data/")
    return told if bracket and told else name


def _form(tensor: facts.TensorChecked) -> str:
    return f"{tensor.dtype} {'x'.join(map(str, tensor.shape))}"


def _arguments(inside: tuple[ContentsSeen | None, ContentsSeen | None]) -> list[Change]:
    before, after = (dict(each.arguments) if each else {} for each in inside)
    return [
        Change(name, before.get(name), after.get(name))
        for name in sorted(before | after)
        if before.get(name) != after.get(name) and name not in _ABOUT_THE_PLACE
    ]


def _metrics(
    pair: tuple[Checkpoint, Checkpoint],
) -> list[tuple[str, float | None, float | None]]:
    before, after = (dict(each.metrics) for each in pair)
    return [(name, before.get(name), after.get(name)) for name in sorted(before | after)]
