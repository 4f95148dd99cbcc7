"""One frame as text: for pipes, for ``status`` and for whoever has no screen.

The law of this file: what is printed once is drawn by plotext, from at most two values per column;
this is the one file that imports it, when it is needed. Text of the run is clean before it gets here;
colours are added last, and only if asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from trainwatch.draw import checkpoints, gap, header, loss, machine, nodes, troubles
from trainwatch.draw.cells import DOTS_X
from trainwatch.draw.chart import draw as own_chart
from trainwatch.draw.glyphs import Glyphs, suited
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.plot import ChartView, Layout, Plot
from trainwatch.draw.readout import readout
from trainwatch.draw.rows import Row, clip, plain, wrapped
from trainwatch.read.clean import Sgr, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.draw.rows import Picture, Style
    from trainwatch.run.run import Run
    from trainwatch.run.series import Axis, Span

_TALL: Final = 18
_FINE: Final = 10_000
_LINE: Final = "braille"
_COLOURS: Final[Mapping[str, str]] = {
    # The sixteen colours of every terminal, so that its own theme decides.
    "dim": "2", "border": "2", "bar-rest": "2", "train-raw": "2;36",
    "value": "1", "title": "1", "accent": "1;36", "focus": "36", "train": "36", "eval": "1;33",
    "best": "1;32", "other": "35", "ok": "32", "info": "36", "warning": "33", "critical": "1;31",
    "bar": "36",
}  # fmt: skip


def status(
    run: Run, width: int, now: float, *, colour: bool = False, glyphs: Glyphs = "braille",
    zone: int | None = None,
) -> str:  # fmt: skip
    """Everything about a run in one plain frame."""
    width = max(width, 20)
    view = header.HeaderView(zone)
    parts = [
        _text(header.rows(run, view, width, 2, now), colour, glyphs),
        _text([[(f" {line}", "dim")] for line in _source(run, width - 1)], colour, glyphs),
        *chart(loss.plot(run), ChartView(), width, _TALL, colour=colour, glyphs=glyphs),
        _text(
            _section(gap.draw(run, width, _gap_lines(run, width, now), now), width), colour, glyphs
        ),
        _text(_checkpoints(run, width, now), colour, glyphs),
        _text(_section(nodes.draw(run, width, _device_lines(run), now), width), colour, glyphs),
        _text(
            [[], packed([*_titled("machine"), *machine.pieces(run.own, now)], [], width)],
            colour,
            glyphs,
        ),
        _text(_troubles(run, width), colour, glyphs),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _source(run: Run, width: int) -> list[str]:
    told = troubles.source(run)
    return wrapped(told, width) if told else []


def chart(
    plot: Plot, view: ChartView, width: int, height: int, *, colour: bool = False,
    glyphs: Glyphs = "braille",
) -> list[str]:  # fmt: skip
    """The curve by plotext with a line of values above it; our own chart where plotext cannot load."""
    layout = _drawable(plot, view, width, height)
    if layout.window is None:
        why = plot.empty or ("nothing to draw yet",)
        return [_text([[(clip("  " + clean(" · ".join(why)), width), "dim")]], colour, glyphs)]
    try:
        drawn = _by_plotext(layout, max(height - 1, 5), colour)
    except ImportError:  # its compiled part is missing on this machine
        return [_text(own_chart(plot, layout.view, width, height).rows, colour, glyphs)]
    if glyphs != "braille":
        drawn = [plain(suited([[(line, "text")]], glyphs)) for line in drawn]
    return [_text([readout(layout)], colour, glyphs), *drawn]


def _drawable(plot: Plot, view: ChartView, width: int, height: int) -> Layout:
    """On the axis that was asked for, or on one that the points know: not every log tells steps."""
    layout = Layout(plot, view, width, height)
    axes: tuple[Axis, ...] = ("epoch", "entry")
    for axis in axes:
        if layout.window is None:
            layout = Layout(plot, replace(view, axis=axis), width, height)
    return layout


def _by_plotext(layout: Layout, height: int, colour: bool) -> list[str]:
    """The picture, line by line. The one figure of the process is cleared before and after.

    It is given columns and thousandths of the height, and our labels: its own rulers overflow on
    extreme numbers.
    """
    import plotext  # noqa: PLC0415 - 50 ms that only a printed chart may cost

    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear()
    try:
        figure.plot_size(layout.width, height)
        figure.theme("colorless")
        for signal in _signals(layout):
            pen = plotext.marker(signal.marker)
            if colour:
                pen.fill(plotext.pixel(signal.shade))
            drawn = figure.signal(signal.columns, _heights(layout, signal.values), marker=pen)
            if signal.marker == _LINE:
                drawn.lines()
            figure.draw(drawn)
        across, up = figure.ruler("x", "lower"), figure.ruler("y", "left")
        across.lim(0, layout.columns * DOTS_X - 1)
        across.ticks([t.column * DOTS_X for t in layout.x_ticks], [t.label for t in layout.x_ticks])
        up.lim(0, _FINE)
        up.ticks(_heights(layout, layout.ticks), layout.labels)
        text = str(figure.build().string(not colour))
    finally:
        figure.clear()
    return [line.rstrip() for line in text.rstrip("\n").split("\n")]


class _Signal(NamedTuple):
    """One thing to draw, finite and few values per column."""

    columns: list[int]
    values: list[float]
    marker: str
    shade: str


def _heights(layout: Layout, values: Sequence[float]) -> list[int]:
    fine = replace(layout.scale, dots=_FINE + 1)
    return [min(max(_FINE - row, 0), _FINE) for row in fine.rows(values)]


def _signals(layout: Layout) -> list[_Signal]:
    """The line, the evaluations, the best of them."""
    if layout.smooth:
        known = [(x, v) for x, v in enumerate(layout.smooth) if v is not None]
    else:
        known = _extremes(layout.raw)
    out = [_signal(known, _LINE, "cyan")]
    for number, columns in enumerate(layout.marked):
        known = [(x, s.mean) for x, s in enumerate(columns) if s is not None]
        out.append(_signal(known, *(("o", "magenta") if number else ("◆", "orange"))))
    best, window = layout.plot.best, layout.window
    place = best.place(layout.view.axis) if best is not None else None
    if best is not None and best.value is not None and place is not None and window is not None:
        out.append(_signal([(window.column(place), best.value)], "★", "green"))
    return [signal for signal in out if signal.columns]


def _signal(known: Sequence[tuple[int, float]], marker: str, shade: str) -> _Signal:
    return _Signal([x for x, _ in known], [v for _, v in known], marker, shade)


def _extremes(columns: Sequence[Span | None]) -> list[tuple[int, float]]:
    """Smallest and largest value of each column."""
    found: list[tuple[int, float]] = []
    for x, span in enumerate(columns):
        if span is not None:
            found += [(x, span.lo)] if span.lo == span.hi else [(x, span.lo), (x, span.hi)]
    return found


# --- the parts around it ------------------------------------------------------------------


def _titled(name: str) -> list[Piece]:
    return [Piece([(f"{name:<12}", "title")])]


def _section(picture: Picture, width: int) -> list[Row]:
    """A panel without its frame: the title and the note as a line of their own."""
    head = packed([Piece(picture.title)], [Piece(picture.note)], width)
    return [[], head, *(row for row in picture.rows if "".join(text for text, _ in row).strip())]


def _gap_lines(run: Run, width: int, now: float) -> int:
    """Lines that numbers and sentences need whole, and one for the history."""
    verdict = run.verdict(now)
    texts = [text for text in (verdict.headline, verdict.advice) if text]
    return 2 + max(sum(len(wrapped(clean(text), width - 2)) for text in texts), 2)


def _device_lines(run: Run) -> int:
    if len(run.nodes) > 1:
        return nodes.height(run)
    cards = run.devices.cards
    return 3 if len(cards) <= 1 else len(cards) + 1


def _checkpoints(run: Run, width: int, now: float) -> list[Row]:
    view = checkpoints.CheckpointsView()
    known = len(checkpoints.ordered(run, view))
    lines = checkpoints.height(run, view, width, now) if known else 2
    picture = checkpoints.draw(run, view, width, lines, now)
    return _section(picture, width)


def _troubles(run: Run, width: int) -> list[Row]:
    """What does not work, and the words of the training that matter."""
    rows: list[Row] = []
    for trouble in run.troubles.values():
        if trouble.where != "devices":
            text = "; ".join(filter(None, (clean(trouble.text), clean(trouble.fix))))
            rows += [[("! ", "warning"), (line, "text")] for line in wrapped(text, width - 2)]
    for notice in run.notices[-3:]:
        rows.append([("· ", "dim"), (clip(clean(notice.text), width - 2), "label")])
    return rows


def _text(rows: Sequence[Row], colour: bool, glyphs: Glyphs) -> str:
    """Rows as text, with colours if asked for."""
    shown = suited(list(rows), glyphs)
    if not colour:
        return plain(shown)
    return "\n".join("".join(_coloured(text, style) for text, style in row) for row in shown)


def _coloured(text: str, style: Style | Sgr) -> str:
    code = None if isinstance(style, Sgr) else _COLOURS.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text
