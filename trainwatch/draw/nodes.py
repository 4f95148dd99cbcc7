"""The machines of a training with the accelerators of each.

The law of this file: one machine is shown as if there were no others; of several each has a line of
its own, its cards below it while there is room, and says when nothing is heard from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import devices, machine, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, fit, wrapped
from trainwatch.read.clean import clean
from trainwatch.run.node import called, unwell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.facts import Trouble
    from trainwatch.run.devices import Card
    from trainwatch.run.node import Node
    from trainwatch.run.run import Run

_STALE = 10.0
"""Seconds of silence after which a machine says how long it has been."""


def draw(run: Run, columns: int, lines: int, now: float) -> Picture:
    """As much as there is room for: every machine before every card."""
    nodes = run.nodes
    if len(nodes) == 1:
        return devices.draw(run, columns, lines, now)
    columns, lines = max(columns, 0), max(lines, 0)
    rows: list[Row] = []
    left = lines - len(nodes)  # for cards
    for node in nodes:
        rows.append(_line(run, node, columns, now))
        cards = used(node)
        if 0 < len(cards) <= left:
            left -= len(cards)
            rows += [devices.one_line(c, columns, node.now(now), indent=True) for c in cards]
    if len(rows) > lines > 0:
        more = f" … {len(rows) - lines + 1} more of {len(nodes)} machines: enter shows all"
        rows = [*rows[: lines - 1], [(more, "dim")]]
    rows += [[] for _ in range(lines - len(rows))]
    return Picture(_title(nodes), [], [fit(row, columns) for row in rows[:lines]])


def height(run: Run) -> int:
    """Lines that every machine and every card of the run would have, where there are several."""
    return sum(1 + len(used(node)) for node in run.nodes)


def used(node: Node) -> Sequence[Card]:
    """The cards that the training uses there; all of them where it is seen on none."""
    cards = node.devices.cards
    return [card for card in cards if card.ours] or cards


def details(run: Run, columns: int, now: float) -> list[Row]:
    """Every machine with its processes and every value of every card."""
    nodes = run.nodes
    if len(nodes) == 1:
        return devices.details(run.own, columns, now)
    rows: list[Row] = []
    for node in nodes:
        rows += [_line(run, node, columns, now), *_processes(node, columns)]
        rows += [
            [],
            *devices.details(node, columns, node.now(now), explained=node is nodes[-1]),
            [],
        ]
    return [fit(row, max(columns, 0)) for row in rows[:-1]]


def _title(nodes: Sequence[Node]) -> Row:
    count = sum(len(used(node)) for node in nodes)
    gpus = f" · {count} GPU{'s' * (count != 1)}" if count else ""
    fake = any(card.reading.fake for node in nodes for card in node.devices.cards)
    title: Row = [(f"{len(nodes)} machines{gpus}", "title")]
    return [*title, ("  FAKE", "critical")] if fake else title


def _line(run: Run, node: Node, columns: int, now: float) -> Row:
    """One machine: what it is called, how its cards and its processes are."""
    matter, age = unwell(run, node), node.age(now)
    late = age is not None and age > _STALE
    left = [Piece([(clean(called(run, node), 40), "title")], 0, least=8)]
    if matter or late:
        since = f" {units.age(age)} ago" if late else ""
        left.append(
            Piece(
                [(matter or "last heard of", "critical" if matter else "warning"), (since, "dim")],
                1,
            )
        )
    elif age is None:
        left.append(Piece([("no reading yet", "dim")], 1))
    else:
        left += [Piece(devices.brief_of(used(node)), 2), *machine.pieces(node, node.now(now))]
    return packed(left, [], columns, [(" · ", "dim")])


def _processes(node: Node, columns: int) -> list[Row]:
    """The processes of the training there."""
    if node.process is None:
        return [[("  no process of the training is seen there", "dim")]]
    tree = ", ".join(map(str, node.process.tree)) or "none"
    words = f"{len(node.process.tree)} processes: {tree}"
    return [[("  " + line, "label")] for line in wrapped(words, max(columns - 2, 1))]


def state(run: Run, now: float) -> str:
    """What the list of runs says of a training whose other machines are not well; "" = they are."""
    for node in run.nodes[1:]:
        word, link = unwell(run, node), _lost(run, node)
        if link is not None:
            return f"◌ node lost {units.age(node.now(now) - link.at)}"
        if word:
            return f"✗ node {word}"
    return ""


def sentence(run: Run) -> str:
    """Which machine is not well, and why; "" = all are."""
    for node in run.nodes[1:]:
        word, link = unwell(run, node), _lost(run, node)
        if word:
            return clean(f"{called(run, node)}: {link.text if link is not None else word}")
    return ""


def _lost(run: Run, node: Node) -> Trouble | None:
    """Why another part of the training is not heard from."""
    return next((one.troubles.get("link") for one in run.followers if one.own is node), None)
