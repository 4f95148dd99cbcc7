"""The pictures are what a terminal showed: colours, places and characters survive."""

from __future__ import annotations

from tests.screenshots import ansi, svg


def test_colours_are_read_in_every_spelling() -> None:
    captured = "\x1b[31mred\x1b[38;5;196m256\x1b[38;2;1;2;3mtrue\x1b[39mplain"
    ((red, indexed, true, plain),) = ansi.lines(captured)
    assert [run.look.ink for run in (red, indexed, true, plain)] == [
        "#e06c75",
        "#ff0000",
        "#010203",
        ansi.INK,
    ]
    assert [run.column for run in (red, indexed, true, plain)] == [0, 3, 6, 10]


def test_a_look_lasts_over_the_end_of_a_line() -> None:
    _, (second,) = ansi.lines("\x1b[7;1mone\ntwo")
    assert second.look.bold
    assert second.look.colours == (ansi.PAPER, ansi.INK)


def test_letters_stand_on_their_cells_and_charts_are_shapes() -> None:
    drawn = svg.picture("a <b>\n⠁█", 10, 2)
    assert 'textLength="27"' in drawn  # three cells: <b>
    assert "&lt;b&gt;" in drawn
    assert drawn.count("<path") == 2
    assert "⠁" not in drawn
