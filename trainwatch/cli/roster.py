"""The runs on this machine or on another: list them, stop one."""

from __future__ import annotations

import json
import shlex
import sys
import time
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.cli.console import console
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.inquiry import answers, asking, look, stop
from trainwatch.cli.ledger import Ledger
from trainwatch.cli.rules import limits
from trainwatch.cli.target import parse
from trainwatch.cli.way import NOT_FOUND, reached
from trainwatch.draw import shapes, units
from trainwatch.draw.glyphs import to_ascii
from trainwatch.draw.rows import clip, width
from trainwatch.probe import runs
from trainwatch.read.clean import clean
from trainwatch.run.run import Run
from trainwatch.run.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from trainwatch.cli.grammar import Words
    from trainwatch.cli.way import Way
    from trainwatch.draw.shapes import Json
    from trainwatch.link import Link
    from trainwatch.run.limits import Limits

    Listed: TypeAlias = tuple[facts.RunSeen, dict[str, Json]]

SHOWN = 20  # runs, unless all are asked for
_HEAD = ("id", "name", "state", "step", "loss", "eval", "verdict", "age", "command")
_RECORD = 3.0  # seconds that the supervisor may take to write down how it ended


def do_list(words: Words) -> int:
    """``trainwatch list``."""
    if words.operands:
        word = words.operands[0]
        if not parse(word).host or parse(word).where:
            raise CommandError(f"list takes a host, HOST:, not {word!r}")
    with reached(words.operands) as way, asking(way.link()) as link:
        known = _known(link)
        own = [run for run in known if not _is_found(run)]
        shown = own if words.has("--all") or words.has("--json") else own[:SHOWN]
        listed = [*_runs(shown, link), *_strangers([run for run in known if _is_found(run)], way)]
    if words.has("--json"):
        sys.stdout.write(json.dumps([shape for _, shape in listed]) + "\n")
        return 0
    if not known:
        there = f"run --on {way.host}" if way.host else "run"
        _say(f"no run there yet; start one: trainwatch {there} python train.py")
        return 0
    now = time.time()
    _print_table([_HEAD, *(_row(seen, shape, now) for seen, shape in listed)])
    if len(own) > len(shown):
        _say(f"{len(own) - len(shown)} older runs: trainwatch list --all")
    found = next((seen.id for seen, _ in listed if _is_found(seen)), None)
    if found is not None:
        _say(f"in brackets: not started by trainwatch; to watch one: trainwatch attach {found}")
    return 0


def _known(link: Link) -> list[facts.RunSeen]:
    link.send(facts.ListRuns())
    for fact in answers(link):
        if isinstance(fact, facts.Runs):
            return fact.runs
    return []


def _is_found(run: facts.RunSeen) -> bool:
    """Whether it is a process that somebody else started: then its id is a number."""
    return run.id.isdigit()


def _runs(known: list[facts.RunSeen], link: Link) -> Iterator[Listed]:
    """The runs; those that have ended are read once and then known."""
    rules = limits()
    ledger = Ledger(rules)
    for one in known:
        shape = ledger.find(one)
        if shape is None:
            try:
                shape = shapes.status(_read(one, link, rules))
            except CommandError as error:
                if error.code != NOT_FOUND:
                    raise
                shape = shapes.status(Run())  # it was removed meanwhile: the others are listed
            else:
                ledger.put(one, shape)
        yield one, shape
    ledger.save()


def _strangers(known: list[facts.RunSeen], way: Way) -> Iterator[Listed]:
    """Those that can be looked at; each is looked at once and then left alone."""
    for one in known:
        try:
            look_at = look(way.to(one.id))
        except CommandError:
            continue  # it has ended meanwhile, or is no training
        yield one, {**shapes.status(look_at.session.run, look_at.now), "id": one.id}


