"""The machine-readable shapes of the command line.

The law of this file: names and nesting are stable, additions allowed. What is not known is null,
never zero; numbers that are not finite are the strings "NaN", "Infinity", "-Infinity".
"""

from __future__ import annotations

from math import isfinite, isnan
from typing import TYPE_CHECKING, TypeAlias

from trainwatch.read.clean import clean
from trainwatch.read.likeness import TWIN
from trainwatch.run.marks import home
from trainwatch.run.node import called, unwell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.run.alerts import Alert
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.node import Node
    from trainwatch.run.run import Run
    from trainwatch.run.verdict import Verdict

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def number(value: float | None) -> Json:
    """A number as JSON can hold it."""
    if value is None or isfinite(value):
        return value
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def export_lines(run: Run) -> Iterator[dict[str, Json]]:
    """Every point, in the order read."""
    for point in run.metrics.points():
        yield {
            "split": point.split,
            "name": point.name,
            "key": point.key,
            "dataset": point.dataset,
            "value": number(point.value),
            "step": point.step,
            "epoch": number(point.epoch),
            "rank": point.rank,
            "time": number(point.time),
            "source": point.source,
            "offset": point.offset,
        }


def diagnose(verdict: Verdict) -> dict[str, Json]:
    """The verdict with its evidence."""
    return {
        "state": verdict.state,
        "severity": verdict.severity,
        "headline": verdict.headline,
        "advice": verdict.advice,
        "best": _named(verdict.best),
        "last": _named(verdict.last),
        "gap": _named(verdict.gap),
        "evidence": {name: number(value) for name, value in verdict.evidence.items()},
        "checks": [{"rule": c.rule, "result": c.result, "why": c.why} for c in verdict.checks],
        "worth": None
        if verdict.worth is None
        else {"best_by": dict(verdict.worth.best_by), "disagree": verdict.worth.disagree},
        "dataset": verdict.dataset,
        "noise": number(verdict.noise),
        "no_gap": verdict.no_gap or None,
        "note": verdict.note,
    }


def _named(values: tuple[str | int | float | None, ...] | None) -> dict[str, Json] | None:
    if values is None:
        return None
    names: tuple[str, ...] = values._fields  # type: ignore[attr-defined]
    return {
        name: number(value) if isinstance(value, float) else value
        for name, value in zip(names, values, strict=True)
    }


def checkpoints(run: Run) -> list[dict[str, Json]]:
    """The checkpoints, by step."""
    return [_checkpoint(c) for c in run.checkpoints.rows()]


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Json]:
    seen = checkpoint.seen
    return {
        "path": seen.path,
        "name": seen.name,
        "run": home(seen),
        "layout": seen.layout,
        "step": seen.step,
        "epoch": number(seen.epoch),
        "created": number(seen.created),
        "bytes": checkpoint.bytes,
        "parts": {**seen.parts},
        "state": seen.state,
        "reason": seen.reason,
        "progress": number(seen.progress),
        "resumable": seen.resumable,
        "same_weights_as": dict(seen.facts).get(TWIN),
        "marks": list(checkpoint.marks),
        "metrics": {name: number(value) for name, value in checkpoint.metrics},
        "gold": [
            {
                "metric": gold.metric,
                "value": number(gold.value),
                "n": gold.n,
                "stderr": number(gold.stderr),
                "source": gold.source,
                "stale": gold.stale,
            }
            for gold in checkpoint.gold
        ],
        "resume": checkpoint.resume,
    }


def alarms(run: Run) -> list[dict[str, Json]]:
    """Where the eval loss gave an alarm, and where it was withdrawn."""
    return [
        {
            "dataset": alarm.dataset,
            "evaluation": alarm.index + 1,
            "step": alarm.step,
            "epoch": number(alarm.epoch),
            "value": number(alarm.value),
            "withdrawn": None if alarm.withdrawn is None else alarm.withdrawn + 1,
            "withdrawn_step": alarm.withdrawn_step,
        }
        for alarm in run.alarms
    ]


