"""The accelerators, one block each.

The law of this file: "busy" is the share of time in which any kernel ran, never called "used"; a cell
that could not be read says so ("n/a"), a reading that is old says how old, and nothing is invented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import bars, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, clip, fit, wrapped
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.devices import Card, Devices
    from trainwatch.run.node import Node
    from trainwatch.run.run import Run

_HOT = 85.0
"""Degrees Celsius from which on a temperature is shown as a warning; data-centre cards slow at 85-90."""
_ASLEEP = "asleep"
"""What the sampler says of a card that it does not wake up."""
_FULL = 0.95
"""Share of the memory from which on it is shown as a warning."""


def draw(run: Run, columns: int, lines: int, now: float) -> Picture:
    """As many blocks as there is room for, cards of this run first."""
    columns, lines = max(columns, 0), max(lines, 0)
    cards = run.devices.cards
    if not cards:
        return Picture([("GPU", "title")], [], _none(run.devices, columns, lines))
    ours = [c for c in cards if c.ours] or cards
    others = [c for c in cards if c not in ours]
    alone = len(cards) == 1
    rows: list[Row] = []
    size = _block_lines(len(ours), lines - (1 if others else 0))
    for card in ours:
        rows += _block(card, columns, size, now, headed=not alone)
    if others:
        rows += _folded(others, columns, lines - len(rows), now)
    rows = _within(rows, len(ours), lines)
    rows += [[] for _ in range(lines - len(rows))]
    title, note = _edge(cards, ours, now)
    return Picture(title, note, [fit(row, columns) for row in rows[:lines]])


def _block_lines(cards: int, lines: int) -> int:
    """How many lines each block gets: 1, 2 or 3."""
    return min(max(lines // max(cards, 1), 1), 3)


def _within(rows: list[Row], cards: int, lines: int) -> list[Row]:
    if len(rows) <= lines or lines < 1:
        return rows
    hidden = len(rows) - lines + 1
    return [
        *rows[: lines - 1],
        [(f" … {hidden} more of {cards} GPUs: make the panel larger", "dim")],
    ]


def _edge(cards: Sequence[Card], ours: Sequence[Card], now: float) -> tuple[Row, Row]:
    """The name of the card, or how many there are; and what this run holds."""
    if len(cards) == 1:
        title: Row = [(f"GPU {cards[0].reading.index}  {_name(cards[0])}", "title")]
    else:
        names = {_name(c) for c in cards}
        title = [
            (
                f"{len(cards)} GPUs  {names.pop() if len(names) == 1 else 'of several kinds'}",
                "title",
            )
        ]
    if any(c.reading.fake for c in cards):
        title.append(("  FAKE", "critical"))
    held = [c.memory_run for c in ours if c.memory_run is not None]
    note: Row = [(f"this run: {units.long_size(sum(held))}", "label")] if held else []
    old = [c.age(now) for c in cards if c.stale(now) and c.lost is None]
    if old:
        note = [(f"stale for {units.duration(max(old))}", "warning")]
    return title, note


def _name(card: Card) -> str:
    return clean(card.reading.name, 48) or clean(card.reading.family, 48)


# --- one card -----------------------------------------------------------------------------


def _block(card: Card, columns: int, lines: int, now: float, *, headed: bool) -> list[Row]:
    if card.lost is not None:
        return _lost(card, columns, lines)
    label: Row = (
        [(f"{card.reading.index:>2} ", "title" if card.ours else "label")] if headed else []
    )
    if lines == 1:
        return [_one_line(card, columns, now, label)]
    blank: Row = [(" " * len(label[0][0]), "text")] if label else []
    rows = [_first(card, columns, now, label), _second(card, columns, now, blank)]
    if lines > 2:
        size = max(columns - 9 - 3 * headed, 0)
        past = bars.history(list(card.busy), min(size, 120))
        rows.append([*blank, (" busy ", "dim"), (past.strip() or "", "bar")])
    return rows


def _lost(card: Card, columns: int, lines: int) -> list[Row]:
    """A card that nothing can be read from: asleep, or gone."""
    why = clean(card.lost or "", 200)
    label: Row = [(f" GPU {card.reading.index} ", "title")]
    if why == _ASLEEP:
        return [[*label, ("asleep", "info"), (": it is read as soon as it is used", "dim")]][:lines]
    first: Row = [*label, (why, "critical")]
    second: Row = [("   nothing can be read from it; the other cards go on", "dim")]
    return [fit(first, columns), second][:lines]


def _first(card: Card, columns: int, now: float, label: Row) -> Row:
    """Busy and memory with their bars."""
    r = card.reading
    room = max(columns - 2 - 33 - len(label) * 3, 0)
    wide = min(room * 3 // 5, 30)
    style = _fresh(card, now, "value")
    busy: Row = [("busy ", "dim"), (f"{_cell(card, 'busy', units.percent(r.busy)):>4} ", style)]
    busy += bars.bar(r.busy, wide)
    memory: Row = [
        ("mem ", "dim"),
        (_memory(card), _fresh(card, now, _memory_style(card))),
        (" ", "text"),
    ]
    memory += bars.bar(_share(card), min(max(room - wide, 0), 20), "other")
    return packed([Piece([*label, *busy]), Piece(memory)], [], columns)


def _second(card: Card, columns: int, now: float, blank: Row) -> Row:
    """Power, temperature, memory of others, and what slows it down."""
    left = [
        Piece([*blank, (_power(card), _fresh(card, now, "label"))], 2),
        Piece([(_temperature(card), _fresh(card, now, _heat(card)))], 1),
        Piece(_others(card), 4),
        Piece(_throttle(card), 3, least=28),
        Piece(_failing(card), 5, least=12),
    ]
    return packed(left, [], columns, [("   ", "text")])


def one_line(card: Card, columns: int, now: float, *, indent: bool = False) -> Row:
    """A card in one line that begins with its number."""
    label = f"{'  ' if indent else ''}{card.reading.index:>2} "
    return _one_line(card, columns, now, [(label, "title" if card.ours else "label")])


def _one_line(card: Card, columns: int, now: float, label: Row) -> Row:
    r = card.reading
    style = _fresh(card, now, "value")
    room = min(max(columns - 50, 0), 20)
    busy: Row = [
        (f"{_cell(card, 'busy', units.percent(r.busy)):>4} ", style),
        *bars.bar(r.busy, room),
    ]
    left = [
        Piece([*label, *busy], 0),
        Piece([(_memory(card), _fresh(card, now, _memory_style(card)))], 1),
        Piece([(_power(card), _fresh(card, now, "label"))], 4),
        Piece([(_temperature(card), _fresh(card, now, _heat(card)))], 3),
        Piece(_throttle(card), 2, least=8),
    ]
    return packed(left, [], columns)


def _folded(cards: Sequence[Card], columns: int, room: int, now: float) -> list[Row]:
    """Cards that this run does not use: a line each while there is room, else one for all."""
    if room >= len(cards) + 1:
        rows: list[Row] = [[(" not used by this run", "dim")]]
        return rows + [one_line(c, columns, now) for c in cards]
    busy = [f"{c.reading.index} {_cell(c, 'busy', units.percent(c.reading.busy))}" for c in cards]
    return [[(f" not used by this run: GPU {', '.join(busy)}", "dim")]]


# --- the cells ----------------------------------------------------------------------------


def _cell(card: Card, name: str, text: str) -> str:
    """The text of a cell, or "n/a" where the driver refused it."""
    return "n/a" if any(cell == name for cell, _ in card.reading.faults) else text


def _memory(card: Card) -> str:
    r = card.reading
    if r.memory_used is None and r.memory_total is None:
        return (
            "n/a" if _cell(card, "memory", "") or _cell(card, "memory_used", "") else units.UNKNOWN
        )
    return units.of_size(r.memory_used, r.memory_total)


def _share(card: Card) -> float | None:
    r = card.reading
    return r.memory_used / r.memory_total if r.memory_used is not None and r.memory_total else None


def _memory_style(card: Card) -> Style:
    share = _share(card)
    return "warning" if share is not None and share >= _FULL else "value"


def _power(card: Card) -> str:
    r = card.reading
    if r.power is None:
        return f"power {_cell(card, 'power', units.UNKNOWN)}"
    return f"{r.power:.0f} W" if r.power_limit is None else f"{r.power:.0f}/{r.power_limit:.0f} W"


def _temperature(card: Card) -> str:
    value = card.reading.temperature
    return (
        f"temp {_cell(card, 'temperature', units.UNKNOWN)}" if value is None else f"{value:.0f} °C"
    )


def _heat(card: Card) -> Style:
    value = card.reading.temperature
    return "warning" if value is not None and value >= _HOT else "label"


def _others(card: Card) -> Row:
    """Memory that is not this run's, where both are known."""
    if card.memory_run is None or not card.memory_others:
        return []
    return [(f"others hold {units.long_size(card.memory_others)}", "dim")]


