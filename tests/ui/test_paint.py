"""What reaches the terminal: only what changed, and nothing that could command it."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style as Ink
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from trainwatch.draw.rows import width
from trainwatch.read.clean import clean
from trainwatch.ui.codes import codes, printable
from trainwatch.ui.paint import Exact, exact

RED, BLUE = Ink.parse("#ff0000 on #000000"), Ink.parse("bold #0000ff on #000000")


def written(update: CompositorUpdate, colours: bool = True) -> str:
    painted = exact(update, colours)
    assert isinstance(painted, Exact)
    return painted.render_segments(Console(color_system="truecolor"))


def shown(raw: str) -> dict[tuple[int, int], str]:
    """(line, column) -> the text written there, styles left out."""
    parts = re.split(r"\x1b\[(\d+);(\d+)H", raw)[1:]
    places = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return {(int(y), int(x)): re.sub(r"\x1b\[[\d;]*m", "", text) for y, x, text in places}


def test_a_changed_span_is_written_alone() -> None:
    strip = Strip([Segment("abcdefghij", RED), Segment("klmno", BLUE)])
    update = ChopsUpdate([{0: strip}], [(0, 8, 12)], [[15]])
    assert shown(written(update)) == {(1, 9): "ijkl"}


def test_a_span_across_widgets_is_cut_from_each() -> None:
    left, right = Strip([Segment("aaaa", RED)]), Strip([Segment("bbbb", RED)])
    update = ChopsUpdate([{0: left, 4: right}], [(0, 2, 6)], [[4, 8]])
    assert shown(written(update)) == {(1, 3): "aa", (1, 5): "bb"}


def test_a_colour_is_set_when_it_changes_and_not_again() -> None:
    strips = [Strip([Segment("one ", RED), Segment("two", RED)]), Strip([Segment("three", RED)])]
    raw = written(LayoutUpdate([[s] for s in strips], Region(0, 0, 7, 2)))
    assert raw.count("38;2;255;0;0") == 1
    assert raw.endswith("\x1b[m")


def test_an_attribute_that_ends_does_not_leak() -> None:
    raw = written(
        LayoutUpdate([[Strip([Segment("x", BLUE), Segment("y", RED)])]], Region(0, 0, 2, 1))
    )
    after = raw[raw.index("x") + 1 : raw.index("y")]
    assert after == "\x1b[0;38;2;255;0;0;48;2;0;0;0m"


def test_no_colour_at_all_writes_no_colour() -> None:
    raw = written(LayoutUpdate([[Strip([Segment("x", BLUE)])]], Region(0, 0, 1, 1)), colours=False)
    assert re.findall(r"\x1b\[([\d;]*)m", raw) == ["1", ""]


def test_no_control_character_gets_through() -> None:
    hostile = "".join(
        chr(n) for n in (*range(32), *range(127, 160), 0x2028, 0x2029, 0x200B, 0x202E)
    )
    raw = written(LayoutUpdate([[Strip([Segment(hostile, None)])]], Region(0, 0, 9, 1)))
    text = re.sub(r"\x1b\[[\d;]*[Hm]", "", raw)
    assert all(c.isprintable() for c in text), ascii(text)
    assert printable("ordinary − text ★") == "ordinary − text ★"


def test_sixteen_colours_where_the_terminal_has_no_more() -> None:
    assert codes(RED, ColorSystem.STANDARD) == (frozenset(), "31", "40")


def test_what_follows_text_of_uncertain_width_stands_at_its_place() -> None:
    strip = Strip([Segment("go 🚀", RED), Segment("   ", RED), Segment("│", BLUE)], 9)
    raw = written(LayoutUpdate([[strip]], Region(4, 1, 9, 1)))
    plain = re.sub(r"\x1b\[[\d;]*m", "", raw)
    assert plain == "\x1b[2;5H     \x1b[2;5Hgo 🚀\x1b[2;10H   │"


def test_every_character_is_as_wide_for_us_as_for_the_layout() -> None:
    different = {
        c
        for code in range(32, 0x110000)
        if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs") and (c := clean(chr(code)))
        if width(c) != cell_len(c)
    }
    assert different == set()
