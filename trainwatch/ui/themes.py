"""Which colour a style name has.

The law of this file: drawing names its styles, only this file knows colours. No state is told by
colour alone, so every theme, and no colour at all, reads the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.color import Color as RichColor
from rich.style import Style as Ink
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from trainwatch.read.clean import Sgr
from trainwatch.ui.palette import PALETTES, STRONGER, TONES

if TYPE_CHECKING:
    from collections.abc import Mapping


def _theme(name: str, colours: Mapping[str, str]) -> Theme:
    return Theme(
        name,
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        dark=name != "light",
    )


THEMES: Final[tuple[Theme, ...]] = (
    *(_theme(name, colours) for name, colours in PALETTES.items()),
    Theme(
        "terminal",  # the sixteen colours and the background that the terminal already has
        primary="ansi_bright_cyan",
        secondary="ansi_bright_magenta",
        accent="ansi_bright_yellow",
        success="ansi_bright_green",
        warning="ansi_yellow",
        error="ansi_bright_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        ansi=True,
        variables=BUILTIN_THEMES["ansi-dark"].variables,
    ),
)

_USED: Final = frozenset(("background", *(colour for colour, _, _ in TONES.values())))


_PALETTE: Final = ("foreground", "error", "success", "warning", "primary", "secondary", "primary")
"""What the first eight colours of a log become, black first; white and its bright kin are text."""
_READABLE: Final = 0.2
"""Difference of brightness from the background below which a colour of a log cannot be read."""
_KEPT: Final = 4096


class Inks(dict[str | Sgr, Ink]):
    """What each style looks like: by name, or as a training's log asked for."""

    def __init__(self, theme: Theme, colours: bool = True) -> None:
        super().__init__()
        self._colours = colours
        self._system = {
            name: Color.parse(value)
            for name, value in theme.to_color_system().generate().items()
            if name in _USED
        }
        self.ground = self._system["background"]
        more = STRONGER.get(theme.name, 1.0)
        for name, (colour, strength, attributes) in TONES.items():
            self[name] = self._tone(self._system[colour], min(1.0, strength * more), attributes)

    def _tone(self, colour: Color, strength: float, attributes: str) -> Ink:
        """Blended where colours can be; the terminal's own sixteen only know "dim"."""
        if not self._colours:
            return Ink.parse(attributes)
        if colour.ansi is None and self.ground.ansi is None:
            colour = self.ground.blend(colour, strength)
            attributes = attributes.replace("dim", "")
        return Ink.parse(attributes) + self._on_ground(colour)

    def _on_ground(self, colour: Color) -> Ink:
        return Ink.from_color(colour.rich_color, self.ground.rich_color)

    def __missing__(self, style: str | Sgr) -> Ink:
        ink = self._rendition(style) if isinstance(style, Sgr) else self["text"]
        if len(self) < _KEPT:
            self[style] = ink
        return ink

    def _rendition(self, sgr: Sgr) -> Ink:
        """The colours of a log, brought to the theme where they are of the basic sixteen."""
        ink = Ink(
            bold=sgr.bold, dim=sgr.dim, italic=sgr.italic, underline=sgr.underline,
            reverse=sgr.reverse, strike=sgr.strike,
        )  # fmt: skip
        if not self._colours:
            return ink
        ink = self["text"] + ink
        if sgr.back is not None:
            return ink + Ink.from_color(_asked(sgr.fore or 15), _asked(sgr.back))
        return ink if sgr.fore is None else ink + self._on_ground(self._readable(sgr.fore))

    def _readable(self, asked: int | tuple[int, int, int]) -> Color:
        if isinstance(asked, int) and asked < 16:
            name = _PALETTE[asked % 8] if asked % 8 < len(_PALETTE) else "foreground"
            return self._system[name]
        colour = Color.from_rich_color(_asked(asked))
        if self.ground.ansi is None and abs(colour.brightness - self.ground.brightness) < _READABLE:
            return self._system["foreground"]
        return colour


def _asked(colour: int | tuple[int, int, int]) -> RichColor:
    return RichColor.from_ansi(colour) if isinstance(colour, int) else RichColor.from_rgb(*colour)
