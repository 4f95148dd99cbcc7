"""The canvas equals a raster that sets dot by dot."""

from __future__ import annotations

import random

import pytest

from trainwatch.draw.cells import BRAILLE, Canvas, span
from trainwatch.draw.glyphs import suited
from trainwatch.draw.rows import Row, Style, plain, width

STYLES: tuple[Style, ...] = ("train-raw", "train", "eval", "best", "other")
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def naive(
    layers: list[tuple[list[int], Style]], columns: int, lines: int
) -> list[list[tuple[str, str]]]:
    """Character and style of every cell, one dot at a time."""
    cells: list[list[tuple[int, str]]] = [[(0, "")] * columns for _ in range(lines)]
    for layer, style in layers:
        for y in range(lines):
            for x in range(columns):
                pattern = 0
                for dy in range(4):
                    for dx in range(2):
                        at = 2 * x + dx
                        if at < len(layer) and layer[at] >> (4 * y + dy) & 1:
                            pattern |= BITS[dy][dx]
                if pattern:
                    cells[y][x] = (pattern, style)
    return [[(chr(0x2800 + p) if p else " ", s if p else "") for p, s in row] for row in cells]


def spread(rows: list[Row]) -> list[list[tuple[str, str]]]:
    """Character and style of every cell; a blank has no style."""
    return [[(c, str(s) if c != " " else "") for text, s in row for c in text] for row in rows]


@pytest.mark.parametrize("seed", range(60))
def test_any_layers_look_like_the_naive_raster(seed: int) -> None:
    rng = random.Random(seed)
    columns, lines = rng.randint(1, 40), rng.randint(1, 20)
    layers: list[tuple[list[int], Style]] = []
    for _ in range(rng.randint(0, 5)):
        style = rng.choice(STYLES)
        filled = rng.randint(0, 2 * columns + 3)
        layer = []
        for _ in range(filled):
            top = rng.randint(0, 4 * lines - 1)
            layer.append(rng.choice((0, span(top, top + rng.randint(0, 9)), rng.getrandbits(90))))
        layers.append((layer, style))
    canvas = Canvas(columns, lines)
    for layer, style in layers:
        canvas.paint(layer, style)
    assert spread(canvas.rows()) == naive(layers, columns, lines)


def test_a_glyph_stands_over_the_dots() -> None:
    canvas = Canvas(3, 1)
    canvas.paint([15] * 6, "train")
    canvas.put(1, 0, "◆", "eval")
    assert canvas.rows() == [[("⣿", "train"), ("◆", "eval"), ("⣿", "train")]]


def test_a_glyph_outside_is_dropped() -> None:
    canvas = Canvas(2, 1)
    for x, y in ((-1, 0), (2, 0), (0, -1), (0, 1)):
        canvas.put(x, y, "◆", "eval")
    assert plain(canvas.rows()) == ""


def test_blanks_join_the_run_before_them() -> None:
    canvas = Canvas(5, 1)
    canvas.paint([0, 0, 1, 0, 0, 0, 1], "train")
    assert canvas.rows() == [[(" ⠁ ⠁ ", "train")]]


@pytest.mark.parametrize(("columns", "lines"), [(0, 0), (0, 3), (3, 0), (-1, -1)])
def test_a_canvas_without_cells_has_empty_rows(columns: int, lines: int) -> None:
    canvas = Canvas(columns, lines)
    canvas.paint([1, 1], "train")
    assert canvas.rows() == [[]] * max(lines, 0)


@pytest.mark.parametrize(("top", "bottom", "dots"), [(0, 0, 1), (1, 3, 14), (3, 1, 0)])
def test_a_span_holds_both_ends(top: int, bottom: int, dots: int) -> None:
    assert span(top, bottom) == dots


def test_poorer_terminals_get_one_character_for_one() -> None:
    picture: list[Row] = [[(BRAILLE, "train"), ("╭─◆★▴▏▎▍▌▋▊▉█━╸é日本…−×", "text")]]
    for glyphs in ("block", "ascii"):
        poorer = suited(picture, glyphs)
        assert [width(text) for text, _ in poorer[0]] == [width(text) for text, _ in picture[0]]
    assert all(text.isascii() for text, _ in suited(picture, "ascii")[0])


def test_a_line_stays_a_line_in_ascii() -> None:
    canvas = Canvas(4, 2)
    canvas.paint(
        [span(0, 0), span(1, 1), span(2, 2), span(3, 3), span(4, 5), 1 << 6, 1 << 7, 1 << 7],
        "train",
    )
    assert plain(suited(canvas.rows(), "ascii")) == "'.\n  |_"
