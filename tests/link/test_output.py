"""The log of a container: whatever comes again after a new start is dropped, nothing else is."""

from __future__ import annotations

import random

import pytest

from trainwatch.link.output import Lines

ZONES = ("Z", "+00:00")


def log(seed: int) -> list[tuple[int, str]]:
    """Lines with their times in units of 0.1 s; many share one, as fast writers do."""
    draw = random.Random(seed)
    time, found = 0, []
    for number in range(200):
        time += draw.choice((0, 0, 0, 1, 7, 30))
        found.append((time, f"line {number}" if number % 7 else ""))
    return found


def written(time: int, text: str, zone: str) -> bytes:
    minutes, tenths = divmod(time, 600)
    fraction = f".{tenths % 10}" if tenths % 10 else ""  # Kubernetes leaves zeros out
    return f"2026-01-01T00:{minutes:02}:{tenths // 10:02}{fraction}{zone} {text}\n".encode()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_every_line_comes_once_wherever_it_breaks_off(seed: int, coarse: bool, zone: str) -> None:
    draw, whole = random.Random(seed), log(seed)
    lines, got, until = Lines(), b"", 0
    while until < len(whole) or not got.endswith(b"line 199\n"):
        until = min(len(whole), until + draw.randrange(1, 40))
        since = lines.since.replace("+00:00", "").replace("Z", "")
        since = since[:19] if coarse else since
        sent = b"".join(
            line
            for time, text in whole[:until]
            if (line := written(time, text, zone)).decode() >= since
        )
        cut = len(sent) if until == len(whole) else draw.randrange(len(sent) + 1)
        lines.begin()
        for start in range(0, cut, 50):
            got += lines.feed(sent[start : min(start + 50, cut)])
    assert got.decode().splitlines() == [text for _, text in whole]


def test_what_the_engine_itself_says_is_no_line_of_the_log() -> None:
    lines = Lines()
    lines.begin()
    assert lines.feed(b"2026-01-01T00:00:00Z one\nerror: stream closed\n") == b"one\n"
    assert lines.words == "error: stream closed"


def test_a_line_without_end_does_not_fill_memory() -> None:
    lines = Lines()
    lines.begin()
    for _ in range(64):
        lines.feed(b"x" * (1 << 18))
        assert len(lines._rest) <= 1 << 20


def test_a_time_that_cannot_be_is_no_time() -> None:
    lines = Lines()
    lines.begin()
    assert lines.feed(b"2026-99-99T00:00:00Z one\n") == b""
