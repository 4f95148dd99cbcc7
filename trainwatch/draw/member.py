"""One run of several: what there is to say about it in the cells of a table.

The law of this file: what is not known is a dash; a run that cannot be watched says why.
"""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import bars, gap, header, nodes, units
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.draw.rows import Style
    from trainwatch.facts import Trouble
    from trainwatch.run.run import Run

CURVE = 12
"""Columns of the small curve of the loss."""


class Member(NamedTuple):
    """One of the runs, at a moment."""

    word: str  # the TARGET as it was named; no two are the same
    run: Run
    now: float  # on the clock of its machine
    host: str = ""  # as ssh knows it; "" = this machine
    waits: bool = False  # for others to be connected first

    @property
    def trouble(self) -> Trouble | None:
        """Why nothing at all is known of it."""
        troubles = self.run.troubles
        return None if self.run.target else troubles.get("target") or troubles.get("link")


def ordinal(value: float | None) -> tuple[bool, float]:
    """To sort by a number: unknown and broken ones behind."""
    return (value is None or not isfinite(value), value or 0.0)


def name(member: Member) -> str:
    """What it is called, by itself or by the person."""
    target = member.run.target
    known = target is not None and (target.name or target.id)
    return clean(known or member.word.removeprefix(f"{member.host}:"), 80) or "the newest run"


def host(member: Member) -> str:
    """Where it runs; of several machines the first, and how many more."""
    others = len(member.run.nodes) - 1
    return (clean(member.host) or "here") + (f" +{others}" if others else "")


def state(member: Member) -> tuple[str, Style]:
    """Whether it is reached, and is alive, on all its machines."""
    trouble = member.trouble
    if trouble is not None:
        return "✗ " + ("not found" if trouble.where == "target" else "no link"), "critical"
    if member.run.target is None:
        return ("○ waiting" if member.waits else "○ connecting"), "dim"
    link = member.run.troubles.get("link")
    if link is not None:
        return f"◌ lost {units.age(member.now - link.at)}", "critical"
    unwell = nodes.state(member.run, member.now)
    if unwell:
        return unwell, "critical"
    text, style = header.sign(member.run, header.HeaderView(), member.now)[0]
    return text, style if isinstance(style, str) else "text"


def step(member: Member) -> str:
    """How far it is; the epoch of one that counts no steps."""
    progress = member.run.progress
    done = progress.done
    if done is None:
        loss = member.run.metrics.loss
        done = loss.step(len(loss) - 1) if loss is not None and len(loss) else None
    if done is None:
        return _epoch(member)
    return units.count(done) + (f"/{units.count(progress.total)}" if progress.total else "")


def _epoch(member: Member) -> str:
    """For a training that counts no steps."""
    loss = member.run.metrics.loss
    epoch = member.run.progress.epoch
    if epoch is None and loss is not None and len(loss):
        epoch = loss.epoch(len(loss) - 1)
    return units.UNKNOWN if epoch is None or not isfinite(epoch) else f"epoch {epoch:.2f}"


def loss(member: Member) -> float | None:
    """The newest train loss."""
    series = member.run.metrics.loss
    return series.last if series is not None else None


def eval_loss(member: Member) -> float | None:
    """The newest evaluation loss."""
    series = member.run.metrics.eval_loss
    return series.last if series is not None else None


def curve(member: Member) -> str:
    """The loss as means of equal shares of its points."""
    loss = member.run.metrics.loss
    if loss is None or len(loss) < 2:
        return ""
    wide = min(CURVE, len(loss))
    edges = [len(loss) * k // wide for k in range(wide + 1)]
    means = [loss.mean(a, b) for a, b in pairwise(edges)]
    return bars.history([m if m is None or isfinite(m) else None for m in means], CURVE, None)


def verdict(member: Member) -> tuple[str, Style]:
    """What its curves say, in a word."""
    found = member.run.verdict(member.now)
    if found.state == "not-enough-data":
        return units.UNKNOWN, "dim"
    return gap.word(found), gap.SEVERITIES[found.severity]


def busy(member: Member) -> str:
    """The mean of the cards that this run uses."""
    cards = [
        card
        for node in member.run.nodes
        for card in node.devices.cards
        if card.ours and not card.stale(node.now(member.now))
    ]
    known = [c.reading.busy for c in cards if c.reading.busy is not None]
    return units.percent(sum(known) / len(known)) if known else units.UNKNOWN


def eta(member: Member) -> str:
    """Until it is done."""
    run = member.run
    if run.state().word != "running":
        return units.UNKNOWN
    left = run.pace.remaining(member.now)
    return units.duration(left) if left is not None else units.UNKNOWN


def age(member: Member) -> float | None:
    """Seconds since it last printed something, or since its end."""
    run = member.run
    if run.ended is not None:
        return max(member.now - run.ended.at, 0.0)
    return run.pace.silence(member.now)


def sign(member: Member) -> str:
    """The same as it is told; ">": it was silent already when we came."""
    silent = age(member)
    if silent is None:
        return units.UNKNOWN
    longer = not member.run.pace.grew and member.run.ended is None
    return (">" if longer else "") + units.age(silent)
