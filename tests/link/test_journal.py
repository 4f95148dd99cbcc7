"""Recording and replaying: the same facts, at any speed, up to any cut."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trainwatch import facts, wire
from trainwatch.link.inbox import MAX_FACTS
from trainwatch.link.journal import JournalLink

HELLO = facts.Hello(wire.VERSION, "0.1.0", "3.11.0", "box", "Linux", "", 1, 1000.0)
STORY: list[Any] = [
    HELLO,
    facts.Chunk("output.log", 0, b"one\n", 1000.0),
    facts.CaughtUp(1000.0),
    facts.Chunk("output.log", 4, b"two\n", 1000.1),
    facts.Pong(1000.05),  # another thread's time may come late
    facts.Ended(0, None, "", 1000.2),
]


def bytes_of(story: list[Any]) -> bytes:
    return wire.MAGIC + b"".join(map(wire.encode, story))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "run.tw"
    path.write_bytes(bytes_of(STORY))
    return path


@contextmanager
def playing(path: Path, speed: float) -> Iterator[JournalLink]:
    link = JournalLink(path, speed)
    link.open(lambda: None)
    yield link
    link.close()


def everything(link: JournalLink) -> list[Any]:
    found: list[Any] = []
    while not link.closed:
        assert link.wait(20)
        found += link.take(100)
    return found


@pytest.mark.parametrize("speed", [0, 1, 1000])
def test_a_replay_gives_the_same_facts(journal: Path, speed: float) -> None:
    with playing(journal, speed) as link:
        assert everything(link) == STORY


@pytest.mark.parametrize(("speed", "least"), [(1, 0.2), (4, 0.05)])
def test_time_passes_as_it_was_recorded(journal: Path, speed: float, least: float) -> None:
    began = time.monotonic()
    with playing(journal, speed) as link:
        everything(link)
    assert time.monotonic() - began >= least


def test_closing_does_not_wait_for_the_recorded_time(tmp_path: Path) -> None:
    path = tmp_path / "long.tw"
    path.write_bytes(bytes_of([HELLO, HELLO._replace(at=9e9)]))
    with playing(path, 1) as link:
        assert link.wait(20)
    assert link.take(9) == [HELLO]


def test_a_journal_cut_anywhere_is_played_up_to_the_cut(tmp_path: Path, journal: Path) -> None:
    whole = journal.read_bytes()
    whole_frames = {len(bytes_of(STORY[:n])): STORY[:n] for n in range(len(STORY) + 1)}
    path = tmp_path / "cut.tw"
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        with playing(path, 0) as link:
            *played, last = [*everything(link), None]
        if cut in whole_frames:
            assert played == whole_frames[cut]
            continue
        assert isinstance(played[-1], facts.Trouble)
        assert played[:-1] == STORY[: len(played) - 1]
        assert played[-1].where == ("journal" if len(played) > 1 else "target")
        assert last is None


def test_damage_in_the_middle_is_named(tmp_path: Path, journal: Path) -> None:
    path = tmp_path / "damaged.tw"
    path.write_bytes(bytes_of(STORY[:3]) + b"\xff" * 20 + bytes_of(STORY[3:]))
    with playing(path, 0) as link:
        found = everything(link)
    assert found[:3] == STORY[:3]
    assert "damaged" in found[3].text
    assert len(found) == 4


@pytest.mark.parametrize("content", [b"", b"step 1 loss 2\n", wire.MAGIC[:3]])
def test_what_is_no_journal_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(content)
    with playing(path, 1) as link:
        (trouble,) = everything(link)
    assert trouble.where == "target"
    assert "not a journal" in trouble.text


def test_a_missing_journal_is_refused_in_words(tmp_path: Path) -> None:
    with playing(tmp_path / "none.tw", 1) as link:
        (trouble,) = everything(link)
    assert trouble.where == "target"
    assert "No such file" in trouble.text


def test_requests_and_parts_of_facts_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "lie.tw"
    path.write_bytes(bytes_of([HELLO, facts.Ping(), facts.Want("*", 0, 0), STORY[1]]))
    with playing(path, 1) as link:
        assert everything(link) == [HELLO, STORY[1]]


def test_a_long_journal_waits_for_whoever_takes(tmp_path: Path) -> None:
    path = tmp_path / "many.tw"
    many = [facts.Pong(1000.0 + n) for n in range(5 * MAX_FACTS)]
    path.write_bytes(bytes_of([HELLO, *many]))
    with playing(path, 0) as link:
        assert everything(link) == [HELLO, *many]


def test_waking_happens_only_when_nothing_waited(journal: Path) -> None:
    rung: list[int] = []
    link = JournalLink(journal, 0)
    link.open(lambda: rung.append(1))
    while not link.closed:
        link.wait(20)
        link.take(1)
    link.close()
    assert 1 <= len(rung) <= len(STORY) + 1
