"""A probe that lies, floods or dies: the client stays as it is, and stays small."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwatch import facts, wire
from trainwatch.link.child import ChildLink
from trainwatch.link.door import Door
from trainwatch.link.inbox import MAX_BYTES, Inbox

_SAY = """
import os, sys
sys.path.insert(0, {home!r})
from trainwatch import facts, wire
from trainwatch.probe.main import hello
def say(data):
    while data:
        data = data[os.write(1, data):]
say(wire.MAGIC + wire.encode(hello()))
{body}
"""
HOME = str(Path(__file__).parents[2])


def probe(body: str) -> Door:
    return Door([sys.executable, "-c", _SAY.format(home=HOME, body=body)])


@pytest.fixture
def links() -> Iterator[list[ChildLink]]:
    made: list[ChildLink] = []
    yield made
    for link in made:
        link.close()


def told(link: ChildLink, seconds: float = 30.0) -> list[str]:
    """Troubles of the link, up to the first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        link.wait(0.5)
        found = [f.text for f in link.take(100) if isinstance(f, facts.Trouble) and f.text]
        if found:
            return found
    return []


@pytest.mark.parametrize(
    "body",
    [
        "say(b'\\xff' * 64)",
        "say(b'\\0\\0\\0\\x02\\0\\0\\0\\0{}')",
        "say(wire.encode(facts.Pong(1.0)).replace(b'1.0', b'[1]'))",
        "say(wire.encode(facts.Pong(1.0)).replace(b'Pong', b'Pung'))",
        "say(wire.encode(facts.Pong(1.0))[:-1]); os._exit(3)",
        "os.kill(os.getpid(), 9)",
    ],
    ids=["length", "nothing", "type", "kind", "cut", "death"],
)
def test_a_probe_that_makes_no_sense_is_told_and_started_anew(
    body: str, links: list[ChildLink]
) -> None:
    link = ChildLink(probe(body))
    links.append(link)
    link.open(lambda: None)
    assert told(link)
    assert not link.closed


@pytest.mark.parametrize(
    "fact",
    [
        "facts.Chunk('log', 0, b'x' * (1 << 20), 1.0)",
        "facts.Listing('/', [facts.Entry('p' * 100, 'file', 1, 1, 1.0, 1, 1)] * 10000, True, 1.0)",
        "facts.Trouble('x', 't' * (1 << 20), '', 1.0)",
        "facts.Pong(1.0)",
    ],
    ids=["chunks", "listings", "texts", "pongs"],
)
def test_a_flood_waits_in_the_pipe(fact: str, links: list[ChildLink]) -> None:
    link = ChildLink(probe(f"flood = wire.encode({fact})\nwhile True: say(flood)"))
    links.append(link)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    link.open(lambda: None)
    full = threading.Event()
    deadline = time.monotonic() + 20
    while not link._inbox.full and time.monotonic() < deadline:
        full.wait(0.05)
    assert link._inbox.full
    full.wait(0.5)
    assert link._inbox._bytes <= MAX_BYTES + wire.MAX_RAW + 8 * wire.MAX_HEADER
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_an_inbox_knows_what_is_in_it() -> None:
    inbox = Inbox()
    entry = facts.Entry("checkpoint", "file", 1, 1, 1.0, 1, 1)
    inbox.put([facts.Listing("/", [entry] * 20_000, True, 1.0), facts.Pong(1.0)])
    states = [inbox.full, len(inbox.take(10)), inbox.full, inbox._bytes]
    assert states == [True, 2, False, 0]
