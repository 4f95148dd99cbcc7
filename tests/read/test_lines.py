"""The same lines at the same offsets, whatever the chunks."""

from __future__ import annotations

import random

import pytest

from trainwatch.read.lines import LINE_CAP, Blocks, Line


def lines_of(data: bytes, cuts: list[int] | None = None) -> list[Line]:
    blocks, start = Blocks(), 0
    found: list[Line] = []
    for end in [*(cuts or []), len(data)]:
        for block in blocks.feed(start, data[start:end]):
            found += block.lines()
        start = end
    rest = blocks.break_off()
    return found + list(rest.lines() if rest else ())


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\n", [(0, b"a"), (2, b"b")]),
        (b"a\r\nb", [(0, b"a"), (3, b"b")]),
        (b"1/3\r2/3\r3/3\n", [(0, b"1/3"), (4, b"2/3"), (8, b"3/3")]),
        (b"bar\x1b[A\n\rnext", [(0, b"bar"), (8, b"next")]),
        (b"abc\x08\x08\x08\rdef\n", [(0, b"abc"), (7, b"def")]),
        (b"a\0\0\0\0b\n", [(0, b"a"), (5, b"b")]),
        (b"\n\n\nx\n", [(3, b"x")]),
        (b"in\x1b[Kline\n", [(0, b"in\x1b[Kline")]),
        (b"\x1b[1A\x1b[2Kframe\n", [(4, b"\x1b[2Kframe")]),
    ],
)
def test_where_lines_end(data: bytes, lines: list[tuple[int, bytes]]) -> None:
    assert lines_of(data) == [Line(*line) for line in lines]


def test_escapes_are_no_text() -> None:
    assert Line(0, b"\x1b[2K\x1b[1;32mloss\x1b[0m 3 \xe2\x96\xbc\xff").text == "loss 3 ▼\ufffd"


def test_any_chunking_gives_the_same_lines() -> None:
    rng = random.Random(3)
    parts = [
        b"\n",
        b"\r",
        b"\r\n",
        b"\x1b[A",
        b"\x08\x08",
        b"\0\0",
        b"loss",
        b" 1.5",
        "▎█".encode(),
    ]
    for _ in range(3_000):
        data = b"".join(rng.choices(parts, k=rng.randrange(30)))
        cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(8)))
        assert lines_of(data, cuts) == lines_of(data)


def test_a_line_without_end_is_kept_up_to_the_cap_and_counted() -> None:
    blocks = Blocks()
    for i in range(5):
        assert blocks.feed(i << 20, b"x" * (1 << 20)) == []
    assert blocks.missed == 4 << 20
    (long, rest) = blocks.feed(5 << 20, b"x\nnext\n")
    assert [len(line.data) for line in long.lines()] == [LINE_CAP]
    assert list(rest.lines()) == [Line((5 << 20) + 2, b"next")]


def test_a_hole_in_the_file_does_not_swallow_what_follows() -> None:
    blocks = Blocks()
    for i in range(4):
        blocks.feed(i << 20, b"\0" * (1 << 20))
    (block,) = blocks.feed(4 << 20, b"loss\n")
    assert list(block.lines()) == [Line(4 << 20, b"loss")]


def test_the_unfinished_line_can_be_looked_at() -> None:
    blocks = Blocks()
    blocks.feed(0, b"done\n 3/36 [")
    assert blocks.live() == Line(5, b" 3/36 [")
    (block,) = blocks.feed(12, b"00:01]\x1b[A 4")
    assert list(block.lines()) == [Line(5, b" 3/36 [00:01]")]
    assert blocks.live() == Line(21, b" 4")
