"""``trainwatch checkpoints evaluate``: the user's own evaluation, as a run of its own.

The law of this file: it is asked first, runs alone, and never beside a training that needs the GPU
unless that was said. What it writes is read as any result is.
"""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.cli import config
from trainwatch.cli.bench import REFUSED, ask, bench
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.cli.inquiry import answers
from trainwatch.cli.picking import Choice, found, of_one
from trainwatch.cli.way import NOT_CONNECTED
from trainwatch.read.clean import clean
from trainwatch.run.evaluating import (
    ALL,
    against,
    beside,
    command_for,
    command_for_all,
    in_the_way,
    name_of,
    unmeasured,
)

if TYPE_CHECKING:
    from trainwatch.cli.bench import Bench
    from trainwatch.cli.grammar import Words

_DEVICES = 2.0  # seconds in which the first reading of the devices comes


def do_checkpoints_evaluate(words: Words) -> int:
    """``trainwatch checkpoints evaluate NAME [TARGET]``, or ``--all [TARGET]``."""
    template = config.load({}).gold_command
    choice = _choice(words)
    with bench(choice.target) as place:
        one = found(place.rows, choice.names[0]).seen if choice.names else None
        try:
            if one is None:
                command = command_for_all(template, unmeasured(place.rows))
            else:
                command = command_for(template, one)
        except ValueError as error:
            raise CommandError(str(error)) from error
        _hear(place, _DEVICES)
        run = place.session.run
        running = _running(place)
        why = against(one, running) if one is not None else beside(running)
        harm = "" if words.has("--anyway") else in_the_way(run)
        if not why and harm:
            why = f"{harm}; --anyway does it nevertheless"
        if why:
            raise CommandError(clean(why), REFUSED)
        folder = run.target.cwd if run.target else ""
        question = f"start, in {clean(folder)}:  {clean(shlex.join(command), 4000)}  ?"
        ask(words, question, "nothing was started")
        name = ALL if one is None else name_of(one)
        return _start(place, facts.Launch(command, folder, name, False))


def _choice(words: Words) -> Choice:
    """Which one, or all. Raises UsageError."""
    if words.has("--all"):
        if words.operands[1:]:
            raise UsageError("with --all only a target can be named")
        return Choice(tuple(words.operands), ())
    if not words.operands:
        raise UsageError("which checkpoint? NAME, or --all")
    return of_one(words.operands)


def _hear(place: Bench, seconds: float) -> None:
    """Take in what the probe tells of the devices and the training meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not place.link.closed:
        place.link.wait(left)
        for fact in place.link.take(256):
            place.session.feed(fact)
        if place.session.run.devices.cards or place.over:
            return


def _running(place: Bench) -> list[str]:
    place.link.send(facts.ListRuns())
    for fact in answers(place.link):
        if isinstance(fact, facts.Runs):
            return [run.name for run in fact.runs if run.state == "running"]
        place.session.feed(fact)
    return []


def _start(place: Bench, request: facts.Launch) -> int:
    place.link.send(request)
    for fact in answers(place.link):
        if isinstance(fact, facts.Answer) and fact.done:
            if not fact.ok:
                raise CommandError(fact.text, fact.code)
            sys.stdout.write(f"{fact.text}\n")
            sys.stderr.write(f"trainwatch: it runs; watch it with: trainwatch attach {fact.text}\n")
            return 0
    raise CommandError("the probe left before it was started", NOT_CONNECTED)
