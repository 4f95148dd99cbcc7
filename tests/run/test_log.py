"""The lines of the log: found by number, by place, by search, with bounded memory."""

from __future__ import annotations

from random import Random

import pytest

from trainwatch.facts import Chunk, FileBytes, Gap
from trainwatch.run import log as module
from trainwatch.run.log import Log

SOURCE = "output.log"


def fed(data: bytes, seed: int = 0, most: int = 50) -> Log:
    log, random, at = Log(), Random(seed), 0
    while at < len(data):
        piece = data[at : at + random.randint(1, most)]
        log.apply(Chunk(SOURCE, at, piece, 1.0))
        at += len(piece)
    return log


@pytest.mark.parametrize("seed", range(8))
def test_lines_are_the_same_in_any_chunking(seed: int) -> None:
    data = b"one\ntwo\r\n\n 0%|  |\r 50%|# |\r100%|##|\nlast: \xe2\x82\xac\nunfinished"
    log = fed(data, seed, 1 + 9 * seed)
    assert log.window(0, 9) == ["one", "two", "", "100%|##|", "last: €"]
    assert (log.lines, log.live) == (5, "unfinished")
    assert [log.start(i) for i in range(4)] == [0, 4, 9, 27]


def test_a_bar_that_is_being_redrawn_is_the_live_line() -> None:
    assert fed(b"loss 1\n 10%|#  |\r 20%|## |").live == " 20%|## |"


def test_a_line_is_found_by_its_place_in_the_source() -> None:
    log = fed(b"".join(b"line %d\n" % i for i in range(2000)), most=5000)
    for line in (0, 1, 777, 1999):
        start = log.start(line)
        assert log.line_at(SOURCE, start) == log.line_at(SOURCE, start + 3) == line
    assert log.line_at("other", 5) is None


def test_after_a_gap_places_mean_the_new_writing() -> None:
    log = fed(b"old one\nold two\nold thr")
    log.gap(Gap(SOURCE, 0, "truncated", 1.0))
    log.apply(Chunk(SOURCE, 0, b"new\n", 1.0))
    assert log.window(0, 9)[-1] == "new"
    assert log.lines == 3
    assert log.window(2, 1) == ["new"]


def test_old_bytes_go_and_come_back_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESIDENT", 1000)
    data = b"".join(b"line %06d\n" % i for i in range(1000))
    log = fed(data, most=100)
    assert log.lines == 1000
    assert log.window(0, 1) == [None]
    assert log.window(999, 1) == ["line 000999"]
    assert log.search("line 000001", 0) is None
    assert log.answer(FileBytes(SOURCE, 0, data[:30], len(data), 1.0, 1.0))
    assert log.window(0, 3) == ["line 000000", "line 000001", None]
    assert log.search("line 000001", 0) == 1
    assert not log.answer(FileBytes("/out/trainer_state.json", 0, b"{}", 2, 1.0, 1.0))


def test_what_was_asked_for_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESIDENT", 10)
    monkeypatch.setattr(module, "ANSWERED", 100)
    data = b"".join(b"%04d\n" % i for i in range(1000))
    log = fed(data, most=9)
    for at in range(0, 4000, 50):
        log.answer(FileBytes(SOURCE, at, data[at : at + 50], len(data), 1.0, 1.0))
    at_hand = [t for t in log.window(0, 900) if t is not None]
    assert 0 < len(at_hand) <= 25


def test_a_search_goes_either_way_and_takes_a_broken_expression_as_text() -> None:
    log = fed(b"loss 1\nerror (\nloss 2\nERROR (\n")
    assert log.search("error", 0) == 1
    assert log.search("error", 2) == 3
    assert log.search("error", 2, backwards=True) == 1
    assert log.search("error (", 0) == 1
    assert log.search("nothing", 0) is None


def test_an_endless_line_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESIDENT", 1000)
    log = fed(b"x" * 50_000, most=2000)
    assert log.lines == 0
    assert len(log.live) <= module.LIVE
    log.apply(Chunk(SOURCE, 50_000, b"\nnext\n", 1.0))
    assert log.lines == 2
    assert log.window(1, 1) == ["next"]


def test_lines_of_several_streams_stand_in_the_order_of_their_ends() -> None:
    log = Log()
    log.apply(Chunk("out", 0, b"a\nb", 1.0))
    log.apply(Chunk("err", 0, b"c\n", 1.0))
    log.apply(Chunk("out", 3, b"!\n", 1.0))
    assert log.window(0, 3) == ["a", "c", "b!"]
    assert [log.stream(i) for i in range(3)] == ["out", "err", "out"]
    assert log.line_at("out", 2) == 2
