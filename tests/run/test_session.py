"""The same facts give the same run: in any chunking, live or from a journal."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tests.run.trainer import LOG, Style, Trainer, chunks
from trainwatch import facts, wire
from trainwatch.draw import shapes
from trainwatch.run.session import Session
from trainwatch.run.topics import Topic


def story(trainer: Trainer, random: Random, size: int) -> list[Any]:
    """What a probe would send of a run, the log in pieces of up to ``size`` bytes.

    The clock follows the bytes, so that two tellings differ in the pieces alone.
    """
    told: list[Any] = [
        facts.Hello(1, "0.1.0", "3.11", "box", "Linux", "boot", 7, 1000.0),
        facts.Target(
            "run", "r1", "name", ["python", "train.py"], "/w", "box", "me", 42, 1000.0, [LOG],
            ["/out"], "", 1000.0,
        ),
        facts.CaughtUp(1000.0),
    ]  # fmt: skip
    offset = 0
    for half in (120, 240):
        before = len(trainer.text)
        trainer.train(half)
        for data in chunks(trainer.text[before:], random, size):
            told.append(facts.Chunk(LOG, offset, data, 1001.0))
            offset += len(data)
        state = trainer.state()
        path = f"/out/checkpoint-{half}/trainer_state.json"
        told += [
            facts.FileBytes(path, 0, state, len(state), 1001.0, 1001.0),
            facts.ProcessReading(42, "running", 3.5, 1 << 30, [42, 43], 1001.0),
            facts.Trouble("devices", "no driver", "install it", 1001.0),
        ]
    return [*told, facts.Ended(0, None, "", 1002.0)]


def everything(session: Session) -> str:
    """All that can be asked of a run, as text."""
    run = session.run
    return json.dumps(
        {
            "points": list(shapes.export_lines(run)),
            "status": shapes.status(run),
            "verdict": shapes.diagnose(run.verdict()),
            "checkpoints": shapes.checkpoints(run),
            "log": run.log.window(0, run.lines),
            "live": run.log.live,
            "notices": [n.text for n in run.notices],
            "troubles": [t.text for t in run.troubles.values()],
            "segments": [s.segments for s in run.metrics.series()],
            "spans": [s.spans("step", 0, 240, 24) for s in run.metrics.series()],
            "pairs": [run.pairing.pairs(s) for s in run.metrics.evals],
        },
        indent=1,
    )


def fed(told: list[Any]) -> Session:
    session = Session()
    for fact in told:
        session.feed(fact)
    return session


@pytest.mark.parametrize("style", ["v4", "v5"])
@pytest.mark.parametrize("size", [1, 50, 4096])
def test_any_chunking_gives_the_same_run(style: Style, size: int) -> None:
    whole = fed(story(Trainer(total=240, style=style), Random(0), 1 << 20))
    pieces = fed(story(Trainer(total=240, style=style), Random(size), size))
    assert everything(pieces) == everything(whole)


def test_a_journal_replayed_is_the_run_that_was_live() -> None:
    told = story(Trainer(total=240, sets=("a", "b")), Random(3), 200)
    live = Session()
    recorded = wire.MAGIC
    for fact in told:
        recorded += wire.encode(fact)
        live.feed(fact)
        if len(recorded) % 7 == 0:
            live.run.verdict()  # asking changes nothing
    decoder = wire.Decoder()
    replayed = Session()
    for start in range(0, len(recorded), 999):
        for fact in decoder.feed(recorded[start : start + 999]):
            replayed.feed(fact)
    assert everything(replayed) == everything(live)


def test_a_row_is_told_to_those_who_draw_it() -> None:
    session = Session()
    topics = session.feed(facts.Chunk(LOG, 0, b"{'loss': 1.5, 'epoch': 0.1}\n", 1.0))
    wanted = Topic.METRICS | Topic.LOG | Topic.PROGRESS
    assert topics & wanted == wanted
    assert not session.feed(facts.Pong(1.0))


def test_a_train_loss_more_waits_for_the_second_an_evaluation_is_judged_at_once() -> None:
    session, place = Session(), 0

    def line(text: str, at: float) -> Topic:
        nonlocal place
        data = text.encode() + b"\n"
        place += len(data)
        return session.feed(facts.Chunk(LOG, place - len(data), data, at))

    for n in range(12):
        line(f"{{'loss': {3 - n / 10}, 'epoch': {n / 10}}}", 1.0)
    before = session.run.verdict(10.0)
    assert not line("{'loss': 1.5, 'epoch': 1.2}", 10.1) & Topic.VERDICT
    assert session.run.verdict(10.2) is before
    assert session.run.verdict(11.0) is not before, "a second later"
    assert session.run.verdict() is not before, "without a clock nothing waits"
    assert line("{'eval_loss': 1.4, 'epoch': 1.2}", 11.1) & Topic.VERDICT
    assert session.run.verdict(11.2).last is not None
    assert line("{'loss': nan, 'epoch': 1.3}", 11.3) & Topic.VERDICT
    assert session.run.verdict(11.4).state == "broken-numbers"


def test_what_a_training_used_is_no_reading_after_its_end() -> None:
    session = Session()
    reading = facts.ProcessReading(7, "running", 0.9, 1 << 20, [7], 1.0)
    session.feed(reading)
    assert session.run.process == reading
    session.feed(facts.Ended(0, None, "", 2.0))
    session.feed(reading)
    assert session.run.process is None
