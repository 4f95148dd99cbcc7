"""Cells become the bytes that the terminal receives.

The law of this file: nothing but this file decides what is written between two frames, and no
control character leaves it that it did not make itself. Whatever text reaches a widget (a paste, an
error, a name), the terminal sees only printable characters.

Textual repaints a changed span from the left edge of its widget and sets every colour anew for
each segment. Over a slow connection that is most of the traffic, so a span is written alone here,
and a colour only when it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rich.style import Style as Ink
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

from trainwatch.draw.rows import certain, width
from trainwatch.ui.codes import change, codes, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType
    from rich.segment import Segment
    from textual.strip import Strip

Update: TypeAlias = "CompositorUpdate | RenderableType | None"
Stretch: TypeAlias = "tuple[int, int, Iterable[Segment]]"
"""Column, line and what is written from there on."""


def exact(update: Update, colours: bool = True) -> Update:
    """The same update, written with as few bytes as it needs; without ``colours`` none are."""
    if isinstance(update, ChopsUpdate):
        return Exact(_spans(update), colours)
    if isinstance(update, LayoutUpdate):
        return Exact(_lines(update), colours)
    return update


class Exact(CompositorUpdate):
    """Stretches of cells at their places."""

    def __init__(self, stretches: Iterable[Stretch], colours: bool) -> None:
        self._stretches = stretches
        self._colours = colours

    def render_segments(self, console: Console) -> str:
        """The terminal sequences of all stretches; they begin and end without any style."""
        system = console._color_system if self._colours else None  # noqa: SLF001 - as Textual does
        out: list[str] = []
        shown = codes(Ink.null(), system)
        for x, y, segments in self._stretches:
            out.append(_move(x, y))
            place = x
            for text, ink, control in segments:
                if control or not text:
                    continue
                wanted = codes(ink or Ink.null(), system)
                if wanted is not shown:
                    out.append(change(shown, wanted))
                    shown = wanted
                shown_text = printable(text)
                wide = width(shown_text)
                if certain(shown_text):
                    out.append(shown_text)
                else:  # whatever the terminal makes of it, what follows stands at its place
                    out += [" " * wide, _move(place, y), shown_text, _move(place + wide, y)]
                place += wide
        out.append("\x1b[m")
        return "".join(out)


def _move(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"


def _spans(update: ChopsUpdate) -> Iterable[Stretch]:
    """The changed spans, each cut out of the strips that it crosses."""
    for y, start, stop in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            left, right = max(x, start), min(end, stop)
            if strip is not None and left < right:
                yield left, y, strip.crop(left - x, right - x)


def _lines(update: LayoutUpdate) -> Iterable[Stretch]:
    region = update.region
    for y, strips in enumerate(update.strips, region.y):
        yield region.x, y, (segment for strip in _known(strips) for segment in strip)


def _known(strips: Iterable[Strip | None]) -> Iterable[Strip]:
    return (strip for strip in strips if strip is not None)
