"""New lines first: what is shown meanwhile, and that it changes nothing of what is read."""

from __future__ import annotations

import random

import pytest

from trainwatch import facts
from trainwatch.draw import shapes
from trainwatch.run.ahead import WHERE, AheadSession
from trainwatch.run.session import Session

LOG = b"".join(
    b"{'loss': %.4f, 'epoch': %.3f}\n" % (3.0 - k / 2000, k / 1000)
    + (
        b"{'eval_loss': %.4f, 'epoch': %.3f}\n" % (3.1 - k / 2000, k / 1000)
        if k % 100 == 99
        else b""
    )
    for k in range(4000)
)
HELLO = facts.Hello(1, "0", "3.8", "box", "Linux", "", 1, 1.0)
TARGET = facts.Target(
    "log", "", "train.log", [], "/", "box", "", None, None, ["train.log"], [], "", 1.0
)


def newest(start: int, end: int, name: str = "train.log") -> facts.FileBytes:
    return facts.FileBytes(name, start, LOG[start:end], end, 2.0, 2.0)


def chunks(data: bytes, draw: random.Random, start: int = 0) -> list[object]:
    found: list[object] = []
    while start < len(data):
        size = draw.randrange(1, 40_000)
        found.append(facts.Chunk("train.log", start, data[start : start + size], 3.0))
        start += size
    return found


def read(session: Session, told: list[object]) -> Session:
    for fact in [HELLO, TARGET, *told, facts.CaughtUp(4.0)]:
        session.feed(fact)
    return session


@pytest.mark.parametrize("seed", range(8))
def test_what_came_first_changes_no_point(seed: int) -> None:
    draw = random.Random(seed)
    in_order = chunks(LOG, draw)
    mixed = list(in_order)
    for _ in range(draw.randrange(1, 6)):
        start, end = sorted(draw.sample(range(len(LOG)), 2))
        mixed.insert(draw.randrange(len(mixed)), newest(start, end))
    plain, ahead = read(Session(), in_order), read(AheadSession(), mixed)
    assert ahead.shown is ahead.run
    assert list(shapes.export_lines(ahead.run)) == list(shapes.export_lines(plain.run))
    assert shapes.status(ahead.run, 4.0) == shapes.status(plain.run, 4.0)
    assert ahead.run.lines == plain.run.lines


def test_the_newest_part_is_shown_until_the_rest_is_here() -> None:
    session = AheadSession()
    for fact in (HELLO, TARGET, newest(len(LOG) - 5000, len(LOG))):
        session.feed(fact)
    shown = session.shown
    assert shown is not session.run
    assert shown.target == TARGET
    assert shown.metrics.loss is not None
    assert shown.metrics.loss.last == pytest.approx(1.0005)
    assert shown.unread == 0  # half a line at its beginning is no line
    session.feed(facts.Chunk("train.log", 0, LOG[: len(LOG) // 2], 3.0))
    assert shown.troubles[WHERE].text == "newest lines first: 50% of the older ones are here"
    assert session.shown is shown
    session.feed(facts.Chunk("train.log", len(LOG) // 2, LOG[len(LOG) // 2 :], 3.0))
    session.feed(facts.CaughtUp(4.0))
    assert session.shown is session.run
    assert WHERE not in session.run.troubles


def test_new_lines_are_added_to_the_newest_part() -> None:
    session = AheadSession()
    cut = LOG.rfind(b"\n", 0, len(LOG) - 700) - 3  # in the middle of a line
    for fact in (HELLO, TARGET, newest(cut - 5000, cut), newest(cut, len(LOG))):
        session.feed(fact)
    whole = AheadSession()
    for fact in (HELLO, TARGET, newest(cut - 5000, len(LOG))):
        whole.feed(fact)
    assert session.shown.lines == whole.shown.lines
    assert list(shapes.export_lines(session.shown)) == list(shapes.export_lines(whole.shown))


def test_what_else_is_told_meanwhile_is_shown_with_it() -> None:
    session = AheadSession()
    for fact in (HELLO, TARGET, newest(len(LOG) - 5000, len(LOG))):
        session.feed(fact)
    session.feed(facts.MachineReading(8, 1.5, 1, 2, "/", 1, 2, 3.0))
    session.feed(facts.Trouble("link", "the connection was lost", "", 3.0))
    assert session.shown.machine == session.run.machine != None  # noqa: E711 - both, and there
    assert "link" in session.shown.troubles


def test_a_stream_that_began_anew_has_no_newest_part_any_more() -> None:
    session = AheadSession()
    for fact in (HELLO, TARGET, newest(len(LOG) - 5000, len(LOG))):
        session.feed(fact)
    session.feed(facts.Gap("train.log", 0, "truncated", 3.0))
    assert session.shown is session.run


@pytest.mark.parametrize("name", ["metrics.json", "events.out.tfevents.1", "other.log"])
def test_only_logs_that_are_watched_have_a_newest_part(name: str) -> None:
    session = AheadSession()
    target = TARGET._replace(streams=["train.log", "metrics.json", "events.out.tfevents.1"])
    for fact in (HELLO, target, newest(len(LOG) - 5000, len(LOG), name)):
        session.feed(fact)
    assert session.shown is session.run
