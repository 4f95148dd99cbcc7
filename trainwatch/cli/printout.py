"""One look at a run, printed: status, export, diagnose, checkpoints, report.

The law of this file: data goes to stdout in the shapes of ``draw.shapes``, or as text that ``draw``
made; a remark for the person goes to stderr. It formats nothing itself.
"""

from __future__ import annotations

import csv
import json
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from trainwatch.cli import config, fleet
from trainwatch.cli.console import console, show
from trainwatch.cli.gold import gold
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.cli.inquiry import look
from trainwatch.cli.metrics import patterns
from trainwatch.cli.rules import print_rules
from trainwatch.cli.target import expanded
from trainwatch.cli.way import reached
from trainwatch.draw import shapes
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.cli.grammar import Words
    from trainwatch.run.run import Run
    from trainwatch.run.verdict import Verdict

FINE, FOUND, NOT_JUDGED = 0, 1, 2  # exit codes of diagnose
_NO_TEXT = "\N{REPLACEMENT CHARACTER}"
_POINT = (
    "split",
    "name",
    "key",
    "dataset",
    "value",
    "step",
    "epoch",
    "rank",
    "time",
    "source",
    "offset",
)


def do_status(words: Words) -> int:
    """``trainwatch status`` and ``trainwatch attach --once``."""
    settings = config.load({})
    targets = expanded(words.operands)
    if len(targets) > 1:
        return fleet.show(targets, words)
    run, now = _run(words, devices=True)
    if words.has("--json"):
        return _print_json(shapes.status(run, now))
    from trainwatch.draw.plain import status

    place = console(settings.glyphs)
    sys.stdout.write(
        status(
            run,
            place.width,
            now,
            colour=place.colour,
            glyphs=place.glyphs,
            zone=place.zone,
        )
    )
    return 0


def do_export(words: Words) -> int:
    """``trainwatch export``."""
    run, _ = _run(words)
    with _output(words.value("--output")) as file:
        if words.value("--format") == "csv":
            writer = csv.DictWriter(file, _POINT, lineterminator="\n")
            writer.writeheader()
            writer.writerows(shapes.export_lines(run))
        else:
            for line in shapes.export_lines(run):
                file.write(json.dumps(line) + "\n")
    _remark_on_nothing(run)
    return 0


def do_diagnose(words: Words) -> int:
    """``trainwatch diagnose``; 1 = something is wrong, 2 = could not judge."""
    settings = config.load({})
    if words.has("--rules"):
        print_rules(words.has("--json"))
        return FINE
    run, now = _run(words)
    verdict = run.verdict(now)
    if words.has("--json"):
        _print_json(shapes.diagnose(verdict))
        _remark_on_nothing(run)
    else:
        from trainwatch.draw import gap

        show(gap.details(run, console().width, now), settings.glyphs)
        _remark_on_nothing(run)
    return _diagnosed(verdict)


def _diagnosed(verdict: Verdict) -> int:
    if verdict.state == "not-enough-data":
        return NOT_JUDGED
    return FOUND if verdict.severity in ("warning", "critical") else FINE


def do_checkpoints(words: Words) -> int:
    """``trainwatch checkpoints``."""
    settings = config.load({})
    form = _form(words)
    run, now = _run(words, deep=True)
    if form:
        for name, why in run.checkpoints.odd:
            sys.stderr.write(f"trainwatch: {clean(name)} was not looked into: {why}\n")
        with _output(words.value("--output")) as file:
            file.write(_table(run, form))
        return 0
    from trainwatch.draw import checkpoints
    from trainwatch.draw.glyphs import suited
    from trainwatch.draw.rows import plain

    place = console(settings.glyphs)
    view = checkpoints.CheckpointsView()
    known = len(checkpoints.ordered(run, view))
    high = checkpoints.height(run, view, place.width, now) if known else 4
    picture = checkpoints.draw(run, view, place.width, high, now)
    lines = plain(suited([picture.note, *picture.rows], place.glyphs)).splitlines()
    for line in filter(str.strip, lines):
        sys.stdout.write((line if known else line.strip()) + "\n")
    return 0


def _table(run: Run, form: str) -> str:
    """The checkpoints in a format of ``--format``, ending with a line end."""
    if form == "json":
        return json.dumps(shapes.checkpoints(run)) + "\n"
    if form == "csv":
        return shapes.csv_of(run.checkpoints.rows())
    from trainwatch.draw.report import markdown

    return markdown(run.checkpoints.rows()) + "\n"


def _form(words: Words) -> str:
    """What the checkpoints are written as; "" for the panel's own table. Raises UsageError."""
    form = words.value("--format") or ""
    if words.has("--json"):
        if form not in ("", "json"):
            raise UsageError(f"--json and --format {form} are two formats: give one")
        form = "json"
    if words.value("--output") and not form:
        raise UsageError("--output needs a format: --format json, csv or md")
    return form


def do_report(words: Words) -> int:
    """``trainwatch report``."""
    settings = config.load({})
    run, now = _run(words, devices=True)
    with _output(words.value("--output")) as file:
        if words.value("--format") == "json":
            parts = {
                "status": shapes.status(run, now),
                "verdict": shapes.diagnose(run.verdict(now)),
                "checkpoints": shapes.checkpoints(run),
                "alarms": shapes.alarms(run),
                "points": list(shapes.export_lines(run)),
            }
            file.write(json.dumps(parts) + "\n")
        else:
            from trainwatch.draw.report import report

            file.write(report(run, now, glyphs=console(settings.glyphs).glyphs))
    return 0


def _run(words: Words, *, devices: bool = False, deep: bool = False) -> tuple[Run, float]:
    with reached(expanded(words.operands)) as way:
        results = gold(words, here=way.is_here)
        session, now = look(way, devices=devices, patterns=patterns(words), deep=deep, gold=results)
    return session.run, now


def _print_json(value: object) -> int:
    sys.stdout.write(json.dumps(value) + "\n")
    return 0


@contextmanager
def _output(path: str | None) -> Iterator[IO[str]]:
    """stdout, or the file that was named."""
    if path is None:
        console()
        yield sys.stdout
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _remark_on_nothing(run: Run) -> None:
    """What could not be read, and why there is no number, where that needs a word."""
    for where, trouble in run.troubles.items():
        if where.partition(":")[0] in ("file", "journal"):
            sys.stderr.write(f"trainwatch: {clean(trouble.text)}\n")
    if next(iter(shapes.export_lines(run)), None) is None:
        sys.stderr.write(f"trainwatch: {_why_nothing(run)}\n")


def _why_nothing(run: Run) -> str:
    lines = run.lines + bool(run.log.live)
    if not lines:
        place = clean(run.target.name) if run.target else ""
        if run.target and run.target.kind == "folder":
            return f"no log and no metric file that can be read was found in {place}"
        if run.target and run.target.kind == "file":
            return f"{place} holds no metric that can be read"
        return "nothing was printed yet"
    found = f"no metric was found in {lines:,} line{'s' * (lines > 1)}"
    if any(_NO_TEXT in unread.sample for unread in run.samples):
        return f"{found}; this is no text in UTF-8: unpack or convert it first"
    if run.unread:
        return (
            f"{found}; {run.unread:,} hold numbers that were not understood"
            " (see: trainwatch doctor TARGET)"
        )
    return found
