"""The accelerators: newest reading, short history, and whose memory it is.

The law of this file: a reading that did not come is a hole in the history, never a number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from trainwatch.facts import DeviceReading, Trouble

HISTORY = 600
"""Samples kept per card: ten minutes at one per second."""
STALE = 5.0
"""Seconds after which a reading is called stale."""
HOLE = 3.0
"""A silence of more than so many seconds leaves a hole in the history."""


@dataclass(eq=False)
class Card:
    """One accelerator."""

    reading: DeviceReading
    busy: deque[float | None] = field(default_factory=lambda: deque(maxlen=HISTORY))
    memory: deque[float | None] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """Share of the memory in use, 0..1."""
    power: deque[float | None] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """Watts."""
    memory_run: int | None = None
    """Bytes held by this run's processes; None when the driver does not tell."""
    memory_others: int | None = None
    """Bytes held by anything else."""

    ours: bool = False
    """A process of this run uses the card."""

    @property
    def lost(self) -> str | None:
        """Why nothing at all can be read from the card any more."""
        return next((reason for cell, reason in self.reading.faults if cell == "*"), None)

    def age(self, now: float) -> float:
        """Seconds since the reading."""
        return max(now - self.reading.at, 0.0)

    def stale(self, now: float) -> bool:
        """Whether the reading is too old to speak of now."""
        return self.age(now) > STALE


class Devices:
    """Every card of the machine."""

    def __init__(self) -> None:
        self._cards: dict[tuple[str, str], Card] = {}
        self._tree: frozenset[int] = frozenset()
        self.trouble: str | None = None
        self.fix: str = ""

    @property
    def cards(self) -> list[Card]:
        """Cards of this run first, then by index."""
        return sorted(self._cards.values(), key=lambda c: (not c.ours, c.reading.index))

    def apply(self, reading: DeviceReading) -> None:
        """A card was sampled."""
        key = reading.family, reading.uuid or str(reading.index)
        card = self._cards.get(key)
        if card is None:
            card = self._cards[key] = Card(reading)
        elif reading.at - card.reading.at > HOLE:
            card.busy.append(None)
            card.memory.append(None)
            card.power.append(None)
        card.reading = reading
        card.busy.append(reading.busy)
        card.memory.append(_share(reading))
        card.power.append(reading.power)
        self._split(card)

    def tree(self, pids: Collection[int]) -> bool:
        """The processes of this run are these; whether they are others than before."""
        before, self._tree = self._tree, frozenset(pids)
        if self._tree == before:
            return False
        for card in self._cards.values():
            self._split(card)
        return True

    def problem(self, trouble: Trouble) -> None:
        """The devices as a whole cannot be read, or can again."""
        self.trouble, self.fix = trouble.text or None, trouble.fix

    def _split(self, card: Card) -> None:
        own = [p.memory for p in card.reading.processes if p.pid in self._tree]
        known = [memory for memory in own if memory is not None]
        card.ours = bool(own)
        card.memory_run = sum(known) if known else None
        used = card.reading.memory_used
        told = used is not None and len(known) == len(own)
        card.memory_others = max(used - sum(known), 0) if told and used is not None else None


def _share(reading: DeviceReading) -> float | None:
    if reading.memory_used is None or not reading.memory_total:
        return None
    return reading.memory_used / reading.memory_total
