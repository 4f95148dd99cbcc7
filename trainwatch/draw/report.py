"""A run on one page of Markdown: what ran, how it ended, the curves, the verdict, what to keep.

The law of this file: it says what the screen says, with the same numbers, and names what was not
checked. Foreign text is clean and stands in code spans, so that it cannot become markup.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from trainwatch.draw import gap, header, loss, metrics, plain, units
from trainwatch.draw.plot import ChartView
from trainwatch.read.clean import clean
from trainwatch.run.gold import WIDE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.draw.glyphs import Glyphs
    from trainwatch.draw.plot import Plot
    from trainwatch.run.alarms import Alarm
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.gold import Gold
    from trainwatch.run.run import Run

_TALL = 18


def report(run: Run, now: float, *, width: int = 80, glyphs: Glyphs = "braille") -> str:
    """The page, ending with a line end."""
    parts: list[str] = [f"# Training report: {_text(header.name(run))}", _facts(run, now)]
    parts += _verdict(run, now)
    parts += ["## Loss", *_curve(loss.plot(run, now), width, glyphs)]
    parts += _keep(run, now)
    parts += _others(run)
    parts += _notices(run)
    return "\n\n".join(part for part in parts if part) + "\n"


# --- what ran -----------------------------------------------------------------------------


def _facts(run: Run, now: float) -> str:
    target, ended, progress = run.target, run.ended, run.progress
    state = run.state()
    how = state.word + (f" ({_text(state.reason)})" if state.reason else "")
    rows = [("state", how)]
    if target is not None:
        rows += [("command", _code(" ".join(target.command)))] if target.command else []
        rows += [("folder", _code(target.cwd))] if target.cwd else []
        rows += [("machine", _code(target.host))] if target.host else []
        rows += [("started", _when(target.started))] if target.started else []
    if ended is not None:
        rows.append(("ended", _when(ended.at)))
    took = header.elapsed(run, ended.at if ended else now)
    rows += [("took", units.duration(took))] if took is not None else []
    if progress.done is not None:
        of = f" of {units.count(progress.total)}" if progress.total is not None else ""
        rows.append((f"{progress.unit}s", units.count(progress.done) + of))
    rows += [("pace", units.rate(run.pace.rate))] if run.pace.rate else []
    unread = f", {units.count(run.unread)} with numbers not understood" if run.unread else ""
    rows.append(("log", f"{units.count(run.lines)} lines{unread}"))
    return _table(("", ""), rows)


def _when(at: float | None) -> str:
    """A moment in UTC."""
    if at is None or not 0 <= at < 32503680000:
        return units.UNKNOWN
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- what the curves say ------------------------------------------------------------------


def _verdict(run: Run, now: float) -> list[str]:
    verdict = run.verdict(now)
    parts = [f"## Verdict: {gap.word(verdict)}", _text(verdict.headline)]
    parts += [_text(verdict.advice)] if verdict.advice else []
    if verdict.gap is not None:
        g = verdict.gap
        parts.append(
            f"Gap: eval {units.number(g.eval)} − train {units.number(g.train)} = {units.signed(g.value)}."
        )
    if verdict.evidence:
        rows = [(name.replace("_", " "), gap.figure(v)) for name, v in verdict.evidence.items()]
        parts.append(_table(("evidence", "value"), rows))
    if verdict.checks:
        parts.append(
            _table(
                ("check", "result", "why"),
                [(c.rule, c.result, _text(c.why)) for c in verdict.checks],
            )
        )
    return [*parts, *_alarms(run), f"*{verdict.note}*"]


def _alarms(run: Run) -> list[str]:
    """When the eval loss gave an alarm, and when it was withdrawn."""
    rows = [
        (
            f"step {units.count(a.step)}" if a.step is not None else f"evaluation {a.index + 1}",
            _text(a.dataset or ""),
            units.number(a.value),
            _until(a),
        )
        for a in run.alarms
    ]
    return [_table(("alarm at", "of", "eval loss", "state"), rows)] if rows else []


def _until(alarm: Alarm) -> str:
    if alarm.withdrawn is None:
        return "stands"
    step = alarm.withdrawn_step
    where = f"evaluation {alarm.withdrawn + 1}" if step is None else f"step {units.count(step)}"
    return f"withdrawn at {where}"


def _curve(plot: Plot, width: int, glyphs: Glyphs) -> list[str]:
    lines = plain.chart(plot, ChartView(), width, _TALL, glyphs=glyphs)
    return ["```text\n" + "\n".join(lines).replace("```", "'''") + "\n```"]


# --- what to keep -------------------------------------------------------------------------


def _keep(run: Run, now: float) -> list[str]:
    rows = run.checkpoints.rows()
    if not rows:
        return ["## Checkpoints", "No checkpoint was found."]
    return ["## Which checkpoint to keep", _choice(run, rows, now), markdown(rows)]


def _choice(run: Run, rows: Sequence[Checkpoint], now: float) -> str:
    worth = run.verdict(now).worth
    best = next((c for c in rows if "best" in c.marks), None)
    if worth is not None and worth.disagree:
        picks = ", ".join(f"{_text(k)} picks {_code(v)}" for k, v in worth.best_by.items())
        return f"The measures disagree: {picks}. Judge by what the model is for."
    if best is None:
        last = next((c for c in rows if "last" in c.marks), None)
        if last is None:
            return "None of them is complete."
        return f"Nothing was evaluated, so none can be called best; the newest complete one is {_code(last.seen.name)}."
    said = f"Keep {_code(best.seen.name)}: eval loss {units.number(best.eval_loss)}"
    others = [c.eval_loss for c in rows if c.eval_loss is not None and c is not best]
    if others:
        said += f", the next best has {units.number(min(others))}"
    resume = f" Resume from it with {_code(best.resume)}." if best.resume else ""
    return said + "." + resume


def markdown(rows: Sequence[Checkpoint]) -> str:
    """The checkpoints as a table, without a line end."""
    head = ("checkpoint", "step", "epoch", "eval loss", "gap", "gold", "size", "state", "marks")
    return _table(
        head,
        [
            (
                _code(c.seen.name),
                units.count(c.seen.step),
                units.UNKNOWN if c.seen.epoch is None else f"{c.seen.epoch:.2f}",
                units.number(c.eval_loss),
                units.signed(c.gap),
                ", ".join(map(_gold, c.gold)) or units.UNKNOWN,
                units.long_size(c.bytes),
                c.seen.state + (f": {_text(c.seen.reason)}" if c.seen.reason else ""),
                ", ".join(c.marks),
            )
            for c in rows
        ],
    )


def _gold(gold: Gold) -> str:
    """A score with its interval and the number of examples, as far as they are told."""
    spread = "" if gold.stderr is None else f" ± {units.number(WIDE * gold.stderr, 2)}"
    count = "" if gold.n is None else f" (n {units.count(gold.n)})"
    return f"{_text(gold.metric)} {units.number(gold.value)}{spread}{count}{', stale' * gold.stale}"


# --- the rest -----------------------------------------------------------------------------


def _others(run: Run) -> list[str]:
    """Newest, smallest and largest value of every quantity."""
    rows = []
    for plot in metrics.plots(run):
        for series in plot.every:
            low, high = metrics.range_of(series)
            key = series.key
            rows.append(
                (
                    _code(plot.name),
                    key.split + (f" {_code(key.dataset)}" if key.dataset else ""),
                    units.number(series.last),
                    units.number(low),
                    units.number(high),
                    units.count(len(series)),
                    units.count(len(series.marks)) if series.marks else "",
                )
            )
    head = ("metric", "of", "last", "lowest", "highest", "points", "not finite")
    return ["## Metrics", _table(head, rows)] if rows else []


def _notices(run: Run) -> list[str]:
    lines = [
        "- " + "; ".join(map(_text, filter(None, (t.text, t.fix)))) for t in run.troubles.values()
    ]
    lines += [f"- {n.kind}: {_code(n.text)}" for n in run.notices]
    return ["## Noted on the way", "\n".join(lines)] if lines else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _text(text: str) -> str:
    """Foreign words that must not become markup."""
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in clean(text))


def _code(text: str) -> str:
    """A code span that holds any text."""
    safe = clean(text).replace("|", "\\|")
    longest = max((len(ticks) for ticks in re.findall("`+", safe)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{safe}{space}{fence}"
