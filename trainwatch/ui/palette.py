"""The colours of our own themes, and what each style name makes of them.

The law of this file: names and numbers only, so that the first picture knows them before Textual is
there.

A theme's ``primary`` is the training curve and its ``accent`` the evaluation, so that any Textual
theme can be used. The colour-blind palette is that of Okabe and Ito,
https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PALETTES: Final[Mapping[str, Mapping[str, str]]] = {
    "dark": {
        "primary": "#57b6ff",
        "secondary": "#b79cf7",
        "accent": "#ffb14e",
        "success": "#79d279",
        "warning": "#e8d05a",
        "error": "#ff6e6e",
        "foreground": "#d8dee6",
        "background": "#0e1217",
        "surface": "#151a21",
        "panel": "#1c232c",
    },
    "light": {
        "primary": "#0a62c9",
        "secondary": "#7a3fc4",
        "accent": "#b34700",
        "success": "#18722f",
        "warning": "#7d5a00",
        "error": "#c01f2e",
        "foreground": "#1f2430",
        "background": "#fcfcfa",
        "surface": "#f2f2ef",
        "panel": "#e8e8e4",
    },
    "high-contrast": {
        "primary": "#00d7ff",
        "secondary": "#ff9cff",
        "accent": "#ffd700",
        "success": "#4dff7c",
        "warning": "#ffff00",
        "error": "#ff7a7a",
        "foreground": "#ffffff",
        "background": "#000000",
        "surface": "#000000",
        "panel": "#1a1a1a",
    },
    "colour-blind": {
        "primary": "#56b4e9",
        "secondary": "#cc79a7",
        "accent": "#e69f00",
        "success": "#1fb98d",
        "warning": "#f0e442",
        "error": "#e8743b",
        "foreground": "#dde1e6",
        "background": "#101317",
        "surface": "#161a20",
        "panel": "#1d232b",
    },
}

TONES: Final[Mapping[str, tuple[str, float, str]]] = {
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

STRONGER: Final = {"high-contrast": 1.5}
"""By how much more a theme has its weaker styles stand out."""