def _throttle(card: Card) -> Row:
    reasons = [clean(reason, 40) for reason in card.reading.throttle]
    return [("slowed by " + ", ".join(reasons), "warning")] if reasons else []


def _failing(card: Card) -> Row:
    """The first cell that fails, with the reason; what a card does not support is no failure."""
    for cell, why in card.reading.faults:
        if why != "not supported":
            return [(f"{clean(cell, 20)}: {clean(why, 80)}", "warning")]
    return []


def _fresh(card: Card, now: float, style: Style) -> Style:
    return "dim" if card.stale(now) else style


# --- no card ------------------------------------------------------------------------------


def _none(devices: Devices, columns: int, lines: int) -> list[Row]:
    """Why there is nothing to show, and what to do about it."""
    if devices.trouble is None:
        rows: list[Row] = [[(" no GPU reading yet", "dim")]]
    else:
        inside = max(columns - 2, 1)
        rows = [[(" " + line, "label")] for line in wrapped(clean(devices.trouble), inside)]
        rows += [[(" " + line, "dim")] for line in wrapped(clean(devices.fix), inside)]
    if len(rows) > lines and devices.trouble:
        rows = [[(" " + clip(clean(devices.trouble), max(columns - 2, 0)), "label")]]
        rows += [[(" " + clip(clean(devices.fix), max(columns - 2, 0)), "dim")]]
    rows += [[] for _ in range(lines - len(rows))]
    return [fit(row, columns) for row in rows[:lines]]


