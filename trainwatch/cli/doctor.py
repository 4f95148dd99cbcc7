"""What works here and what does not, each with the fix.

The law of this file: every check is made, none is assumed; a check that fails itself is a finding.
Nothing is repaired and nothing is left behind.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from trainwatch import __version__, facts
from trainwatch.cli import config
from trainwatch.cli.console import console, has_screen
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.inquiry import answers, asking, look
from trainwatch.cli.metrics import patterns
from trainwatch.cli.way import reached
from trainwatch.draw import units
from trainwatch.link.child import ChildLink, local_probe
from trainwatch.probe import identity, runs
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.cli.grammar import Words
    from trainwatch.run.session import Session

_LITTLE_SPACE = 1 << 30  # bytes; a log and its records need far less, a checkpoint more
_SIGNS = {"ok": "ok ", "warning": "!  ", "problem": "!! "}


class Finding(NamedTuple):
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "warning", "problem"]
    text: str
    fix: str = ""


def do_doctor(words: Words) -> int:
    """``trainwatch doctor [TARGET]``."""
    findings = list(_of_target(words) if words.operands else _of_machine())
    if words.has("--json"):
        sys.stdout.write(json.dumps([finding._asdict() for finding in findings]) + "\n")
        return 0
    console()
    for finding in findings:
        sys.stdout.write(f"{_SIGNS[finding.state]} {finding.check:<10} {finding.text}\n")
        if finding.fix:
            sys.stdout.write(f"    {'':<10} -> {finding.fix}\n")
    return 0


# --- this machine ---------------------------------------------------------------------------


def _of_machine() -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield _state()
    yield from _damaged()
    yield _settings()
    yield _terminal()
    yield _processes()
    yield from _logout()
    yield from _probe()


def _python() -> Finding:
    text = f"trainwatch {__version__}, Python {platform.python_version()} ({sys.executable})"
    return Finding("python", "ok", text)


def _packages() -> Iterator[Finding]:
    for name, needed_for in (("textual", "the screen"), ("plotext", "the charts of status")):
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            text = f"not installed: {needed_for} cannot be shown"
            yield Finding(name, "problem", text, f"install {name} beside trainwatch")


def _state() -> Finding:
    folder = runs.state_folder()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        proof = runs.fresh()
        runs.discard(proof)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        text = f"{folder} cannot be written: {error.strerror}"
        return Finding("state", "problem", text, "set TRAINWATCH_STATE to a folder of yours")
    text = f"{folder}, {units.long_size(free)} free"
    if free < _LITTLE_SPACE:
        return Finding("state", "warning", text, "free some space: logs of runs are kept there")
    return Finding("state", "ok", text)


def _damaged() -> Iterator[Finding]:
    known = runs.every()
    yield Finding("runs", "ok", f"{len(known)} kept")
    for run in known:
        if run.damage:
            fix = f"its log is still there: trainwatch attach {run.id}"
            yield Finding("runs", "warning", clean(run.damage), fix)


def _settings() -> Finding:
    file = config.path()
    try:
        config.load({})
    except config.ConfigError as error:
        return Finding("config", "problem", clean(error.text), f"correct {file}")
    return Finding("config", "ok", f"{file}" if file.exists() else f"{file} (none, defaults hold)")


def _terminal() -> Finding:
    place = console()
    colour = "colours" if place.colour else "no colours"
    text = f"TERM={os.environ.get('TERM', '')}, {place.width} columns, {colour}, {place.glyphs}"
    if not has_screen():
        return Finding(
            "terminal", "warning", f"{text}: no screen here", "start it in a terminal, not a pipe"
        )
    if place.glyphs == "ascii":
        return Finding(
            "terminal", "warning", f"{text}: not UTF-8", "export LC_ALL=C.UTF-8 for better charts"
        )
    return Finding("terminal", "ok", text)


def _processes() -> Finding:
    if identity.stat(os.getpid()) is None:
        text = "processes cannot be looked up: neither /proc nor psutil is here"
        return Finding("processes", "problem", text, "install psutil beside trainwatch")
    return Finding("processes", "ok", f"{len(identity.pids())} can be seen")


def _logout() -> Iterator[Finding]:
    """logind.conf(5): with KillUserProcesses nothing outlives the last logout but lingering users."""
    files = [Path("/etc/systemd/logind.conf"), *Path("/etc/systemd/logind.conf.d").glob("*.conf")]
    for file in files:
        try:
            lines = [line.strip().lower() for line in file.read_text().splitlines()]
        except (OSError, UnicodeDecodeError):
            continue
        if any(line.replace(" ", "") == "killuserprocesses=yes" for line in lines):
            text = f"{file} kills every process of a user who logs out, trainings too"
            yield Finding("logout", "warning", text, "loginctl enable-linger")


def _probe() -> Iterator[Finding]:
    """A real probe on this machine, and what it says of the devices."""
    watch = facts.Watch(runs.state_folder(), [], [], [], True)
    try:
        with asking(ChildLink(local_probe())) as link:
            link.send(watch)
            for fact in answers(link):
                yield from _told(fact)
    except CommandError as error:
        yield Finding("probe", "problem", clean(error.text))


def _told(fact: object) -> Iterator[Finding]:
    if isinstance(fact, facts.Hello):
        yield Finding("probe", "ok", f"Python {fact.python} on {clean(fact.host)}")
    elif isinstance(fact, facts.DeviceReading):
        memory = units.of_size(fact.memory_used, fact.memory_total)
        unread = [f"{cell}: {reason}" for cell, reason in fact.faults]
        text = ", ".join([f"{fact.index} {clean(fact.name)}", memory, *map(clean, unread)])
        yield Finding("gpu", "warning" if fact.fake or unread else "ok", text)
    elif isinstance(fact, facts.Trouble) and fact.text:
        check = "gpu" if fact.where == "devices" else "probe"
        yield Finding(check, "warning", clean(fact.text), clean(fact.fix))


# --- one target -----------------------------------------------------------------------------


def _of_target(words: Words) -> Iterator[Finding]:
    """What of a target is read, and what is not."""
    with reached(words.operands) as way:
        session, _ = look(way, patterns=patterns(words))
    yield from _sources(session)
    run = session.run
    if run.target is not None and run.target.note:
        yield Finding("source", "ok", clean(run.target.note, 1000))
    for trouble in run.troubles.values():
        yield Finding("trouble", "warning", clean(trouble.text), clean(trouble.fix))
    if not run.unread:
        yield Finding("unread", "ok", "no line with numbers was left aside")
        return
    text = f"{units.count(run.unread)} lines hold numbers that were not understood, such as:"
    yield Finding("unread", "warning", text)
    for sample in run.samples:
        yield Finding(
            "unread", "warning", f"{sample.source} at byte {sample.offset}: {sample.sample}"
        )


def _sources(session: Session) -> Iterator[Finding]:
    for source, dialects, lines, points in session.reader.tallies:
        text = f"{units.count(lines)} lines, {units.count(points)} points ({dialects or 'nothing'})"
        yield Finding("read", "ok" if points else "warning", f"{clean(source)}: {text}")
    found = session.run.checkpoints.rows()
    yield Finding("read", "ok", f"{len(found)} checkpoints")
