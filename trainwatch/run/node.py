"""One of the machines that a training runs on: its devices, its processes, the machine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from trainwatch import facts
from trainwatch.run.devices import Devices
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    from trainwatch.run.run import Run

Reading: TypeAlias = facts.DeviceReading | facts.ProcessReading | facts.MachineReading


class Node:
    """What was read there last."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.devices = Devices()
        self.machine: facts.MachineReading | None = None
        self.process: facts.ProcessReading | None = None
        self.ahead = 0.0
        """Seconds that its clock is ahead of the clock of the run."""

    def apply(self, fact: Reading) -> Topic:
        """Take in one reading; the answer is which parts of the run it changed."""
        if isinstance(fact, facts.DeviceReading):
            self.devices.apply(fact)
            return Topic.DEVICES
        if isinstance(fact, facts.MachineReading):
            self.machine = fact
            return Topic.MACHINE
        before, self.process = self.process, fact
        topic = Topic.MACHINE
        if self.devices.tree(fact.tree):
            topic |= Topic.DEVICES
        if before is None or before.state != fact.state:
            topic |= Topic.TARGET
        return topic

    def now(self, now: float) -> float:
        """The moment ``now`` of the run on the clock of this machine."""
        return now + self.ahead

    def age(self, now: float) -> float | None:
        """Seconds since anything was read there; None = nothing ever was."""
        known = [one.at for one in (self.machine, self.process) if one is not None]
        known += [card.reading.at for card in self.devices.cards]
        return max(self.now(now) - max(known), 0.0) if known else None


def called(run: Run, node: Node) -> str:
    """What a machine of the run is called."""
    host = run.target.host if run.target is not None and node is run.own else ""
    return node.name or host or "here"


def unwell(run: Run, node: Node) -> str:
    """What is the matter with another machine of the run, in a word or two; "" = nothing known."""
    follower = next((one for one in run.followers if one.own is node), None)
    if follower is None:
        lost = run.troubles.get(f"node:{node.name}") is not None
        return "not reached" if lost and run.ended is None else ""
    if follower.troubles.get("link") is not None:
        return "disconnected"
    word = follower.state().word
    over = follower.ended is not None and run.ended is None
    return word if over or word in ("failed", "killed") else ""