# --- every card in full -------------------------------------------------------------------


def details(node: Node, columns: int, now: float, *, explained: bool = True) -> list[Row]:
    """Every value of every card, why a value is missing, and who uses the card."""
    rows: list[Row] = []
    for card in node.devices.cards:
        rows += [*_all_of(node, card, columns, now), []]
    rows += [*_none(node.devices, columns, 3), []] if not rows else []
    rows += [[(line, "dim")] for line in wrapped(_BUSY, max(columns, 1))] if explained else []
    return [fit(row, max(columns, 0)) for row in rows]


_BUSY = (
    "Busy is the share of the driver's last sample, a sixth of a second to a second, in which any "
    "kernel ran; one small kernel makes a card 100% busy. It does not tell how much of it is used."
)


def _all_of(node: Node, card: Card, columns: int, now: float) -> list[Row]:
    r = card.reading
    whose = "this run" if card.ours else "not used by this run"
    head: Row = [(f"GPU {r.index}  {_name(card)}", "title"), (f"  {whose}", "dim")]
    if r.fake:
        head.append(("  FAKE: a stand-in library made for tests", "critical"))
    if card.lost is not None:
        return [head, *_lost(card, columns, 2)]
    known = [
        ("busy", _cell(card, "busy", units.percent(r.busy))),
        ("memory", f"{_memory(card)}  {units.percent(_share(card))}"),
        ("of this run", _cell(card, "processes", units.long_size(card.memory_run))),
        ("of others", units.long_size(card.memory_others)),
        ("power", _power(card)),
        ("temperature", _temperature(card)),
        ("slowed by", ", ".join(clean(t, 40) for t in r.throttle) or "nothing"),
        ("read", f"{units.age(card.age(now))} ago"),
        ("id", clean(r.uuid, 60) or units.UNKNOWN),
    ]
    rows: list[Row] = [head]
    rows += [[(f"  {name:<14}", "label"), (value, "value")] for name, value in known]
    rows += [
        [(f"  {clean(cell, 14):<14}", "label"), (clean(why, 200), "dim")] for cell, why in r.faults
    ]
    tree = set(node.process.tree) if node.process is not None else set()
    for process in r.processes:
        mine = "this run" if process.pid in tree else ""
        row = f"  pid {process.pid:<10}{units.long_size(process.memory):>10}  "
        rows.append([(row, "text"), (mine, "accent")])
    return rows


def brief(run: Run) -> Row:
    """All cards in a few words."""
    every = [card for node in run.nodes for card in node.devices.cards]
    return brief_of([card for card in every if card.ours] or every)


def brief_of(cards: Sequence[Card]) -> Row:
    """These cards in a few words."""
    if not cards:
        return [("no GPU", "dim")]
    busy = [c.reading.busy for c in cards if c.reading.busy is not None]
    used = [c.reading.memory_used for c in cards if c.reading.memory_used is not None]
    mean = units.percent(sum(busy) / len(busy)) if busy else "n/a"
    name = "GPU" if len(cards) == 1 else f"{len(cards)} GPUs"
    return [
        (f"{name} ", "dim"),
        (f"{mean} busy", "value"),
        (f" · {units.long_size(sum(used))}" if used else "", "label"),
    ]
