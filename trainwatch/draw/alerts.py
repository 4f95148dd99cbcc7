"""The alerts of a run on a page, newest first, and below them what the eval loss said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.gap import SEVERITIES, figure
from trainwatch.draw.rows import fit, wrapped
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.draw.rows import Row
    from trainwatch.run.alerts import Alert
    from trainwatch.run.run import Run

_INDENT = 4


def page(
    run: Run, alerts: Sequence[Alert], columns: int, now: float, zone: int | None
) -> list[Row]:
    """Every alert with its time, value and state."""
    rows: list[Row] = []
    for alert in reversed(alerts):
        rows += [*_alert(alert, columns, now, zone), []]
    if not alerts:
        rows += [[("no alert while this was watched", "label")], []]
    rows += _earlier(run)
    return [fit(row, max(columns, 0)) for row in rows]


def _alert(alert: Alert, columns: int, now: float, zone: int | None) -> Iterator[Row]:
    style = SEVERITIES[alert.severity] if alert.state == "active" else "dim"
    mark = {"active": "!", "acknowledged": "·", "withdrawn": "✓"}[alert.state]
    since = units.time_of_day(alert.since, zone, now)
    until = "" if alert.until is None else f" until {units.time_of_day(alert.until, zone, now)}"
    where = "" if alert.step is None else f"  step {units.count(alert.step)}"
    value = "" if alert.value is None else f"  {figure(alert.value)}"
    yield [
        (f"  {mark} ", style), (f"{alert.rule.replace('-', ' '):<18}", style),
        (f"{alert.state:<13}", "text"), (f"{since}{until}{where}{value}", "label"),
    ]  # fmt: skip
    for line in wrapped(clean(alert.text), max(columns - _INDENT, 12)):
        yield [(" " * _INDENT + line, "label")]


def _earlier(run: Run) -> list[Row]:
    """Where the eval loss would have given an alarm, looked at evaluation by evaluation."""
    found = run.alarms
    if not found:
        return []
    rows: list[Row] = [[("overfitting, evaluation by evaluation", "title")]]
    for alarm in found:
        where = _place(alarm.step, alarm.epoch, alarm.index)
        dataset = f" of {clean(alarm.dataset, 40)}" if alarm.dataset else ""
        end = "stands"
        if alarm.withdrawn is not None:
            end = f"withdrawn {_place(alarm.withdrawn_step, None, alarm.withdrawn)}"
        rows.append(
            [
                ("  ! " if alarm.withdrawn is None else "  ✓ ", "text"),
                (f"eval loss{dataset} {units.number(alarm.value)} {where}, {end}", "label"),
            ]
        )
    return rows


def _place(step: int | None, epoch: float | None, index: int) -> str:
    if step is not None:
        return f"at step {units.count(step)}"
    return f"at epoch {epoch:.4g}" if epoch is not None else f"at evaluation {index + 1}"
