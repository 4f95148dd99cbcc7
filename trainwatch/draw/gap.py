"""The gap between evaluation and training loss, and what the curves say.

The law of this file: the gauge shows, the verdict judges; the word, its sentence and its numbers come
from the verdict unchanged, and what could not be checked is said.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from trainwatch.draw import curve, units
from trainwatch.draw.axes import Scale, step_of, widened
from trainwatch.draw.cells import DOTS_X, DOTS_Y, Canvas
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, fit, wrapped
from trainwatch.read.clean import clean
from trainwatch.run.verdict import INVISIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.run import Run
    from trainwatch.run.series import Axis
    from trainwatch.run.verdict import Check, Verdict

SEVERITIES: Mapping[str, Style] = {
    "ok": "ok", "info": "info", "warning": "warning", "critical": "critical",
}  # fmt: skip
_RESULTS: Mapping[str, tuple[str, Style]] = {
    "fired": ("!", "warning"), "clear": ("✓", "ok"), "skipped": ("–", "dim"),
}  # fmt: skip
_NOISE = ("noise", "eval_noise", "sigma")
_GAUGE = 24


def draw(run: Run, width: int, height: int, now: float) -> Picture:
    """Numbers, gauge, and one sentence."""
    verdict = run.verdict(now)
    width, height = max(width, 0), max(height, 0)
    note: Row = [(word(verdict), SEVERITIES[verdict.severity])]
    rows = [_numbers(run, verdict, width)]
    texts = _sentences(run, verdict)
    spare = height - 1 - len(texts)
    for number, text in enumerate(texts):
        lines = wrapped(text, max(width - 2, 1))
        lines = lines[: 1 + max(spare, 0)]
        spare -= len(lines) - 1
        rows += [[(" " + line, "text" if number == 0 else "label")] for line in lines]
    if spare >= 1:
        rows += _history(run, width, min(spare, 6))
    rows += [[] for _ in range(height - len(rows))]
    return Picture([("gap", "title")], note, [fit(row, width) for row in rows[:height]])


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
            [(f"  {name.replace('_', ' '):<28}", "label"), (units.number(value), "value")]
            for name, value in verdict.evidence.items()
        ]
    rows += [[], *_paragraph(INVISIBLE, columns, "dim"), *_paragraph(_PAIRING, columns, "dim")]
    return [fit(row, max(columns, 0)) for row in rows]


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
        return packed([Piece(_alone(run))], [], width)
    row: Row = [
        ("eval ", "eval"), (units.number(gap.eval), "value"), (" − ", "dim"),
        ("train ", "train"), (units.number(gap.train), "value"), (" = ", "dim"),
        (units.signed(gap.value), SEVERITIES[verdict.severity]),
    ]  # fmt: skip
    short: Row = [("gap ", "label"), (units.signed(gap.value), SEVERITIES[verdict.severity])]
    size = min(max(width - 46, 0), 2 * _GAUGE)
    right = [Piece(gauge(run, verdict, size), 1)] if size >= 15 else []
    return packed([Piece(row if width >= 44 else short)], right, width)


def _alone(run: Run) -> Row:
    """The losses there are, while there is no pair."""
    row: Row = []
    loss, evals = run.metrics.loss, run.metrics.eval_loss
    if evals is not None and evals.last is not None:
        row += [("eval ", "eval"), (units.number(evals.last), "value")]
    if loss is not None and loss.last is not None:
        row += [("   ", "text")] if row else []
        row += [("train ", "train"), (units.number(loss.last), "value")]
    return row or [("no loss yet", "dim")]


def gauge(run: Run, verdict: Verdict, columns: int) -> Row:
    """Where the gap stands around zero: ├────▒▒┼▒●─────┤, with the ends of the scale."""
    gap = verdict.gap
    if gap is None or not isfinite(gap.value):
        return []
    past = gaps(run, 64)
    reach = _reach([gap.value, *(g for g in past if g is not None and isfinite(g))])
    ends = units.signed(-reach, _digits(reach)), units.signed(reach, _digits(reach))
    inside = columns - len(ends[0]) - len(ends[1]) - 4
    inside -= 1 - inside % 2
    if inside < 5:
        return []
    cells: list[tuple[str, Style]] = [("─", "border")] * inside
    middle = inside // 2
    for x in _band(verdict, reach, inside):
        cells[x] = ("▒", "dim")
    cells[middle] = ("┼", "border")
    best = _at_best(run, verdict)
    if best is not None:
        cells[_place(best, reach, inside)] = ("★", "best")
    cells[_place(gap.value, reach, inside)] = ("●", SEVERITIES[verdict.severity])
    row: Row = [
        (ends[0] + " ", "dim"),
        ("├", "border"),
        *cells,
        ("┤", "border"),
        (" " + ends[1], "dim"),
    ]
    return row


def _place(value: float, reach: float, inside: int) -> int:
    share = min(max(-1.0, value / reach), 1.0)
    return round((share + 1) / 2 * (inside - 1))


def _band(verdict: Verdict, reach: float, inside: int) -> range:
    """The columns in which a gap is no more than noise."""
    noise = next((verdict.evidence[k] for k in _NOISE if k in verdict.evidence), 0.0)
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


def gaps(run: Run, columns: int) -> list[float | None]:
    """Eval minus smoothed train loss, column by column of the run; None where nothing was measured."""
    evals, train = run.metrics.eval_loss, run.metrics.loss
    if evals is None or train is None or columns < 1:
        return []
    axis: Axis = "step" if evals.extent("step") is not None else "epoch"
    extent = evals.extent(axis)
    if extent is None:
        return []
    start, stop = min(extent[0], 0.0), extent[1]
    measured = evals.spans(axis, start, stop, columns)
    beside = train.smoothed(axis, start, stop, columns, 0.6)
    found: list[float | None] = []
    newest = None
    for value, average in zip(measured, beside, strict=True):
        newest = average if average is not None else newest
        found.append(None if value is None or newest is None else value.mean - newest)
    return found


def _at_best(run: Run, verdict: Verdict) -> float | None:
    """The gap at the best evaluation."""
    best, train = verdict.best, run.metrics.loss
    if best is None or train is None or best.step is None:
        return None
    index = train.nearest("step", best.step)
    return None if index is None else best.value - train.value(index)


def _history(run: Run, width: int, height: int) -> list[Row]:
    """The gap over the run as a small curve, zero drawn as a line."""
    columns = max(width - 2, 0)
    known = gaps(run, columns * DOTS_X)
    known = [None if g is None or not isfinite(g) else g for g in known]
    values = [g for g in known if g is not None]
    if len(values) < 2 or height < 1:
        return []
    low, high = widened(min(0.0, *values), max(0.0, *values))
    scale = Scale(low, high, height * DOTS_Y)
    canvas = Canvas(columns, height)
    canvas.paint([1 << max(scale.dot(0.0), 0)] * (columns * DOTS_X), "border")
    canvas.paint(curve.line(known, scale), "other")
    return [[(" ", "text"), *row] for row in canvas.rows()]


# --- the sentences ------------------------------------------------------------------------


def _sentences(run: Run, verdict: Verdict) -> list[str]:
    """The headline, and what to do."""
    if run.metrics.eval_loss is None and run.metrics.loss is not None:
        return [
            "No evaluation yet: overfitting cannot be seen.",
            'Evaluate while training, for instance with eval_strategy="steps".',
        ]
    return [clean(text) for text in (verdict.headline, verdict.advice) if text]
