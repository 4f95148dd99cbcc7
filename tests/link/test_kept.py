"""What is kept of a stream to scroll back in: the newest bytes, and never more than two parts."""

from __future__ import annotations

import random

from trainwatch.link.kept import Kept


def test_what_was_added_is_read_back_across_the_parts() -> None:
    dice, stream = random.Random(3), random.Random(4).randbytes(900)
    kept = Kept(part=100)
    while kept.end < len(stream):
        kept.add(stream[kept.end : kept.end + dice.randint(1, 40)])
        assert kept.end - kept.start <= 2 * 140
        for _ in range(5):
            at, length = dice.randint(kept.start, kept.end), dice.randint(0, 300)
            assert kept.read(at, length) == stream[at : min(at + length, kept.end)]
    kept.close()


def test_what_has_gone_is_nothing_and_that_it_went_is_told() -> None:
    kept = Kept(part=10)
    assert [kept.add(b"0123456789") for _ in range(4)] == [False, False, True, True]
    assert kept.start == 20
    assert kept.read(5, 30) == b""
    assert kept.read(20, 99) == b"0123456789" * 2
    kept.close()
