"""In one word: is it alive.

The law of this file: only what is known is said. An exit record is proof, a process that is there
is proof; a log that nobody is known to write is "unknown", however long it has been quiet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.run.case import Silence
from trainwatch.run.noise import median
from trainwatch.run.rules.silence import activity, patience, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch import facts
    from trainwatch.run.devices import Card
    from trainwatch.run.run import Run

Word: TypeAlias = Literal[
    "starting", "running", "stalled", "ended", "failed", "killed", "unknown", "replaying"
]

SIGNALS = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM",
    15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}  # fmt: skip
_UNRECORDED = (
    "process",
    "pane",
    "stdin",
    "log",
    "folder",
    "file",
)  # kinds of targets that trainwatch did not start
_CAUSES = {"oom": "out of memory"}


class RunState(NamedTuple):
    """The state of a run with the reason for it."""

    word: Word
    reason: str  # "" where the word says it all


def state_of(run: Run) -> RunState:
    """The state by everything known up to the newest fact."""
    if run.ended is not None:
        return _end(run.ended, run.target.kind if run.target else "")
    quiet = silence_of(run)
    if run.process is None:
        return _without_process(run, quiet)
    if run.process.state in ("gone", "zombie"):
        asked = run.target is not None and run.target.kind == "slurm"
        how = "Slurm is being asked how it ended" if asked else "how it ended is not known"
        return RunState("unknown", f"the process is gone; {how}")
    if run.process.state == "stopped":
        return RunState("stalled", "the process is stopped (SIGSTOP or Ctrl-Z)")
    return _with_process(run, quiet)


def _with_process(run: Run, quiet: Silence | None) -> RunState:
    late = quiet if quiet and quiet.seconds > patience(quiet, run.limits) else None
    if not run.lines and not len(run.metrics.rows) and run.progress.done is None:
        return RunState("starting", f"nothing printed for {span(late.seconds)}" if late else "")
    if late is None:
        return RunState("running", "")
    usual = f", usually every {span(late.usual)}" if late.usual else ""
    return RunState("stalled", f"no line for {span(late.seconds)}{usual}{activity(late)[0]}")


def _without_process(run: Run, quiet: Silence | None) -> RunState:
    target = run.target
    launched = target is not None and (target.pid is not None or target.kind in ("run", "slurm"))
    waits = run.troubles.get("job")
    if waits is not None:
        return RunState("starting", waits.text)
    if launched and not run.lines:
        return RunState("starting", "")
    heard = quiet is not None and run.pace.grew and quiet.seconds <= patience(quiet, run.limits)
    if launched or heard:
        return RunState("running", "")
    if not run.caught_up:
        return RunState("starting", "")
    said = f"; the last line came {span(quiet.seconds)} ago" if quiet and run.pace.grew else ""
    return RunState("unknown", f"no process is known to write it{said}")


def silence_of(run: Run) -> Silence | None:
    """How long nothing was printed, and what the machine does meanwhile; None when it is over."""
    if run.ended is not None or not run.caught_up:
        return None
    seconds = run.pace.silence(run.latest)
    if seconds is None:
        return None
    cards = [c for c in run.devices.cards if c.ours and not c.stale(run.latest)]
    readings = [c.reading for c in cards]
    return Silence(
        seconds,
        run.pace.usual,
        run.pace.longest,
        run.process.cpu if run.process else None,
        max((r.busy for r in readings if r.busy is not None), default=None),
        _sum([r.power for r in readings]),
        _sum([_usual_power(c) for c in cards]),
    )


def _usual_power(card: Card) -> float | None:
    drawn = [p for p in card.power if p is not None]
    return median(drawn) if drawn else None


def _sum(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def _end(ended: facts.Ended, kind: str) -> RunState:
    if ended.signal is not None:
        name = SIGNALS.get(ended.signal, f"signal {ended.signal}")
        return RunState("killed", f"{name}, {_cause(ended.cause)}" if ended.cause else name)
    if ended.code is None and ended.cause:
        return RunState("killed", _cause(ended.cause))
    if ended.code is None and kind in _UNRECORDED:
        return RunState("ended", "how is not known: nobody kept a record of it")
    if ended.code is None:
        return RunState("unknown", "it ended; how is not known")
    if ended.code == 0:
        return RunState("ended", "")
    told = f"exit code {ended.code}"
    return RunState("failed", f"{told}, {_cause(ended.cause)}" if ended.cause else told)


def _cause(cause: str) -> str:
    return _CAUSES.get(cause, cause)
