"""Looks at a terminal, joined: a line is never told twice, and none is left out without a word."""

from __future__ import annotations

import random

import pytest

from trainwatch.probe.streams import shot
from trainwatch.probe.streams.shot import Shot


@pytest.mark.parametrize(
    ("grid", "lines", "cursor", "finished", "rest", "returned"),
    [
        (["$ ", ""], ["$ "], (2, 0), [], "$ ", False),
        (["one", "two", ""], ["one", "two"], (0, 2), ["one", "two"], "", False),
        (["one", "50%", ""], ["one", "50%"], (3, 1), ["one"], "50%", False),
        (["one", "50%", ""], ["one", "50%"], (0, 1), ["one"], "50%", True),
        (["one", "", "", ""], ["one"], (0, 3), ["one", "", ""], "", False),
        (["abc", "de", ""], ["abcde"], (2, 1), [], "abcde", False),
        (["0%", "0%", ""], ["0%", "0%"], (0, 0), ["0%", "0%"], "", False),
        (["", ""], [], (0, 0), [], "", False),
        (["a ", ""], ["a"], (4, 0), [], "a   ", False),
    ],
)
def test_what_a_terminal_tells(
    grid: list[str],
    lines: list[str],
    cursor: tuple[int, int],
    finished: list[str],
    rest: str,
    returned: bool,
) -> None:
    assert shot.of_terminal(grid, lines, cursor, 7) == Shot(finished, rest, returned, 7)


@pytest.mark.parametrize(
    ("data", "lines", "rest"),
    [
        (b"one\r\ntwo\r\nthr", ["one", "two"], "thr"),
        (b"10%\r20%\r30%", [], "30%"),
        (b"10%\r20%\r\n", ["20%"], ""),
        (b"\x1b[31mred\x1b[0m\n\x1b]0;title\x07x\n", ["red", "x"], ""),
        (b"a\tb\n", ["a       b"], ""),
        ("größe\n".encode(), ["größe"], ""),
    ],
)
def test_bytes_as_a_terminal_would_show_them(data: bytes, lines: list[str], rest: str) -> None:
    assert shot.rendered(data) == (lines, rest)


@pytest.mark.parametrize(
    ("rest", "fresh", "seen", "told"),
    [
        ("", ["a", "b"], Shot(["a", "b"], "c"), "a\nb\nc"),
        ("ab", [], Shot([], "abc"), "c"),
        ("10%", [], Shot([], "20%"), "\r20%"),
        ("10%", ["100%"], Shot(["100%"], ""), "\r100%\n"),
        ("lo", ["loss 1"], Shot(["loss 1"], "x"), "ss 1\nx"),
        ("x", [], Shot([], "x"), ""),
        ("", [], Shot([], "50%", returned=True), "50%\r"),
    ],
)
def test_what_leads_from_one_look_to_the_next(
    rest: str, fresh: list[str], seen: Shot, told: str
) -> None:
    assert shot.update(rest, fresh, seen) == told


def test_a_line_of_which_only_the_end_is_known() -> None:
    seen = Shot(["first", "second", "third"], "")
    assert shot.begins(["cond"], True, seen) == 2
    assert shot.begins(["cond"], False, seen) == -1
    assert shot.begins(["rst", "second"], True, seen) == 2


def test_nothing_fits_when_the_terminal_was_cleared_or_ran_too_far() -> None:
    assert shot.begins(["a", "b"], False, Shot(["c", "d"], "")) == -1
    known = [f"line {k}" for k in range(20)]
    cleared = Shot([*known[:10], "new"], "")
    assert shot.begins(known, False, cleared) == -1
    assert shot.last_known(known, cleared) == 10, "what was told is not told again"
    assert shot.last_known(known, Shot(["new"], "")) == 0


class Screen:
    """The simplest terminal: a history of so many lines, and what somebody who looks gets."""

    def __init__(self, limit: int) -> None:
        self.lines: list[str] = []
        self.rest = ""
        self.limit = limit
        self.rows = 0

    def write(self, text: str) -> None:
        for k, part in enumerate(text.split("\n")):
            if k:
                self.lines.append(self.rest.rstrip())
                self.rest = ""
                self.rows += 1
            self.rest = part if "\r" in part else self.rest + part
            self.rest = self.rest.rpartition("\r")[2]
        del self.lines[: -self.limit]

    def look(self) -> Shot:
        return Shot(list(self.lines), self.rest, rows=self.rows)


@pytest.mark.parametrize("seed", range(300))
def test_looks_at_any_moment_add_up_to_what_was_written(seed: int) -> None:
    """Whatever is written in whatever pieces: the told bytes render to the very lines, once each.

    Lines repeat, so that what was told before cannot be known by its words alone.
    """
    chance = random.Random(seed)
    words = ["loss 1", "loss 2", "", ".", "step", "50%\r60%", "a longer line with many words"]
    screen = Screen(limit=400)
    told, rows = b"", 0
    written = ""
    for _ in range(chance.randrange(1, 30)):
        text = "".join(
            chance.choice(words) + chance.choice(["\n", "\n", " ", ""])
            for _ in range(chance.randrange(0, 12))
        )
        written += text
        screen.write(text)
        seen, fresh = screen.look(), 0
        lines, rest = shot.rendered(told)
        if told and (lines or not shot.goes_on(rest, seen)):
            fresh = shot.begins(lines, False, seen, seen.rows - rows)
            assert fresh >= 0 or not lines
            fresh = max(fresh, 0)
        told += shot.update(rest, seen.lines[fresh:], seen).encode()
        rows = seen.rows
    lines, rest = shot.rendered(told)
    assert lines == screen.lines
    assert rest.rstrip() == screen.rest.rstrip()
