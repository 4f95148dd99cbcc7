"""What stays and what goes: ``checkpoints keep``, ``delete``, ``slim`` and ``prune``.

The law of this file: what is deleted is named first, with what is lost, and a person says yes; what
is guarded needs ``--force``, and what would break a training cannot be had at all.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from trainwatch.cli.bench import ask, bench
from trainwatch.cli.console import show
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.cli.picking import check_word, found, of_one
from trainwatch.draw import removal, units
from trainwatch.read.clean import clean
from trainwatch.run.guards import guards, plan

if TYPE_CHECKING:
    from trainwatch.cli.bench import Bench
    from trainwatch.cli.grammar import Words
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.work import Work

DONE, FAILED = 0, 1
_NOTHING = "nothing was deleted"


def do_checkpoints_keep(words: Words) -> int:
    """``trainwatch checkpoints keep NAME [TARGET]``."""
    choice = of_one(words.operands)
    with bench(choice.target) as place:
        checkpoint = found(place.rows, choice.names[0])
        if checkpoint.seen.state == "writing":
            raise CommandError(f"{clean(checkpoint.seen.name)} is being written: wait for it")
        _refuse_parts(checkpoint, place)
        return _told(place.do("copy" if words.has("--copy") else "keep", checkpoint.seen))


def do_checkpoints_delete(words: Words) -> int:
    """``trainwatch checkpoints delete NAME [TARGET]``."""
    choice = of_one(words.operands)
    with bench(choice.target) as place:
        checkpoint = found(place.rows, choice.names[0])
        _guard(checkpoint, place, forced=words.has("--force"))
        show(removal.of_one(checkpoint, guards(checkpoint, place.rows, place.over)))
        ask(words, "delete it?", _NOTHING)
        return _told(place.do("remove", checkpoint.seen))


def do_checkpoints_slim(words: Words) -> int:
    """``trainwatch checkpoints slim NAME [TARGET]``."""
    choice = of_one(words.operands)
    with bench(choice.target) as place:
        checkpoint = found(place.rows, choice.names[0])
        names = removal.optimizer_files(checkpoint)
        if not names:
            raise CommandError(f"{clean(checkpoint.seen.name)} holds no optimizer state of its own")
        _guard(checkpoint, place, forced=words.has("--force"), slim=True)
        show(removal.of_optimizer(checkpoint))
        ask(words, "drop it?", _NOTHING)
        return _told(place.do("remove", checkpoint.seen, names))


def do_checkpoints_prune(words: Words) -> int:
    """``trainwatch checkpoints prune [TARGET]``."""
    if not words.operands:
        check_word("prune", "checkpoints prune")
    last = _count(words.value("--keep-last") or "1")
    with bench(words.operands) as place:
        intent = plan(place.rows, last, place.over)
        if words.has("--json"):
            sys.stdout.write(json.dumps(removal.shape(intent)) + "\n")
        else:
            show(removal.of_many(intent))
        if words.has("--dry-run") or not intent.going:
            return DONE
        ask(words, f"delete {len(intent.going)} checkpoints?", _NOTHING)
        codes = [_told(place.do("remove", each.seen)) for each in intent.going]
    return max(codes)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--keep-last is a number of checkpoints, not {text!r}")
    return int(text)


def _guard(checkpoint: Checkpoint, place: Bench, *, forced: bool, slim: bool = False) -> None:
    """Refuse what is guarded. Raises CommandError."""
    found = guards(checkpoint, place.rows, place.over)
    if slim:  # its weights stay
        found = [g for g in found if g.hard or "resumed" in g.text or "kept" in g.text]
    against = [g for g in found if g.hard or not forced]
    if against:
        name, why = clean(checkpoint.seen.name), ", ".join(g.text for g in against)
        more = "" if against[0].hard else "; --force does it nevertheless"
        raise CommandError(f"{name} stays: {why}{more}", FAILED)


def _refuse_parts(checkpoint: Checkpoint, place: Bench) -> None:
    hard = [g for g in guards(checkpoint, place.rows, place.over) if g.hard]
    if hard:
        raise CommandError(f"{clean(checkpoint.seen.name)} cannot be kept: {hard[0].text}", FAILED)


def _told(work: Work) -> int:
    """Say how it ended."""
    ended = work.ended
    assert ended is not None
    freed = ""
    if ended.ok and work.job.action == "remove":
        shared = "" if ended.freed else ": another name shares its bytes"
        freed = f", {units.long_size(ended.freed)} are free now{shared}"
    sys.stderr.write(f"trainwatch: {clean(ended.text)}{freed}\n")
    return DONE if ended.ok else FAILED
