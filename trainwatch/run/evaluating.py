"""Evaluating a checkpoint on a gold set with the user's own command.

The law of this file: it says which command would run and what speaks against it; it starts nothing.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.run import Run

NAME = "gold-"
"""Begins the names of the runs that evaluate."""
HOW = 'set gold_command = "python eval.py {checkpoint}" under [worth] in the configuration'


def command_for(template: str, checkpoint: CheckpointSeen) -> list[str]:
    """The words that evaluate ``checkpoint``. Raises ValueError, one sentence, for a bad template."""
    if not template:
        raise ValueError(f"there is no command that evaluates: {HOW}")
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ValueError(f"gold_command {template!r} is no command: {error}") from error
    if not any("{checkpoint}" in word for word in words):
        raise ValueError(f"gold_command {template!r} does not say where {{checkpoint}} goes")
    told = {"{checkpoint}": checkpoint.path, "{step}": str(checkpoint.step or "")}
    told["{name}"] = checkpoint.name
    return [re.sub(r"\{(?:checkpoint|step|name)\}", lambda m: told[m[0]], word) for word in words]


def name_of(checkpoint: CheckpointSeen) -> str:
    """What its evaluation is called among the runs."""
    return NAME + re.sub(r"[^A-Za-z0-9._-]+", "-", checkpoint.name)[:50]


def against(checkpoint: CheckpointSeen, running: Sequence[str]) -> str:
    """Why it cannot be evaluated at all; ``running`` are the names of the runs that go on."""
    if checkpoint.state != "complete":
        return f"{checkpoint.name} is {checkpoint.state}: there is nothing whole to evaluate"
    busy = next((name for name in running if name.startswith(NAME)), None)
    return f"{busy} still runs: one evaluation at a time" if busy else ""


def in_the_way(run: Run) -> str:
    """What the training would suffer from it; "" for nothing."""
    cards = [card for card in run.devices.cards if card.ours]
    if run.ended is not None or not cards:
        return ""
    names = ", ".join(f"GPU {card.reading.index}" for card in cards)
    return f"the training uses {names}: an evaluation there may end it for want of memory"
