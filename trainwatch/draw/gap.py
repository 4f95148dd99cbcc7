"""The gap between evaluation and training loss, and what the curves say.

The law of this file: the gauge shows, the verdict judges; the word, its sentence and its numbers come
from the verdict unchanged, and what could not be checked is said.
"""

from __future__ import annotations

from math import floor, isfinite
from typing import TYPE_CHECKING

from trainwatch.draw import curve, units
from trainwatch.draw.axes import Scale, step_of, widened
from trainwatch.draw.cells import DOTS_X, DOTS_Y, Canvas
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, clip, fit, length, wrapped
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.pairing import Pair
    from trainwatch.run.run import Run
    from trainwatch.run.verdict import Check, Verdict

SEVERITIES: Mapping[str, Style] = {
    "ok": "ok", "info": "info", "warning": "warning", "critical": "critical",
}  # fmt: skip
_RESULTS: Mapping[str, tuple[str, Style]] = {
    "fired": ("!", "warning"), "clear": ("✓", "ok"), "skipped": ("–", "dim"),
}  # fmt: skip
_TITLE = 9
"""Columns of the frame's title and of what is around it."""
_GAUGE = 24
_SMALLEST = 17
"""Columns below which a gauge tells nothing."""
_MOST_PAIRS = 1000
"""So many evaluations are looked at; of more, as many spread evenly."""


def draw(run: Run, width: int, height: int, now: float) -> Picture:
    """Numbers, gauge, and one sentence."""
    verdict = run.verdict(now)
    width, height = max(width, 0), max(height, 0)
    note = _note(run, verdict, width)
    rows = [_numbers(run, verdict, width)]
    rows += told(sentences(run, verdict), width, height - 1)
    if height > len(rows):
        rows += _history(run, verdict, width, min(height - len(rows), 6))
    rows += [[] for _ in range(height - len(rows))]
    return Picture([("gap", "title")], note, [fit(row, width) for row in rows[:height]])


def _note(run: Run, verdict: Verdict, width: int) -> Row:
    """The word; before it, where there is room, the checkpoint to keep."""
    over = "until then " if run.state().word in ("failed", "killed") else ""
    told: Row = [(over, "dim")] if over else []
    told += [(word(verdict), SEVERITIES[verdict.severity])]
    best = run.checkpoints.best
    if best is None:
        return told
    kept: Row = [("★ ", "best"), (clip(clean(best.seen.name), 24), "label"), (" · ", "dim")]
    return [*kept, *told] if length(kept) + length(told) + _TITLE <= width else told


def told(texts: Sequence[str], width: int, height: int) -> list[Row]:
    """The sentences in at most ``height`` lines, the first one first; an ellipsis where one is cut."""
    inside = max(width - 2, 1)
    lines = [(line, number) for number, text in enumerate(texts) for line in wrapped(text, inside)]
    shown = lines[: max(height, 0)]
    if shown and len(shown) < len(lines) and shown[-1][1] == lines[len(shown)][1]:
        line, number = shown[-1]
        shown[-1] = clip(line, inside - 1).removesuffix("…") + "…", number
    return [[(" " + line, "label" if number else "text")] for line, number in shown]


def word(verdict: Verdict) -> str:
    """The verdict in a word."""
    return verdict.state.replace("-", " ").upper()


def details(run: Run, columns: int, now: float) -> list[Row]:
    """Everything behind the verdict: advice, evidence, every check, and what stays invisible."""
    verdict = run.verdict(now)
    style = SEVERITIES[verdict.severity]
    rows: list[Row] = [
        [(word(verdict), style)],
        *_paragraph(clean(verdict.headline), columns, "value"),
    ]
    if verdict.advice:
        rows += _paragraph(clean(verdict.advice), columns, "text")
    rows += [
        [],
        [("checked", "title")],
        *(row for c in verdict.checks for row in _check(c, columns)),
    ]
    if verdict.evidence:
        rows += [[], [("numbers", "title")]]
        rows += [
            [(f"  {name.replace('_', ' '):<28}", "label"), (figure(value), "value")]
            for name, value in verdict.evidence.items()
        ]
    rows += [[], *_paragraph(verdict.note, columns, "dim"), *_paragraph(_PAIRING, columns, "dim")]
    return [fit(row, max(columns, 0)) for row in rows]


def figure(value: float) -> str:
    """A number of the evidence: counts are whole."""
    return units.count(value) if isfinite(value) and value == floor(value) else units.number(value)


_PAIRING = (
    "A logged train loss is a mean since the line before it, with dropout on; an eval loss is the "
    "value at one step. The gap compares an evaluation with the mean of the train losses around it."
)


def _paragraph(text: str, columns: int, style: Style) -> list[Row]:
    return [[(line, style)] for line in wrapped(text, max(columns, 1))]


def _check(check: Check, columns: int) -> list[Row]:
    mark, style = _RESULTS[check.result]
    name = check.rule.replace("-", " ")
    why = wrapped(clean(check.why), max(columns - 32, 12)) or [""]
    rows: list[Row] = [
        [
            (f"  {mark} ", style),
            (f"{name:<18}", "text"),
            (f"{check.result:<8} ", style),
            (why[0], "label"),
        ]
    ]
    rest: list[Row] = [[(" " * 31, "text"), (line, "label")] for line in why[1:]]
    return rows + rest


# --- the numbers and the gauge ------------------------------------------------------------


