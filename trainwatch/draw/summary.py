"""Everything in four lines, for a screen too small for panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import devices, gap, header, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Row, fit
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.draw.header import HeaderView
    from trainwatch.run.run import Run

_DOT: Row = [(" · ", "dim")]


def rows(run: Run, view: HeaderView, width: int, height: int, now: float) -> list[Row]:
    """Alive, learning, verdict, machine: as many lines as there are, the first the weightiest."""
    if width <= 0:
        return [[] for _ in range(max(height, 0))]
    made = [
        _alive(run, view, width, now),
        _learning(run, width),
        _verdict(run, width, now),
        _machine(run, width, now),
    ][: max(height, 0)]
    return [*made, *(fit([], width) for _ in range(height - len(made)))]


def _alive(run: Run, view: HeaderView, width: int, now: float) -> Row:
    progress = run.progress
    where = "" if progress.done is None else units.count(progress.done)
    of = "" if progress.total is None else f"/{units.count(progress.total)}"
    return packed(
        [Piece(header.sign(run, view, now), 0, least=8), Piece([(where + of, "value")] if where else [], 1)],
        [Piece([(units.percent(progress.fraction), "label")] if progress.fraction is not None else [], 2)],
        width,
    )  # fmt: skip


def _learning(run: Run, width: int) -> Row:
    loss, evals = run.metrics.loss, run.metrics.eval_loss
    left = []
    if loss is not None and loss.last is not None:
        left.append(Piece([("train ", "train"), (units.number(loss.last), "value")], 1))
    if evals is not None and evals.last is not None:
        left.append(Piece([("eval ", "eval"), (units.number(evals.last), "value")], 0))
    if not left:
        left.append(Piece([("no loss yet", "dim")]))
    best = run.checkpoints.best
    right = [Piece([("★ ", "best"), (clean(best.seen.name), "label")], 2)] if best else []
    return packed(left, right, width)


def _verdict(run: Run, width: int, now: float) -> Row:
    verdict = run.verdict(now)
    style = gap.SEVERITIES[verdict.severity]
    left = run.pace.remaining(now)
    done: Row = [("done in ", "dim"), (units.duration(left), "value")] if left is not None else []
    alive = run.state(now).word in ("running", "stalled", "starting")
    return packed(
        [Piece([(gap.word(verdict), style)], 0, least=6)], [Piece(done if alive else [], 1)], width
    )


def _machine(run: Run, width: int, now: float) -> Row:
    pieces = [Piece(devices.brief(run), 0, least=6)]
    if run.machine is not None and run.machine.disk_free is not None:
        pieces.append(
            Piece(
                [("disk ", "dim"), (f"{units.long_size(run.machine.disk_free)} free", "label")], 2
            )
        )
    return packed(
        pieces, [Piece([(units.clock(header.elapsed(run, now)), "label")], 1)], width, _DOT
    )
