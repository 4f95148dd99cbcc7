"""Evaluating a checkpoint on a gold set with the user's own command.

The law of this file: it says which command would run and what speaks against it; it starts nothing.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from trainwatch.run.marks import ANOTHER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.run import Run

NAME = "gold-"
"""Begins the names of the runs that evaluate."""
ALL = NAME + "all"
"""The name of the run that evaluates one after the other."""
_LONGEST = 100_000
"""Bytes; the longest word that a program can be started with is a little longer."""
HOW = 'set gold_command = "python eval.py {checkpoint}" under [worth] in the configuration'


def command_for(template: str, checkpoint: CheckpointSeen | None) -> list[str]:
    """The words that evaluate ``checkpoint``. Raises ValueError, one sentence, for a bad template.

    With no checkpoint the template is only looked at.
    """
    if not template:
        raise ValueError(f"there is no command that evaluates: {HOW}")
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ValueError(f"gold_command {template!r} is no command: {error}") from error
    if not any("{checkpoint}" in word for word in words):
        raise ValueError(f"gold_command {template!r} does not say where {{checkpoint}} goes")
    if checkpoint is None:
        return words
    told = {"{checkpoint}": checkpoint.path, "{step}": str(checkpoint.step or "")}
    told["{name}"] = checkpoint.name
    return [re.sub(r"\{(?:checkpoint|step|name)\}", lambda m: told[m[0]], word) for word in words]


def unmeasured(rows: Sequence[Checkpoint]) -> list[CheckpointSeen]:
    """The whole ones of this run that have no result, or only one from before they were written."""
    return [
        row.seen
        for row in rows
        if row.seen.state == "complete"
        and not {ANOTHER, "final"} & set(row.marks)
        and all(gold.stale for gold in row.gold)
    ]


def command_for_all(template: str, checkpoints: Sequence[CheckpointSeen]) -> list[str]:
    """The words that evaluate one after the other, whatever becomes of each. Raises ValueError.

    They print which one is at work, end with 1 where one failed, and stop at once when told to.
    """
    if not checkpoints:
        command_for(template, None)
        raise ValueError("every whole checkpoint has a result of the gold set already")
    lines = ["trap 'exit 130' INT TERM", "code=0"]
    for number, each in enumerate(checkpoints, 1):
        told = f"[{number}/{len(checkpoints)}] {each.name}"
        lines += [
            shlex.join(["echo", told]),
            f"{shlex.join(command_for(template, each))} || code=1",
        ]
    script = "\n".join([*lines, "exit $code"])
    if len(script.encode()) > _LONGEST:
        raise ValueError(f"{len(checkpoints)} are too many for one command: evaluate some with e")
    return ["/bin/sh", "-c", script]


def name_of(checkpoint: CheckpointSeen) -> str:
    """What its evaluation is called among the runs."""
    return NAME + re.sub(r"[^A-Za-z0-9._-]+", "-", checkpoint.name)[:50]


def against(checkpoint: CheckpointSeen, running: Sequence[str]) -> str:
    """Why it cannot be evaluated at all; ``running`` are the names of the runs that go on."""
    if checkpoint.state != "complete":
        return f"{checkpoint.name} is {checkpoint.state}: there is nothing whole to evaluate"
    return beside(running)


def beside(running: Sequence[str]) -> str:
    """What another evaluation that goes on has against one more; "" where there is none."""
    busy = next((name for name in running if name.startswith(NAME)), None)
    return f"{busy} still runs: one evaluation at a time" if busy else ""


def in_the_way(run: Run) -> str:
    """What the training would suffer from it; "" for nothing."""
    cards = [card for card in run.devices.cards if card.ours]
    if run.ended is not None or not cards:
        return ""
    names = ", ".join(f"GPU {card.reading.index}" for card in cards)
    return f"the training uses {names}: an evaluation there may end it for want of memory"