def _numbers(run: Run, verdict: Verdict, width: int) -> Row:
    gap = verdict.gap
    if gap is None:
        alone = _alone(run) or [("no loss yet", "dim")]
        why: Row = [(clean(verdict.no_gap, 80), "dim")] if run.metrics.eval_loss else []
        return packed([Piece(alone), Piece(why, 1, least=12)], [], width, [("   ", "text")])
    style = SEVERITIES[verdict.severity]
    whole: Row = [
        ("eval ", "eval"), (units.number(gap.eval), "value"), (" − ", "dim"),
        ("train ", "train"), (units.number(gap.train), "value"), (" = ", "dim"),
        (units.signed(gap.value), style),
    ]  # fmt: skip
    short: Row = [("gap ", "label"), (units.signed(gap.value), style)]
    noise: Row = [(f"noise ±{units.number(verdict.noise, 2)}", "dim")] if verdict.noise else []
    size = min(width - length(whole) - 4, 2 * _GAUGE)
    right = [Piece(gauge(run, verdict, size), 1)] if size >= _SMALLEST else []
    return packed([Piece(whole if width >= 44 else short), Piece(noise, 2)], right, width)


def _alone(run: Run) -> Row:
    """The losses there are, while there is no pair."""
    row: Row = []
    loss, evals = run.metrics.loss, run.metrics.eval_loss
    if evals is not None and evals.last is not None:
        row += [("eval ", "eval"), (units.number(evals.last), "value")]
    if loss is not None and loss.last is not None:
        row += [
            ("   " if row else "", "text"),
            ("train ", "train"),
            (units.number(loss.last), "value"),
        ]
    return row


def gauge(run: Run, verdict: Verdict, columns: int) -> Row:
    """Where the gap stands around zero: ├────▒▒┼▒●─────┤, with the ends of the scale."""
    gap = verdict.gap
    if gap is None or not isfinite(gap.value):
        return []
    known = _pairs(run, verdict)
    reach = _reach([gap.value, *(p.gap for p in known if p.gap is not None and isfinite(p.gap))])
    ends = [units.signed(end, _digits(reach)) for end in (-reach, reach)]
    inside = columns - len(ends[0]) - len(ends[1]) - 4
    inside -= 1 - inside % 2
    if inside < 5:
        return []
    cells: list[tuple[str, Style]] = [("─", "border")] * inside
    for x in _band(verdict, reach, inside):
        cells[x] = ("▒", "dim")
    cells[inside // 2] = ("┼", "border")
    at_best = next((p.gap for p in known if verdict.best and p.eval == verdict.best.value), None)
    if at_best is not None and isfinite(at_best):
        cells[_place(at_best, reach, inside)] = ("★", "best")
    cells[_place(gap.value, reach, inside)] = ("●", SEVERITIES[verdict.severity])
    return [
        (ends[0] + " ", "dim"),
        ("├", "border"),
        *cells,
        ("┤", "border"),
        (" " + ends[1], "dim"),
    ]


def _place(value: float, reach: float, inside: int) -> int:
    share = min(max(-1.0, value / reach), 1.0)
    return round((share + 1) / 2 * (inside - 1))


def _band(verdict: Verdict, reach: float, inside: int) -> range:
    """The columns in which a gap is no more than the noise of one evaluation."""
    noise = verdict.noise or 0.0
    if not 0 < noise < reach:
        return range(0)
    return range(_place(-noise, reach, inside), _place(noise, reach, inside) + 1)


def _reach(values: Sequence[float]) -> float:
    """A round number that all values lie within."""
    largest = max((abs(v) for v in values), default=0.0)
    return step_of(0.0, largest * 1.05, 1) or 1.0


def _digits(reach: float) -> int:
    return 0 if reach >= 10 else 1 if reach >= 1 else 2


# --- the history --------------------------------------------------------------------------


def _pairs(run: Run, verdict: Verdict) -> list[Pair]:
    """The evaluations of the set that the verdict speaks of, each with the train loss beside it."""
    evals = run.metrics.find("loss", "eval", verdict.dataset) or run.metrics.eval_loss
    known = run.pairing.pairs(evals) if evals is not None else []
    return known[:: len(known) // _MOST_PAIRS + 1]


def _history(run: Run, verdict: Verdict, width: int, height: int) -> list[Row]:
    """The gap over the run as a small curve, zero drawn as a line."""
    columns = max(width - 2, 0)
    known = [
        (p.place, p.gap) for p in _pairs(run, verdict) if p.gap is not None and isfinite(p.gap)
    ]
    if len(known) < 2 or height < 1 or not columns:
        return []
    places, values = [p for p, _ in known], [g for _, g in known]
    start, stop = min(*places, 0.0), max(places)
    dots: list[float | None] = [None] * (columns * DOTS_X)
    for place, value in known:
        dots[int((place - start) / ((stop - start) or 1.0) * (len(dots) - 1))] = value
    scale = Scale(*widened(min(0.0, *values), max(0.0, *values)), height * DOTS_Y)
    canvas = Canvas(columns, height)
    canvas.paint([1 << min(max(scale.dot(0.0), 0), scale.dots - 1)] * len(dots), "border")
    canvas.paint(curve.line(dots, scale), "other")
    return [[(" ", "text"), *row] for row in canvas.rows()]


# --- the sentences ------------------------------------------------------------------------


def sentences(run: Run, verdict: Verdict) -> list[str]:
    """The headline, and what to do."""
    if run.metrics.eval_loss is None and run.metrics.loss is not None:
        return [
            f"No evaluation{'' if run.ended else ' yet'}: overfitting cannot be seen.",
            'Evaluate while training: eval_strategy="steps".',
        ]
    return [clean(text) for text in (verdict.headline, verdict.advice) if text]
