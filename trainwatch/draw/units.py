"""Numbers as a person reads them.

The law of this file: an unknown number is "–", never 0; a text never claims more digits than it needs
to tell neighbours apart; sizes are binary (1 GiB = 2**30 bytes), as nvidia-smi, df -h and ls -h count.
"""

from __future__ import annotations

from math import floor, isfinite, isnan, log10
from typing import TypeGuard

UNKNOWN = "–"
_MOST = 1e18  # beyond this nothing on a screen is a count, a size or a time


def number(value: float | None, digits: int = 4) -> str:
    """A metric's value with ``digits`` significant digits: 0.4700, 2.410, 12.35, 1.1e−04."""
    if value is None:
        return UNKNOWN
    if not isfinite(value):
        return "NaN" if isnan(value) else "∞" if value > 0 else "−∞"
    size = abs(value)
    if size and not 1e-3 <= size < 10 ** (digits + 2):
        return minus(f"{value:.{max(digits - 2, 0)}e}")
    if not size:
        return "0"
    whole = max(floor(log10(size)) + 1, 0)
    return minus(f"{value:,.{max(digits - whole, 0)}f}")


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign and ``digits`` decimals, more where those would be all zero."""
    if value is None or not isfinite(value):
        return number(value)
    if not value:
        return f"{0:.{digits}f}"
    if abs(value) < 0.5 * 10**-digits:
        return minus(f"{value:+.1e}")
    return number(value) if abs(value) >= 1e5 else minus(f"{value:+.{digits}f}")


def minus(text: str) -> str:
    """The text with a minus sign that is as wide as a digit."""
    return text.replace("-", "−")


def count(value: float | None) -> str:
    """A whole number with separators: 1,240."""
    if not _usable(value):
        return UNKNOWN
    return minus(f"{value:,.0f}")


def short(value: float | None) -> str:
    """A count in at most five characters: 950, 18.2k, 1.2M."""
    if not _usable(value):
        return UNKNOWN
    size, unit = abs(value), ""
    for bigger in ("k", "M", "G", "T", "P"):
        if size < 999.5:
            break
        size, unit = size / 1000, bigger
    text = f"{size:.0f}" if size >= 99.95 or (not unit and size == int(size)) else f"{size:.1f}"
    return ("−" if value < 0 else "") + text + unit


def size(value: float | None) -> str:
    """Bytes for a table column, at most five characters: 412M, 13.9G, 1.2T."""
    return _scaled(value, ("B", "K", "M", "G", "T", "P", "E"), "")


def long_size(value: float | None) -> str:
    """Bytes in a sentence: 13.9 GiB."""
    return _scaled(value, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"), " ")


def of_size(used: float | None, total: float | None) -> str:
    """Two amounts in the unit of the larger: 71.2/141 GiB."""
    unit, factor = "GiB", 2**30
    if total is not None and total < 2**30:
        unit, factor = "MiB", 2**20
    parts = [UNKNOWN if v is None else _three(v / factor) for v in (used, total)]
    return f"{parts[0]}/{parts[1]} {unit}"


def clock(seconds: float | None) -> str:
    """A running time as a clock: 00:08:36, 3d 04:10:00."""
    if not _usable(seconds):
        return UNKNOWN
    whole = max(int(seconds), 0)
    days, rest = divmod(whole, 86400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {text}" if days else text


def duration(seconds: float | None) -> str:
    """A span in its two largest units: 40s, 12m 10s, 3h 05m, 2d 4h."""
    if not _usable(seconds):
        return UNKNOWN
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole // 60 % 60:02}m"
    return f"{whole // 86400}d {whole // 3600 % 24}h"


def age(seconds: float | None) -> str:
    """How long ago, in one unit: 20s, 4m, 3h, 2d."""
    if not _usable(seconds):
        return UNKNOWN
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def time_of_day(at: float | None, zone: int | None, now: float) -> str:
    """When: 14:52, or with the day when it is not within 24 hours of ``now``; "" when not known.

    ``zone`` is seconds east of UTC; None = the zone is not known and no time is told.
    """
    if zone is None or not _usable(at):
        return ""
    seconds = int(at + zone)
    text = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}"
    days = seconds // 86400 - int(now + zone) // 86400
    return text if abs(at - now) < 86400 and not days else f"{text} ({days:+d}d)"


def rate(per_second: float | None, unit: str = "it") -> str:
    """A speed: 2.41 it/s, or 4.20 s/it where it is slower than one a second."""
    if not _usable(per_second) or per_second <= 0:
        return UNKNOWN
    if per_second >= 1:
        return f"{_three(per_second)} {unit}/s"
    seconds = 1 / per_second
    return f"{_three(seconds)} s/{unit}" if seconds < 60 else f"{duration(seconds)}/{unit}"


def percent(share: float | None) -> str:
    """A share (1 = all) in percent: 41%."""
    return minus(f"{share * 100:.0f}%") if _usable(share) else UNKNOWN


def _usable(value: float | None) -> TypeGuard[float]:
    return value is not None and abs(value) < _MOST


def _three(value: float) -> str:
    """Three digits or whole: 2.41, 71.2, 141, 1284."""
    for decimals, limit in ((2, 9.995), (1, 99.95)):
        if abs(value) < limit:
            return f"{value:.{decimals}f}"
    return short(value) if abs(value) >= 99999.5 else f"{value:.0f}"


def _scaled(value: float | None, units: tuple[str, ...], gap: str) -> str:
    if not _usable(value):
        return UNKNOWN
    step = 0
    while abs(value) >= 1023.5 and step < len(units) - 1:
        value, step = value / 1024, step + 1
    text = f"{value:.0f}" if step == 0 or abs(value) >= 99.95 else f"{value:.1f}"
    return minus(text) + gap + units[step]
