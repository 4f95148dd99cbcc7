"""Everything in four lines, for a screen too small for panels; what room is left says more.

The law of this file: the four lines always stand where they stand; then comes the verdict's sentence,
and a chart only where there is room for one that can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import chart, devices, gap, header, loss, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.plot import ChartView, settled
from trainwatch.draw.rows import Row, fit
from trainwatch.read.clean import clean
from trainwatch.run.last_words import last_words

if TYPE_CHECKING:
    from trainwatch.draw.header import HeaderView
    from trainwatch.run.run import Run

_ALIVE = ("running", "stalled", "starting")
_DOT: Row = [(" · ", "dim")]
_SENTENCE = 2
"""Lines that the verdict's sentence may take."""
_CHART = 5
"""Lines below which a chart tells nothing."""


def rows(
    run: Run,
    view: HeaderView,
    width: int,
    height: int,
    now: float,
    *,
    looked: ChartView | None = None,
) -> list[Row]:
    """Alive, learning, verdict, machine: as many lines as there are, the first the weightiest.

    ``looked``: how a person looks at the loss.
    """
    if width <= 0:
        return [[] for _ in range(max(height, 0))]
    made = [
        _alive(run, view, width, now),
        _learning(run, width, now),
        _verdict(run, width, now),
        _machine(run, width, now),
    ][: max(height, 0)]
    made += _more(run, looked or ChartView(), width, height - len(made), now)
    return [*made, *(fit([], width) for _ in range(height - len(made)))]


def _more(run: Run, looked: ChartView, width: int, height: int, now: float) -> list[Row]:
    """What the verdict says, and the loss."""
    told = gap.told(gap.sentences(run, run.verdict(now)), width, min(height, _SENTENCE))
    said = [fit(row, width) for row in told]
    room = height - len(said)
    if room < _CHART:
        return said
    plot = loss.plot(run, now)
    return [*said, *chart.draw(plot, settled(looked, plot), width, room).rows]


def _alive(run: Run, view: HeaderView, width: int, now: float) -> Row:
    progress = run.progress
    where = "" if progress.done is None else units.count(progress.done)
    of = "" if progress.total is None else f"/{units.count(progress.total)}"
    return packed(
        [Piece(header.sign(run, view, now), 0, least=8), Piece([(where + of, "value")] if where else [], 1)],
        [Piece([(units.percent(progress.fraction), "label")] if progress.fraction is not None else [], 2)],
        width,
    )  # fmt: skip


def _learning(run: Run, width: int, now: float) -> Row:
    loss, evals = run.metrics.loss, run.metrics.eval_loss
    left = []
    if loss is not None and loss.last is not None:
        left.append(Piece([("train ", "train"), (units.number(loss.last), "value")], 1))
    if evals is not None and evals.last is not None:
        left.append(Piece([("eval ", "eval"), (units.number(evals.last), "value")], 0))
    if not left:
        left.append(Piece([("no loss yet", "dim")]))
    seconds = run.pace.remaining(now) if run.state().word in _ALIVE else None
    done: Row = (
        [("done in ", "dim"), (units.duration(seconds), "value")] if seconds is not None else []
    )
    return packed(left, [Piece(done, 2)], width)


def _verdict(run: Run, width: int, now: float) -> Row:
    verdict = run.verdict(now)
    style = gap.SEVERITIES[verdict.severity]
    best = run.checkpoints.best
    kept: Row = [("★ ", "best"), (clean(best.seen.name), "label")] if best else []
    died_of = clean(last_words(run), 300)
    return packed(
        [
            Piece([(gap.word(verdict), style)], 1 if died_of else 0, least=6),
            Piece([(died_of, "critical")] if died_of else [], 0, least=12),
        ],
        [Piece(kept, 2)],
        width,
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
