"""Which colour a style name has.

The law of this file: drawing names its styles, only this file knows colours. No state is told by
colour alone, so every theme, and no colour at all, reads the same.

A theme's ``primary`` is the training curve and its ``accent`` the evaluation, so that any Textual
theme can be used. The colour-blind palette is that of Okabe and Ito,
https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.color import Color as RichColor
from rich.style import Style as Ink
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from trainwatch.read.clean import Sgr

if TYPE_CHECKING:
    from collections.abc import Mapping

THEMES: Final[tuple[Theme, ...]] = (
    Theme(
        "dark",
        primary="#57b6ff",
        secondary="#b79cf7",
        accent="#ffb14e",
        success="#79d279",
        warning="#e8d05a",
        error="#ff6e6e",
        foreground="#d8dee6",
        background="#0e1217",
        surface="#151a21",
        panel="#1c232c",
    ),
    Theme(
        "light",
        primary="#0a62c9",
        secondary="#7a3fc4",
        accent="#b34700",
        success="#18722f",
        warning="#7d5a00",
        error="#c01f2e",
        foreground="#1f2430",
        background="#fcfcfa",
        surface="#f2f2ef",
        panel="#e8e8e4",
        dark=False,
    ),
    Theme(
        "high-contrast",
        primary="#00d7ff",
        secondary="#ff9cff",
        accent="#ffd700",
        success="#4dff7c",
        warning="#ffff00",
        error="#ff7a7a",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
    ),
    Theme(
        "colour-blind",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#e69f00",
        success="#1fb98d",
        warning="#f0e442",
        error="#e8743b",
        foreground="#dde1e6",
        background="#101317",
        surface="#161a20",
        panel="#1d232b",
    ),
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

_TONES: Final[Mapping[str, tuple[str, float, str]]] = {
    # style name: (theme colour, strength over the background, attributes)
    "text": ("foreground", 1.0, ""),
    "dim": ("foreground", 0.52, "dim"),
    "label": ("foreground", 0.68, ""),
    "value": ("foreground", 1.0, "bold"),
    "accent": ("primary", 1.0, "bold"),
    "title": ("foreground", 1.0, "bold"),
    "train": ("primary", 1.0, ""),
    "train-raw": ("primary", 0.42, "dim"),
    "eval": ("accent", 1.0, "bold"),
    "best": ("success", 1.0, "bold"),
    "other": ("secondary", 1.0, ""),
    "ok": ("success", 1.0, ""),
    "info": ("primary", 1.0, ""),
    "warning": ("warning", 1.0, "bold"),
    "critical": ("error", 1.0, "bold"),
    "cursor": ("foreground", 1.0, "reverse"),
    "guide": ("foreground", 0.45, ""),
    "border": ("foreground", 0.28, "dim"),
    "bar": ("primary", 1.0, ""),
    "bar-rest": ("foreground", 0.2, "dim"),
    "focus": ("primary", 1.0, ""),
    "found": ("warning", 1.0, "reverse"),
}
_USED: Final = frozenset(("background", *(colour for colour, _, _ in _TONES.values())))
_STRONGER: Final = {"high-contrast": 1.5}


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
        more = _STRONGER.get(theme.name, 1.0)
        for name, (colour, strength, attributes) in _TONES.items():
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
