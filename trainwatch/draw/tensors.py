"""The tensors of a checkpoint as a tree.

The law of this file: layers that are alike stand there once, with how many there are; the cost is
that of walking over the names once.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from trainwatch.draw import units
from trainwatch.draw.rows import clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.draw.rows import Row
    from trainwatch.read.records import Tensor

_MOST = 2000
_Node: TypeAlias = "dict[str, _Node | Tensor]"


def rows(tensors: Sequence[Tensor], columns: int, *, folded: bool = True) -> list[Row]:
    """Sum, types, and the tree."""
    if not tensors:
        return []
    kinds = Counter[str]()
    for tensor in tensors:
        kinds[tensor.dtype] += prod(tensor.shape)
    told = ", ".join(f"{units.short(n)} {dtype}" for dtype, n in kinds.most_common(4))
    size = units.long_size(sum(t.bytes for t in tensors))
    out: list[Row] = [
        [(f"  {len(tensors):,} tensors, {units.short(kinds.total())} parameters, {size}: {told}", "label")]
    ]  # fmt: skip
    for line in _lines(_grown(tensors), 0, columns, folded=folded):
        out.append(line)
        if len(out) > _MOST:
            out.append([("  … (the rest is left out)", "dim")])
            break
    return out


def _grown(tensors: Sequence[Tensor]) -> _Node:
    root: _Node = {}
    for tensor in tensors:
        *folders, name = tensor.name.split(".")
        node = root
        for folder in folders:
            below = node.setdefault(folder, {})
            if not isinstance(below, dict):  # a tensor has the name of a group
                below = node[folder + "."] = {"": below}
            node = below
        node[name if name not in node else f"{name} ({tensor.file})"] = tensor
    return root


def _lines(node: _Node, depth: int, columns: int, *, folded: bool) -> Iterator[Row]:
    groups = _alike(node) if folded else [([name], below) for name, below in node.items()]
    for names, group in groups:
        name, below = _straight(names[0] if len(names) == 1 else _span(names), group)
        times = f"  × {len(names)}" if len(names) > 1 else ""
        indent = "  " * (depth + 1)
        if isinstance(below, dict):
            yield [(f"{indent}{name}", "accent"), (times, "dim")]
            yield from _lines(below, depth + 1, columns, folded=folded)
        else:
            yield _leaf(indent + name + times, below, columns)


def _straight(name: str, below: _Node | Tensor) -> tuple[str, _Node | Tensor]:
    """Past groups that hold one thing only."""
    while isinstance(below, dict) and len(below) == 1:
        only, below = next(iter(below.items()))
        name = f"{name}.{only}" if only else name
    return name, below


def _leaf(name: str, tensor: Tensor, columns: int) -> Row:
    shape = "×".join(map(str, tensor.shape)) or "scalar"
    told = f"{tensor.dtype:<5} {shape:>14} {units.short(prod(tensor.shape)):>6} {units.size(tensor.bytes):>6}"
    room = max(columns - len(told) - 2, 12)
    return [(f"{clip(name, room):<{room}}", "text"), ("  " + told, "value")]


def _alike(node: _Node) -> Iterator[tuple[list[str], _Node | Tensor]]:
    """Names of one place that hold the same, numbers only, together."""
    pending: list[str] = []
    last: object = None
    for name, below in node.items():
        mark = _signature(below) if name.isdigit() else None
        if pending and mark is not None and mark == last:
            pending.append(name)
            continue
        if pending:
            yield pending, node[pending[0]]
        pending, last = [name], mark
    if pending:
        yield pending, node[pending[0]]


def _signature(below: _Node | Tensor) -> object:
    if isinstance(below, dict):
        return tuple((name, _signature(each)) for name, each in below.items())
    return below.dtype, below.shape


def _span(names: Sequence[str]) -> str:
    numbers = sorted(map(int, names))
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        return f"{numbers[0]} … {numbers[-1]}"
    return f"{numbers[0]}, {numbers[1]}, …"
