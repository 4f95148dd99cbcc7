"""Reading checkpoints to their last byte: ``checkpoints verify`` and ``checkpoints diff``.

The law of this file: findings go to stdout, how far it is to stderr. verify ends with 1 when
something is wrong, diff with 1 when not everything could be compared.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from trainwatch.cli.bench import bench
from trainwatch.cli.console import console, show
from trainwatch.cli.picking import Choice, check_word, found, of_many, of_one
from trainwatch.draw import comparison, proof
from trainwatch.read.clean import clean
from trainwatch.run.comparison import compare

if TYPE_CHECKING:
    from trainwatch.cli.bench import Bench
    from trainwatch.cli.grammar import Words
    from trainwatch.read.records import ContentsSeen
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.work import Work

SOUND, DAMAGED = 0, 1


def do_checkpoints_verify(words: Words) -> int:
    """``trainwatch checkpoints verify [TARGET] [NAME...]``."""
    if not words.operands:
        check_word("verify", "checkpoints verify")
    choice = of_many(words.operands)
    proved: list[tuple[Checkpoint, Work]] = []
    with bench(choice.target) as place:
        if place.over:
            _settle(place)
        meant = [found(place.rows, name) for name in choice.names] or _saved(place.rows)
        for checkpoint in meant:
            work = place.do("verify", checkpoint.seen)
            if not words.has("--json"):
                twin = proof.same_weights(checkpoint, work, proved)
                show(proof.rows(checkpoint, work) + ([twin] if twin else []))
            proved.append((checkpoint, work))
    if words.has("--json"):
        sys.stdout.write(json.dumps([proof.shape(*each) for each in proved]) + "\n")
    return SOUND if all(proof.is_sound(*each) for each in proved) else DAMAGED


def _settle(place: Bench) -> None:
    """Nobody is known to train there: the youngest files are judged as well."""
    young = [clean(row.seen.name) for row in place.rows if row.seen.state == "writing"]
    place.settle()
    if young:
        names = ", ".join(young)
        sys.stderr.write(
            f"trainwatch: {names} changed just now: if it is still being written, verify it later\n"
        )


def _saved(rows: list[Checkpoint]) -> list[Checkpoint]:
    """All but those that are being written: of them nothing can be said yet."""
    for row in rows:
        if row.seen.state == "writing":
            sys.stderr.write(f"trainwatch: {clean(row.seen.name)} is being written: left out\n")
    return [row for row in rows if row.seen.state != "writing"]


def do_checkpoints_diff(words: Words) -> int:
    """``trainwatch checkpoints diff A B``."""
    target = words.value("--target")
    choices = [of_one([word, target] if target is not None else [word]) for word in words.operands]
    first = _looked(choices[0])
    second = _looked(choices[1])
    pair = first[0], second[0]
    result = compare(pair, (first[1], second[1]), (first[2], second[2]))
    if words.has("--json"):
        sys.stdout.write(json.dumps(comparison.shape(pair, result)) + "\n")
    else:
        show(comparison.rows(pair, result, console().width))
    return DAMAGED if result.unread else SOUND


def _looked(choice: Choice) -> tuple[Checkpoint, Work, ContentsSeen | None]:
    with bench(choice.target) as place:
        checkpoint = found(place.rows, choice.names[0])
        return checkpoint, *_read(place, checkpoint)


def _read(place: Bench, checkpoint: Checkpoint) -> tuple[Work, ContentsSeen | None]:
    return place.do("verify", checkpoint.seen), place.look_into(checkpoint.seen)
