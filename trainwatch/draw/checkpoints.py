"""The panel of the checkpoints: the table, what is true of all of them, and what to know.

The law of this file: the newest news stands below the table; what does not fit is left out whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.rows import Picture, clip, fit, length, width
from trainwatch.draw.table import LOSS, SORTS, CheckpointsView, Table, measures, ordered
from trainwatch.read.clean import clean
from trainwatch.run.advice import advice, runway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row, Style
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.run import Run
    from trainwatch.run.work import Work

__all__ = ["SORTS", "CheckpointsView", "at", "draw", "first", "height", "measures", "ordered"]


def draw(run: Run, view: CheckpointsView, columns: int, lines: int, now: float) -> Picture:
    """The table with its footer."""
    columns, lines = max(columns, 0), max(lines, 0)
    rows = ordered(run, view)
    title: Row = [("checkpoints", "title")]
    if view.filter:
        title.append((f"  /{clean(view.filter)}", "found"))
    if not rows and not (view.filter and run.checkpoints.seen):
        return Picture(title, [], _none(run, columns, lines))
    table = Table(run, rows, max(columns - 1, 0), now, view)
    foot = _fitting(_foot(run, view, columns, now), len(rows), lines)
    head = [table.head()] if lines >= 3 else []
    room = max(lines - len(head) - len(foot), 0)
    shown = rows[first(rows, view, room) :][:room]
    body = [table.row(c, view) for c in shown]
    body += [[] for _ in range(room - len(body))]
    made = [fit(row, columns) for row in [*head, *body, *foot][:lines]]
    return Picture(title, _note(run, columns - width("checkpoints") - 6), made)


def height(run: Run, view: CheckpointsView, columns: int, now: float) -> int:
    """Lines that everything takes."""
    return 1 + len(ordered(run, view)) + len(_foot(run, view, columns, now))


def _fitting(foot: list[Row], rows: int, lines: int) -> list[Row]:
    """So much of the footer as leaves the table its room: at least half of all lines."""
    room = lines - 1 - (rows if lines > rows + len(foot) else min(rows, (lines + 1) // 2))
    return foot[: max(room, 0)] if lines >= 4 else []


def first(rows: Sequence[Checkpoint], view: CheckpointsView, room: int) -> int:
    """The first row that is shown, so that the cursor is seen."""
    top = min(max(view.top, 0), max(len(rows) - room, 0))
    at = next((k for k, c in enumerate(rows) if c.seen.path == view.cursor), None)
    if at is None:
        return max(len(rows) - room, 0) if view.cursor is None and view.top == 0 else top
    return min(max(top, at - room + 1), at)


def at(
    run: Run, view: CheckpointsView, size: tuple[int, int], y: int, now: float
) -> Checkpoint | None:
    """The checkpoint on line ``y`` of the drawn table."""
    rows = ordered(run, view)
    columns, lines = size
    head = 1 if lines >= 3 else 0
    foot = _fitting(_foot(run, view, columns, now), len(rows), lines)
    room = max(lines - head - len(foot), 0)
    number = first(rows, view, room) + y - head
    return rows[number] if 0 <= y - head < room and number < len(rows) else None


def _note(run: Run, columns: int) -> Row:
    """How many, how large, and for how many more there is room: as much as fits."""
    rows = run.checkpoints.rows()
    once = {(c.seen.name, c.bytes, c.seen.created): c.bytes for c in rows}  # kept ones share bytes
    basis = f"{units.count(len(rows))} · {units.long_size(sum(once.values()))}"
    room = runway(run, rows)
    if room is None:
        return [(basis, "dim")]
    more = [f"room for {units.short(room.saves)} more"]
    if room.keeps is not None:
        more.insert(0, f"keeps {room.keeps} · {more[0]}")
    elif room.seconds is not None:
        saves = f"room for {units.short(room.saves)} saves"
        more.insert(0, f"{saves}, about {units.duration(room.seconds)}")
    style: Style = "warning" if room.saves < 2 else "dim"
    texts = [f"{basis} · {one}" for one in more] + more[-1:]
    return [(next((t for t in texts if width(t) <= columns), basis), style)]


def _none(run: Run, columns: int, lines: int) -> list[Row]:
    roots = run.target.roots if run.target else []
    trouble = run.troubles.under("folder")
    texts = ["no checkpoint yet"]
    if trouble is not None:
        texts = [clean(trouble.text), clean(trouble.fix)]
    elif roots:
        texts.append(
            f"watching {clean(roots[0])}" + (f" and {len(roots) - 1} more" if roots[1:] else "")
        )
    else:
        texts.append("the output folder is not known: attach it by its path")
    texts += [f"{clean(name)}: {clean(why)}" for name, why in run.checkpoints.odd]
    rows: list[Row] = [[] for _ in range(max((lines - len(texts)) // 2, 0))]
    for number, text in enumerate(t for t in texts if t):
        short = clip(text, max(columns - 2, 0))
        rows.append(
            [
                (" " * max((columns - width(short)) // 2, 0), "text"),
                (short, "dim" if number else "label"),
            ]
        )
    rows += [[] for _ in range(max(lines - len(rows), 0))]
    return [fit(row, columns) for row in rows[:lines]]


def _foot(run: Run, view: CheckpointsView, columns: int, now: float) -> list[Row]:
    """What to know, what is being done, which one each measure picks, what comes next."""
    rows: list[Row] = []
    work = run.works.current
    if work is not None:
        rows.append(_work(work))
    told = advice(run, run.checkpoints.rows())
    rows += [[(" " + clip(clean(text), columns - 1), "warning")] for text in told[:2]]
    rows += _picks(run, view, columns)
    odd = run.checkpoints.odd
    if odd:
        more = f" and {len(odd) - 1} more" if odd[1:] else ""
        rows.append([(f" {clean(odd[0][0])}: {clean(odd[0][1])}{more}", "dim")])
    coming = run.next_checkpoint(now)
    if coming is not None:
        when = f" in {units.duration(coming.seconds)}" if coming.seconds is not None else ""
        rows.append([(f" next save at {units.count(coming.step)}{when}", "dim")])
    return rows


def _work(work: Work) -> Row:
    """A job that goes on."""
    name = clean(work.job.path.rstrip("/").rpartition("/")[2])
    share = f" {units.percent(work.share)}" if work.share is not None else ""
    return [(f" {work.job.action} {name} …{share}", "info")]


def _picks(run: Run, view: CheckpointsView, columns: int) -> list[Row]:
    verdict = run.verdict(run.latest)
    worth = verdict.worth
    if worth is not None and worth.best_by:
        by_pick: dict[str, list[str]] = {}
        for measure, picked in worth.best_by.items():
            by_pick.setdefault(picked, []).append(_plain(measure))
        told: list[Row] = [[("they disagree:", "warning")]] if worth.disagree else []
        for picked, names in by_pick.items():
            verb = "pick" if names[1:] else "picks"
            told.append([(f"{', '.join(names)} {verb} ", "dim"), (_number(picked), "value")])
        if view.measure != LOSS:
            told.append([(f"★ by {_plain(view.measure)}", "best")])
        return _filled(told, columns)
    if verdict.best is not None and verdict.best.checkpoint:
        return [[(" eval_loss picks ", "dim"), (_number(verdict.best.checkpoint), "value")]]
    return []


def _filled(pieces: list[Row], columns: int) -> list[Row]:
    """The pieces in as few lines as they need, none cut as long as one fits a line."""
    lines: list[Row] = []
    for piece in pieces:
        last = lines[-1] if lines else None
        between = " " if last and last[-1][0].endswith(":") else " · "
        if last is not None and length(last) + len(between) + length(piece) <= columns:
            lines[-1] = [*last, (between, "dim"), *piece]
        else:
            lines.append([(" ", "text"), *piece])
    return lines


def _plain(measure: str) -> str:
    return clean(measure.removeprefix("gold:")) if ":" in measure else clean(measure)


def _number(name: str) -> str:
    """The step in a checkpoint's name, or the name itself."""
    return clean(name.removeprefix("checkpoint-"))
