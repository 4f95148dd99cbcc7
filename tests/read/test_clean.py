"""What leaves the sanitiser is harmless, whatever came in."""

from __future__ import annotations

import random
import unicodedata

import pytest

from trainwatch.read.clean import PLAIN, Sgr, clean, clean_styled

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x9d52;c;ZXZpbA==\x9cb", "ab"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x1b_Gf=32\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("cut \x1b[3", "cut "),
        ("cut \x1b]0;never ends", "cut "),
        ("\x1bc", "␛c"),
        ("\x1b(B\x1b[m", ""),
        ("bell\x07", "bell␇"),
        ("a\rb\nc", "a␍b␊c"),
        ("del\x7f c1\x85", "del\ufffd c1\ufffd"),
        ("\u202eevil\u2066", "·evil·"),
        ("zero\u200bwidth\ufeff", "zero·width·"),
        ("tag\U000e0041", "tag·"),
        ("line\u2028para\u2029", "line·para·"),
        ("\ud800", "\ufffd"),
        ("a\tb", "a       b"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("\u0301lone", "lone"),
        ("⚠\ufe0f", "⚠"),
        ("日本語 ▎█", "日本語 ▎█"),
    ],
)
def test_each_class_of_payload(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_random_strings_leave_nothing_hidden_and_cleaning_twice_changes_nothing() -> None:
    rng = random.Random(7)
    alphabet = [chr(i) for i in range(0xA1)] + list("\x1b" * 20 + "[]PX^_\\m;0123;" * 3)
    alphabet += list("\u202e\u200b\ufeff\u2028\u0301\u0301\U000e0041\ud800\ufe0f\ufffe\xad😀日")
    for _ in range(200_000):
        raw = "".join(rng.choices(alphabet, k=rng.randrange(16)))
        limit = rng.choice((4096, 12, 5, 1))
        safe = clean(raw, limit)
        assert not any(unicodedata.category(c) in HIDDEN for c in safe), (raw, safe)
        assert clean(safe, limit) == safe, raw
        assert len(safe) <= limit


@pytest.mark.parametrize(
    "unit", ["\x1b[", "\x1b]", "\x1b[1;2", "\x9b1m", "\u0301", "\t", "a\x1b[", "\x1b[1mx", "x"]
)
def test_a_bomb_is_cut(unit: str) -> None:
    assert len(clean(unit * (4_000_000 // len(unit)))) <= 4096


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    assert clean("x" * 100, 10) == "x" * 9 + "…"


def test_colours_survive_as_values_only() -> None:
    assert clean_styled("\x1b[1;32mok\x1b[0m \x1b[38;5;244m10\x1b[38;2;1;2;3;49mx") == [
        ("ok", Sgr(fore=2, bold=True)),
        (" ", PLAIN),
        ("10", Sgr(fore=244)),
        ("x", Sgr(fore=(1, 2, 3))),
    ]


def test_bright_colours_and_switches() -> None:
    assert clean_styled("\x1b[95;102;3mA\x1b[23;39mB") == [
        ("A", Sgr(fore=13, back=10, italic=True)),
        ("B", Sgr(back=10)),
    ]
    assert clean_styled("\x1b[>4;2mA\x1b[?25hB\x1b[31KC") == [("ABC", PLAIN)]
