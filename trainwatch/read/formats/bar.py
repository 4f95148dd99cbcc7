"""Progress bars: ``label: 45%|####   | 450/1000 [01:23<01:41, 5.42it/s, postfix]`` and kin.

The law of this file: the counter, the clock in brackets and the closing bracket make a bar; the
glyphs do not. A bar that was cut is no bar. Shape: tqdm's ``format_meter``, which most others copy.
"""

from __future__ import annotations

import re

from trainwatch.read.dialect import Bar, Sample
from trainwatch.read.numbers import number

DRAWS = True

SAMPLES = (
    # transformers' training bar
    Sample("  3%|▎         | 1/36 [00:02<01:39,  2.86s/it]", {"@step": 1, "@total": 36}),
    Sample("  0%|          | 0/36 [00:00<?, ?it/s]", {"@step": 0, "@total": 36}),
    Sample("Train:  54%|█████     | 50/92 [02:57<02:28,  3.53s/it]", {"@step": 50, "@total": 92}),
)

_BAR = re.compile(
    r"""
    (?: (?P<percent>\d{1,3}) % \s* \| [^|]{0,400} \| \s*
      | \d{1,3} % \s+
      | \| [^|]{0,400} \| \s* )?
    (?P<done> [\d.]{1,16} [kMGT]? ) (?: / (?P<total> [\d.]{1,16} [kMGT]? | \? ) | it ) \s*
    \[ (?P<elapsed> [\d:]{1,16} | \? ) (?: < (?P<left> [\d:]{1,16} | \? ) )?
    (?: , \s* (?P<rate> [\d.]{1,16} | \? ) \s* (?P<unit> [^\s,\]]{1,20} ) )?
    (?: , \s* (?P<postfix> [^\]\[]{0,2000} ) )? \]
    """,
    re.VERBOSE,
)
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+)")


def read(text: str) -> Bar | None:
    """The first whole bar of the line, its label included."""
    if "[" not in text:
        return None
    found = _BAR.search(text)
    if not found:
        return None
    done, total = number(found["done"]), number(found["total"] or "")
    if done is None:
        return None
    label = text[: found.start()].strip().rstrip(":").rstrip()
    unit, rate = _rate(found["unit"] or "", found["rate"])
    return Bar(
        found.start(), found.end(), label, done, total,
        seconds(found["elapsed"]), seconds(found["left"]), rate, unit, found["postfix"] or "",
    )  # fmt: skip


def _rate(unit: str, spelled: str | None) -> tuple[str, float | None]:
    """``2.86 s/it`` and ``5.42 it/s`` alike as units per second."""
    value = number(spelled or "")
    if unit.startswith("s/"):
        return unit[2:], 1 / value if value else None
    return unit.removesuffix("/s"), value


def seconds(clock: str | None) -> float | None:
    """``1:02:03`` or ``02:03`` as seconds."""
    found = _CLOCK.fullmatch(clock or "")
    if not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600.0 + minutes * 60 + seconds