def _read(run: facts.RunSeen, link: Link, rules: Limits) -> Run:
    """Everything about one run, through the open link."""
    session = Session()
    session.run.limits = rules
    folder = run.log.rpartition("/")[0]  # its id could be the name of a file as well
    link.send(session.reader.watch(folder, live=False))
    begun = False  # facts of the run that was watched before may still be on their way
    for fact in answers(link):
        begun = begun or (isinstance(fact, facts.Target) and fact.id == run.id)
        if begun:
            session.feed(fact)
            if session.run.caught_up:
                break
    full = session.run.troubles.under("room:")
    if full is not None:
        _say(clean(f"{run.name or run.id}: {full.text}; {full.fix}"))
    return session.run


def _row(seen: facts.RunSeen, shape: dict[str, Json], now: float) -> tuple[str, ...]:
    verdict = str(shape["verdict"])
    return (
        clean(seen.id),
        f"({clean(seen.name)})" if _is_found(seen) else clean(seen.name) or units.UNKNOWN,
        str(shape["state"]) if seen.state == "running" else seen.state,
        units.count(_number(shape["step"])),
        units.number(_number(shape["loss"])),
        units.number(_number(shape["eval_loss"])),
        units.UNKNOWN if verdict == "not-enough-data" else verdict,
        units.age(now - seen.started if seen.started else None),
        clean(shlex.join(seen.command)) or "(its record cannot be read)",
    )


def _number(value: Json) -> float | None:
    """A number of a shape, where those that are not finite are words."""
    return float(value) if isinstance(value, int | float | str) else None


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns as wide as their widest cell; on a terminal the last is cut at its edge."""
    place = console()
    wide = [max(width(row[k]) for row in rows) for k in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [c + " " * (w - width(c)) for c, w in zip(row[:-1], wide, strict=True)]
        line = "  ".join([*cells, row[-1]])
        if sys.stdout.isatty():
            line = clip(line, place.width)
        sys.stdout.write((to_ascii(line) if place.glyphs == "ascii" else line) + "\n")


def do_stop(words: Words) -> int:
    """``trainwatch stop``; 1 = something is left."""
    grace, now = _seconds(words.value("--grace")), words.has("--now")
    answer = facts.Answer(False, True, "", 0.0)
    with reached(words.operands) as way:
        ours = way.is_here and not way.where.startswith("slurm:")
        run = _one_run(way.where) if ours else None
        for answer in stop(way.to(run.id) if run else way, now, grace):
            ended = run is not None and answer.done and answer.ok
            _say(_how_it_ended(run, answer.text) if run and ended else clean(answer.text))
    return 0 if answer.ok else answer.code


def _one_run(where: str) -> runs.Run:
    found = runs.find(where)
    if len(found) > 1:
        names = ", ".join(run.id for run in found)
        text = f"{where!r} could be any of the runs {names}: give more of the id"
        raise CommandError(text, NOT_FOUND)
    if found:
        return found[0]
    if not where:
        raise CommandError("there is no run here yet", NOT_FOUND)
    if where.isdigit():
        why = f"no run has the process {where}; trainwatch stops only what it started"
        raise CommandError(f"{why}, for others there is: kill -INT {where}", NOT_FOUND)
    if where.startswith("tmux:"):
        raise CommandError(f"{clean(where)}: trainwatch stops only what it started", NOT_FOUND)
    raise CommandError(f"there is no run called {clean(where)}; see: trainwatch list", NOT_FOUND)


def _seconds(text: str | None) -> float:
    from trainwatch.cli import config

    return config.load({} if text is None else {"grace": text}).grace


def _how_it_ended(run: runs.Run, text: str) -> str:
    """The last sentence, with what the exit record says; the record comes right after the end."""
    end = time.monotonic() + _RECORD
    while time.monotonic() < end:
        ended, _ = runs.load_exit(run.folder)
        if ended is not None:
            how = f"signal {ended.signal}" if ended.signal is not None else f"code {ended.code}"
            return f"{text}: {run.name or run.id} ended with {how}"
        time.sleep(0.02)
    return text


def _say(text: str) -> None:
    sys.stderr.write(f"trainwatch: {text}\n")
    sys.stderr.flush()
