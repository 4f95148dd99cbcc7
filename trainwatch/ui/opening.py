"""The first picture, on the terminal before Textual is there.

The law of this file: it imports no Textual. What it shows stands exactly where the screen will have
it, in the same colours, so that nothing moves when the screen takes over: tests compare the two. What
it cannot know yet it leaves blank.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.color import Color, ColorSystem
from rich.color_triplet import ColorTriplet
from rich.style import Style as Ink

from trainwatch.draw import chart, gap, header, loss
from trainwatch.draw.frame import framed
from trainwatch.draw.glyphs import suited
from trainwatch.draw.plot import ChartView, settled
from trainwatch.ui.codes import change, codes, printable
from trainwatch.ui.palette import PALETTES, STRONGER, TONES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwatch.draw.rows import Row
    from trainwatch.run.run import Run
    from trainwatch.ui.app import Options

_ALTERNATE: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen of the terminal, no cursor, no wrapping (xterm's control sequences)."""
_SYSTEMS: Final = {
    "256color": ColorSystem.EIGHT_BIT,
    "kitty": ColorSystem.EIGHT_BIT,
    "16color": ColorSystem.STANDARD,
}


class Place(NamedTuple):
    """A rectangle of the terminal."""

    x: int
    y: int
    columns: int
    lines: int


def show(run: Run, options: Options, now: float) -> bool:
    """Paint the header, the loss and the gap; False where that cannot be known without Textual."""
    columns, lines = shutil.get_terminal_size()
    where = places(columns, lines)
    inks = inked(options.theme, options.colours)
    if not where or not inks:
        return False
    _be_quiet()
    painted = [(where[name], rows) for name, rows in pictures(run, options, now, where).items()]
    text = _ALTERNATE + _ground(inks, columns, lines, options.colours)
    text += "".join(_painted(place, rows, inks, options.colours) for place, rows in painted)
    with suppress(OSError):
        os.write(1, text.encode("utf-8", "replace"))
    return True


def places(columns: int, lines: int) -> dict[str, Place]:
    """Where the style sheet will put them; nowhere on a small terminal."""
    if columns < 60 or lines < 22:
        return {}
    if columns < 110:
        return {
            "header": Place(0, 0, columns, 2),
            "loss": Place(0, 3, columns, lines - 8),
            "gap": Place(0, lines - 5, columns, 4),
        }
    left = columns - max(56, min(columns * 34 // 100, 76))
    log = max(3, min(lines // 4, 16))
    return {
        "header": Place(0, 0, columns, 2),
        "loss": Place(0, 2, left, lines - 8 - log),
        "gap": Place(0, lines - 6 - log, left, 5),
    }


def pictures(
    run: Run, options: Options, now: float, where: Mapping[str, Place]
) -> dict[str, list[Row]]:
    """What stands there."""
    place = where["header"]
    view = header.HeaderView(time.localtime().tm_gmtoff, "journal" if options.replay else "")
    rows = {"header": header.rows(run, view, place.columns, place.lines, now)}
    plot = loss.plot(run, now)
    if plot.line is None:
        plot = replace(plot, empty=("reading",))  # what was printed is only on its way
    _, _, columns, lines = where["loss"]
    curve = settled(ChartView(smoothing=options.smoothing), plot)
    rows["loss"] = framed(
        chart.draw(plot, curve, columns - 2, lines - 2), columns, lines, focused=True
    )
    _, _, columns, lines = where["gap"]
    rows["gap"] = framed(gap.draw(run, columns - 2, lines - 2, now), columns, lines)
    return {name: suited(drawn, options.glyphs) for name, drawn in rows.items()}


def inked(theme: str, colours: bool) -> dict[str, Ink]:
    """What each style looks like; nothing for a theme that only Textual knows."""
    if not colours:
        return {name: Ink.parse(attributes) for name, (_, _, attributes) in TONES.items()}
    if theme not in PALETTES:
        return {}
    known = {name: Color.parse(value).get_truecolor() for name, value in PALETTES[theme].items()}
    ground = known["background"]
    more = STRONGER.get(theme, 1.0)
    return {
        name: Ink.parse(attributes.replace("dim", ""))
        + Ink(
            color=Color.from_triplet(_blended(ground, known[colour], min(1.0, strength * more))),
            bgcolor=Color.from_triplet(ground),
        )
        for name, (colour, strength, attributes) in TONES.items()
    }


def _blended(ground: ColorTriplet, colour: ColorTriplet, strength: float) -> ColorTriplet:
    return ColorTriplet(*(int(g + (c - g) * strength) for g, c in zip(ground, colour, strict=True)))


def _ground(inks: Mapping[str, Ink], columns: int, lines: int, colours: bool) -> str:
    """The whole terminal in the colour of the background."""
    blank: list[Row] = [[(" " * columns, "text")]] * lines
    return _painted(Place(0, 0, columns, lines), blank, inks, colours)


def _painted(place: Place, rows: list[Row], inks: Mapping[str, Ink], colours: bool) -> str:
    system = _system() if colours else None
    out: list[str] = []
    shown = codes(Ink.null(), system)
    for y, row in enumerate(rows, place.y + 1):
        out.append(f"\x1b[{y};{place.x + 1}H")
        for text, style in row:
            wanted = codes(inks.get(str(style), inks["text"]), system)
            out += [change(shown, wanted), printable(text)]
            shown = wanted
    return "".join(out) + "\x1b[m"


def _system() -> ColorSystem:
    """How many colours the terminal has, told as Rich reads it."""
    if os.environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    term = os.environ.get("TERM", "").strip().lower().rpartition("-")[2]
    return _SYSTEMS.get(term, ColorSystem.STANDARD)


def _be_quiet() -> None:
    """Keys typed from now on are kept for the screen and not shown by the terminal."""
    import termios  # noqa: PLC0415 - as Textual: not where there are no terminals

    with suppress(OSError, termios.error):
        modes = termios.tcgetattr(0)
        modes[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(0, termios.TCSANOW, modes)
