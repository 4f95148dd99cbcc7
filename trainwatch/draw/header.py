"""The two lines on top: is it alive, how far is it, when is it done.

The law of this file: the state is a sign and a word; no state is told by colour alone. As the width
shrinks the command goes first and the state last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainwatch.draw import bars, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Row, fit
from trainwatch.read.clean import clean
from trainwatch.run.last_words import last_words

if TYPE_CHECKING:
    from trainwatch.draw.rows import Style
    from trainwatch.run.run import Run

_SIGNS: dict[str, tuple[str, str, Style]] = {
    "starting": ("○", "starting", "info"),
    "running": ("●", "training", "ok"),
    "stalled": ("◌", "stalled", "warning"),
    "ended": ("■", "ended", "ok"),
    "failed": ("✗", "failed", "critical"),
    "killed": ("✗", "killed", "critical"),
    "unknown": ("?", "unknown", "warning"),
    "replaying": ("▶", "replaying", "info"),
}
_THROUGHPUT = (
    "tokens_per_second",
    "tok/s",
    "tokens/s",
    "tps",
    "train_tokens_per_second",
    "tokens_per_sec",
)
_SCRIPTS = (".py", ".sh")
_BAR = 14
_DOT: Row = [(" · ", "dim")]


@dataclass(frozen=True)
class HeaderView:
    """What the screen knows and the run does not."""

    zone: int | None = None  # seconds east of UTC, for times of day; None = tell none
    replaying: str = ""  # how a journal is played: "4x", "paused"; "" for a live run
    alerts: int = 0  # that hold and that nobody has acknowledged


def rows(run: Run, view: HeaderView, width: int, height: int, now: float) -> list[Row]:
    """The two lines, or as many of them as there is room for."""
    if width <= 0:
        return [[] for _ in range(max(height, 0))]
    made = [_first(run, view, width, now), _second(run, view, width, now)][: max(height, 0)]
    return [*made, *(fit([], width) for _ in range(height - len(made)))]


def sign(run: Run, view: HeaderView, now: float) -> Row:
    """The state: a sign, a word, and the reason for it."""
    link = run.troubles.get("link")
    if link is not None:
        since = units.age(now - link.at)
        return [("◌ disconnected", "critical"), (f" {since}", "dim")]
    state = run.state()
    mark, word, style = _SIGNS[state.word]
    row: Row = [(f"{mark} {word}", style)]
    if state.reason:
        row.append((f" ({clean(state.reason, 80)})", style if style == "critical" else "dim"))
    if view.replaying:
        row = [(f"▶ replay {view.replaying} ", "info"), *row]
    return row


def name(run: Run) -> str:
    """What the run is called."""
    target = run.target
    if target is None:
        return "…"
    return clean(target.name or target.id or units.UNKNOWN, 80)


# --- first line ---------------------------------------------------------------------------


def _first(run: Run, view: HeaderView, width: int, now: float) -> Row:
    left = [
        Piece([("trainwatch", "accent")], 8),
        Piece([(name(run), "title")], 3, least=12),
        Piece([("· ", "dim"), (_command(run), "label")] if _command(run) else [], 9, least=14),
    ]
    fraction = run.progress.fraction
    right = [
        Piece(sign(run, view, now), 0, least=0 if width >= 60 else 10),
        Piece(_alerts(view.alerts), 1),
        Piece(_steps(run), 1),
        Piece(_epochs(run), 5),
        Piece(bars.line(fraction, _BAR) if fraction is not None else [], 7),
        Piece([] if fraction is None else [(f"{units.percent(fraction):>4}", "value")], 2),
    ]
    return packed(left, right, width)


def _alerts(count: int) -> Row:
    return [(f"! {count} alert{'s' * (count > 1)}", "warning")] if count else []


def _command(run: Run) -> str:
    """The command; its program and its scripts without their folders."""
    words = run.target.command if run.target else ()
    short = (
        word.rpartition("/")[2] or word if place == 0 or word.endswith(_SCRIPTS) else word
        for place, word in enumerate(words)
    )
    return clean(" ".join(short), 400)


def _steps(run: Run) -> Row:
    done, total = run.progress.done, run.progress.total
    if done is None:
        done = _last_step(run)
    if done is None:
        return []
    of = f"/{units.count(total)}" if total is not None else ""
    unit = "" if run.progress.unit == "step" else f" {run.progress.unit}"
    return (
        [(units.count(done) + of, "value"), (unit, "dim")]
        if unit
        else [(units.count(done) + of, "value")]
    )


def _last_step(run: Run) -> float | None:
    loss = run.metrics.loss
    return loss.step(len(loss) - 1) if loss is not None and len(loss) else None


def _epochs(run: Run) -> Row:
    epoch, epochs = run.progress.epoch, run.progress.epochs
    loss = run.metrics.loss
    if epoch is None and loss is not None and len(loss):
        epoch = loss.epoch(len(loss) - 1)
    if epoch is None:
        return []
    of = f"/{epochs:g}" if epochs else ""
    return [("epoch ", "dim"), (f"{epoch:.2f}{of}", "value")]


# --- second line --------------------------------------------------------------------------


def _second(run: Run, view: HeaderView, width: int, now: float) -> Row:
    target, took, alive = run.target, elapsed(run, now), _alive(run)
    moves = alive and run.state().word != "stalled"
    rate = run.pace.rate if moves else None
    left = [
        Piece([(clean(target.host, 60) or "here", "label")] if target else [], 5, least=9),
        Piece([(f"{len(run.nodes)} machines", "value")] if len(run.nodes) > 1 else [], 4),
        Piece([(f"pid {target.pid}", "dim")] if target and target.pid else [], 6),
        Piece([(units.clock(took), "label")] if took is not None else [], 3),
        Piece([(units.rate(rate), "value")] if rate else [], 2),
        Piece(_throughput(run) if moves else [], 4),
    ]
    link = run.troubles.get("link") or run.troubles.get("older")
    if link is not None:
        right = [Piece([(clean(link.text, 200), "warning")], 1, least=20)]
    else:
        right = _plans(run, view, now) if alive else _outcome(run, view)
    return packed(left, right, width, _DOT)


def _alive(run: Run) -> bool:
    return run.state().word in ("starting", "running", "stalled", "replaying")


def elapsed(run: Run, now: float) -> float | None:
    """Seconds that the training has run, or ran."""
    started = run.target.started if run.target else None
    if started is None:
        return run.progress.elapsed
    return (run.ended.at if run.ended else now) - started


def _throughput(run: Run) -> Row:
    for wanted in _THROUGHPUT:
        series = run.metrics.find(wanted)
        if series is not None and series.last is not None:
            return [(f"{units.short(series.last)} tok/s", "value")]
    return []


def _plans(run: Run, view: HeaderView, now: float) -> list[Piece]:
    """When it will be done and evaluated next; nothing of it can be told of a silent run."""
    if run.state().word == "stalled":
        return []
    left, finish = run.pace.remaining(now), run.pace.finish(now)
    pieces = []
    if left is not None and finish is not None and left >= 1:
        row: Row = [("done in ", "dim"), (units.duration(left), "value")]
        at = units.time_of_day(finish, view.zone, now)
        pieces.append(Piece([*row, (f", at {at}", "dim")] if at else row, 1))
    elif left is not None:
        pieces.append(Piece([("done any moment", "label")], 1))
    for what, coming, rank in (
        ("eval", run.next_evaluation(now), 4),
        ("save", run.next_checkpoint(now), 7),
    ):
        if coming is not None and coming.seconds is not None:
            soon = units.duration(coming.seconds) if coming.seconds >= 1 else "a moment"
            pieces.append(Piece([(f"next {what} in ", "dim"), (soon, "label")], rank))
    return pieces


def _outcome(run: Run, view: HeaderView) -> list[Piece]:
    ended = run.ended
    if ended is None:
        return []
    at = units.time_of_day(ended.at, view.zone, run.latest)
    died_of = clean(last_words(run), 300)
    return [
        Piece([(died_of, "critical")] if died_of else [], 1, least=48),
        Piece([(f"ended at {at}", "dim")] if at else [], 4),
    ]
