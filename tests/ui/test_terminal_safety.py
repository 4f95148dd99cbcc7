"""What a real terminal receives while everything foreign is hostile: nothing but our own sequences.

Not only must no canary stand behind an introducer: every control sequence in the whole output must
be one that this program has a reason to write.
"""

from __future__ import annotations

import base64
import re
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.ui.hostile import CANARY, PAYLOADS, log

OURS = re.compile(
    rb"\x1b\[(?:\d{1,4};\d{1,4})?H"  # move
    rb"|\x1b\[[\d;]*m"  # colours
    rb"|\x1b\[\?(?:1049|1000|1003|1015|1006|1016|25|1004|2004|7|2048|2026)[hl]"  # modes
    rb"|\x1b\[>\d+u|\x1b\[<u|\x1b\[\?(?:2026|2048)\$p"  # keyboard, questions
    rb"|\x1b\]22;[a-z]*\x07"  # pointer shape
    rb"|\x1b\]52;c;([A-Za-z0-9+/=]*)\x07"  # clipboard
)
FIRST_WORDS = 1500
ENTER = b"\x1b[?1049h"
HARMLESS = {"colour left on", "marks", "surrogate", "long"}
"""A colour may stay, and what is left of these is only text."""
INTRODUCERS = ("\x1b", "\x90", "\x98", "\x9b", "\x9d", "\x9e", "\x9f")


def foreign_controls(raw: bytes) -> list[str]:
    """Every character that a terminal would obey and that is none of our sequences."""
    text = OURS.sub(b"", raw).decode("utf-8")
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    found = {c for c in text if unicodedata.category(c) in unseen and c not in "\r\n"}
    return sorted(ascii(c) for c in found)


def orders_in_between(raw: bytes) -> list[bytes]:
    """Modes that are switched anywhere but in the first and the last words to the terminal.

    The first picture enters the other screen; Textual says so again when it takes over.
    """
    found = (
        m for m in OURS.finditer(raw) if b"\x1b[?" in m[0] or b"\x1b[>" in m[0] or b"<u" in m[0]
    )
    begun = raw.find(ENTER, 1) if raw.startswith(ENTER) else 0
    middle = (range(FIRST_WORDS, begun), range(begun + FIRST_WORDS, len(raw) - FIRST_WORDS))
    return [m[0] for m in found if any(m.start() in r for r in middle) and b"?2026" not in m[0]]


def clipboards(raw: bytes) -> list[str]:
    return [base64.b64decode(m[1]).decode("utf-8") for m in OURS.finditer(raw) if m[1] is not None]


def everything(terminal: Terminal) -> bytes:
    """All that is written until the command ends, which must be a good end."""
    parts: list[bytes] = []
    deadline = time.monotonic() + 300
    while terminal.process.poll() is None or parts[-1]:
        assert time.monotonic() < deadline
        parts.append(terminal.read(0.05))
        terminal.output = b""
    assert terminal.process.returncode == 0
    return b"".join(parts)


def assert_safe(raw: bytes) -> None:
    assert foreign_controls(raw) == []
    assert orders_in_between(raw) == []
    for place in re.finditer(CANARY.encode(), raw):
        before = OURS.sub(b"", raw[max(place.start() - 200, 0) : place.start()])
        assert not before.decode("utf-8", "ignore").endswith(INTRODUCERS)
    for copied in clipboards(raw):
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in copied), ascii(copied)


def test_the_check_itself_finds_each_payload() -> None:
    for name, payload in PAYLOADS.items():
        around = b" " * 2 * FIRST_WORDS
        raw = around + payload.format(CANARY).encode("utf-8", "replace") + around
        copied = any(CANARY in text for text in clipboards(raw))
        found = foreign_controls(raw) or orders_in_between(raw) or copied
        assert found or name in HARMLESS, name


def test_everything_foreign_is_harmless_on_every_page(tmp_path: Path) -> None:
    terminal = Terminal([sys.executable, "-m", "tests.ui.hostile"], environment(tmp_path), 160, 50)
    try:
        raw = everything(terminal)
    finally:
        terminal.close()
    assert raw.count(CANARY.encode()) > 20 * len(PAYLOADS)
    assert len(clipboards(raw)) >= len(PAYLOADS)
    assert_safe(raw)


@pytest.mark.parametrize("name", ["title", "unterminated", "bidirectional", "surrogate"])
def test_a_hostile_log_under_a_hostile_name(name: str, tmp_path: Path) -> None:
    text = PAYLOADS[name].format(CANARY).replace("/", "_").replace("\n", " ").replace("\0", "")
    folder = tmp_path / "logs"
    folder.mkdir()
    path = str(folder).encode() + b"/" + text.encode("utf-8", "surrogatepass") + b".log"
    with open(path, "wb") as file:
        file.writelines(
            log(payload.format(CANARY)) + b"\n" + bytes(range(256)) + b"\n"
            for payload in PAYLOADS.values()
        )
    words = [w.encode() for w in (*TRAINWATCH, "attach")]
    terminal = Terminal([*words, path], environment(tmp_path))  # type: ignore[list-item]
    try:
        terminal.until("following")
        terminal.type(f"/{CANARY}\r")
        terminal.until(CANARY)
        terminal.type("NNNNNNNNgq")
        assert terminal.wait() == 0
    finally:
        terminal.close()
    assert_safe(terminal.output)