def alert(told: Alert, run: Run) -> dict[str, Json]:
    """One alert, as a webhook and a command of one's own get it."""
    target = run.target
    return {
        "rule": told.rule,
        "severity": told.severity,
        "state": told.state,
        "text": told.text,
        "value": number(told.value),
        "step": told.step,
        "since": number(told.since),
        "until": number(told.until),
        "run": {
            "id": target.id if target else "",
            "name": target.name if target else "",
            "host": target.host if target else "",
            "command": list(target.command) if target else [],
        },
    }


def status(run: Run, now: float | None = None) -> dict[str, Json]:
    """The facts of the header."""
    target, ended = run.target, run.ended
    now = run.latest if now is None else now
    loss, evals = run.metrics.loss, run.metrics.eval_loss
    return {
        "id": target.id if target else "",
        "name": target.name if target else "",
        "command": list(target.command) if target else [],
        "host": target.host if target else "",
        "pid": target.pid if target else None,
        "kind": target.kind if target else "",
        "note": (target.note or None) if target else None,
        "state": _state(run),
        "exit": None
        if ended is None
        else {"code": ended.code, "signal": ended.signal, "cause": ended.cause},
        "step": None if run.progress.done is None else int(run.progress.done),
        "total_steps": None if run.progress.total is None else int(run.progress.total),
        "epoch": number(run.progress.epoch),
        "started": number(target.started) if target else None,
        "ended": number(ended.at) if ended else None,
        "rate": number(run.pace.rate),
        "eta": number(run.pace.remaining(now)) if ended is None else None,
        "loss": number(loss.last) if loss else None,
        "eval_loss": number(evals.last) if evals else None,
        "verdict": run.verdict(now).state,
        "nodes": [_node(run, node, now) for node in run.nodes] if len(run.nodes) > 1 else [],
    }


def _state(run: Run) -> str:
    """In one word; what runs and has printed nothing yet is running, only a job that waits is starting."""
    word = run.state().word
    if word != "starting" or "job" in run.troubles:
        return word
    return "running" if run.target else "unknown"


def _node(run: Run, node: Node, now: float) -> dict[str, Json]:
    """One of the machines of a training on several."""
    process = node.process
    return {
        "name": called(run, node),
        "state": unwell(run, node) or "ok",
        "age": number(node.age(now)),
        "pids": list(process.tree) if process is not None else [],
        "cpu": number(process.cpu) if process is not None else None,
        "memory": process.memory if process is not None else None,
        "gpus": [
            {
                "index": card.reading.index,
                "name": card.reading.name,
                "used": card.ours,
                "busy": number(card.reading.busy),
                "memory_used": card.reading.memory_used,
                "memory_total": card.reading.memory_total,
            }
            for card in node.devices.cards
        ],
    }


_LONGEST = 1 << 12  # of a cell


def csv_of(rows: Sequence[Checkpoint]) -> str:
    """Checkpoints as CSV: what a spreadsheet needs of each, every metric a column; clean text."""
    metrics = list(dict.fromkeys(name for row in rows for name, _ in row.metrics))
    gold = list(dict.fromkeys(g.metric for row in rows for g in row.gold))
    plain = ("name", "step", "epoch", "state", "resumable", "bytes", "path")
    lines = [[*plain, "marks", *metrics, *(f"gold:{name}" for name in gold)]]
    for row in rows:
        told = _checkpoint(row)
        values = dict(row.metrics)
        scores = {g.metric: g.value for g in row.gold}
        cells: list[Json] = [told[name] for name in plain]
        cells.append(" ".join(row.marks))
        cells += [values.get(name) for name in metrics] + [scores.get(name) for name in gold]
        lines.append(["" if cell is None else clean(str(cell), _LONGEST) for cell in cells])
    return "".join(",".join(map(_cell, line)) + "\n" for line in lines)


def _cell(text: str) -> str:
    """Quoted where a comma, a quote or a line break stands in it (RFC 4180)."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
