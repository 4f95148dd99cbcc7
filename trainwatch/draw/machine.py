"""The host in one line: the training's processes, the memory, the disk that checkpoints go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, fit
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.draw.rows import Style
    from trainwatch.run.node import Node
    from trainwatch.run.run import Run

_SCARCE = 0.05
"""Share of a disk or a memory below which what is left is shown as a warning."""
_STALE = 10.0


def draw(run: Run, columns: int, lines: int, now: float) -> Picture:
    """The line; without room inside it stands in the frame."""
    row = pieces(run.own, now)
    title: Row = [("machine", "title")]
    if lines <= 0:
        return Picture(title, _shortened(row, max(columns - 14, 0)), [])
    rows = [packed(row, [], max(columns, 0), [(" · ", "dim")])]
    rows += [fit([], max(columns, 0)) for _ in range(lines - 1)]
    return Picture(title, [], rows)


def pieces(node: Node, now: float) -> list[Piece]:
    """What is known, the most important first."""
    machine, process = node.machine, node.process
    if machine is None and process is None:
        return [Piece([("no reading yet", "dim")])]
    made = []
    if process is not None and process.state not in ("running", "sleeping"):
        made.append(Piece([(f"process {clean(process.state, 20)}", "warning")], 0))
    if process is not None:
        cpu = f"CPU {_cores(process.cpu)}"
        memory = f" {units.long_size(process.memory)}"
        made.append(Piece([("run ", "dim"), (cpu, "value"), (memory, "label")], 0))
    elif machine is not None:
        made.append(Piece([(f"CPU {_cores(machine.cpu)}", "value")], 0))
    if machine is not None:
        used = units.of_size(machine.memory_used, machine.memory_total)
        made.append(Piece([("RAM ", "dim"), (used, _memory(node))], 1))
        free = f"{units.long_size(machine.disk_free)} free"
        made.append(Piece([("disk ", "dim"), (free, _disk(node))], 2))
        if now - machine.at > _STALE:
            made.append(Piece([(f"{units.age(now - machine.at)} old", "warning")], 3))
    return made


def _cores(cores: float | None) -> str:
    """Cores in use as top counts them: 100 % is one core."""
    return units.UNKNOWN if cores is None else f"{cores * 100:.0f}%"


def _memory(node: Node) -> Style:
    m = node.machine
    if m is None or m.memory_used is None or not m.memory_total:
        return "label"
    return "warning" if 1 - m.memory_used / m.memory_total < _SCARCE else "label"


def _disk(node: Node) -> Style:
    m = node.machine
    if m is None or m.disk_free is None or not m.disk_total:
        return "label"
    return "warning" if m.disk_free / m.disk_total < _SCARCE else "label"


def _shortened(made: list[Piece], columns: int) -> Row:
    """The pieces as one row no wider than ``columns``, not padded."""
    kept = [p for p in made if p.row]
    while kept:
        row: Row = []
        for piece in kept:
            row += [(" · " if row else "", "dim"), *piece.row]
        if sum(len(text) for text, _ in row) <= columns:
            return row
        kept.remove(max(kept, key=lambda p: p.rank))
    return []
