"""Starting a training and watching one: run, attach, replay, demo.

The law of this file: the training is started first, everything else comes after; from then on no
mistake of a setting, a terminal or a screen can keep it from running.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, NamedTuple

import trainwatch
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.probe import launch, runs

NOT_FOUND = 3

if TYPE_CHECKING:
    from pathlib import Path

    from trainwatch import facts
    from trainwatch.cli.config import Config
    from trainwatch.cli.grammar import Words
    from trainwatch.link import Link


def do_run(words: Words) -> int:
    """``trainwatch run COMMAND...``."""
    host = words.value("--on")
    if host is not None:
        raise CommandError(
            f"starting on another machine is not there yet: log in to {host} and run it there"
        )
    _check_name(words.value("--name"))
    return _start(list(words.operands), words.value("--name") or "", words)


def do_demo(words: Words) -> int:
    """``trainwatch demo``."""
    script = os.path.join(os.path.dirname(trainwatch.__file__), "demo", "train.py")
    folder = os.path.join(runs.state_folder(), "demo", runs.new_id())
    return _start([sys.executable, script, "--output_dir", folder], "demo", words)


def do_attach(words: Words) -> int:
    """``trainwatch attach [TARGET]``."""
    from trainwatch.cli.target import here

    if len(words.operands) > 1:
        raise CommandError("watching several targets at once is not there yet: name one")
    if words.has("--once"):
        from trainwatch.cli.printout import do_status

        return do_status(words)
    where = here(words.operands)
    return _watch(_View(where, words, journal=_journal(where)))


def do_replay(words: Words) -> int:
    """``trainwatch replay JOURNAL``."""
    speed = words.value("--speed") or "1"
    try:
        factor = float(speed.removesuffix("x"))
    except ValueError:
        factor = -1.0
    if not 0 <= factor < float("inf"):
        raise UsageError(f"--speed is a number such as 1, 20 or 0 (at once), not {speed!r}")
    from pathlib import Path

    path = Path(words.operands[0]).expanduser()
    if _journal(str(path)) is None:
        what = "is not a journal" if path.is_file() else "does not exist"
        raise CommandError(f"{path} {what}; run --record writes one", NOT_FOUND)
    return _watch(_View(str(path), words, journal=path, speed=factor))


def _journal(where: str) -> Path | None:
    from trainwatch.cli.inquiry import journal

    return journal(where)


def _start(command: list[str], name: str, words: Words) -> int:
    _record(words)  # a journal that cannot be written is said before anything starts
    try:
        started = launch.start(command, name=name, pty=words.has("--pty"))
    except launch.CannotStartError as error:
        raise CommandError(error.text, error.code) from error
    if words.has("--detach"):
        sys.stdout.write(f"{started.id}\n")
        return 0
    return _watch(_View(started.id, words, started))


def _check_name(name: str | None) -> None:
    """A name must not look like anything else that can stand for a target."""
    if name is None:
        return
    plain = all(c.isalnum() or c in "._-" for c in name)
    if not name or not plain or not name[0].isalnum() or name.isdigit() or len(name) > 64:
        raise UsageError(
            f"--name {shlex.quote(name)}: a name is letters, digits, '.', '_' and '-', at most 64,"
            " begins with a letter or digit and is not a number"
        )


def _record(words: Words) -> Path | None:
    """The journal to write. An existing one is not overwritten."""
    value = words.value("--record")
    if value is None:
        return None
    from pathlib import Path

    path = Path(value)
    if path.exists() and path.stat().st_size:
        raise CommandError(f"{path} exists already: remove it or choose another name")
    if not path.parent.is_dir():
        raise CommandError(f"{path.parent} is no folder that a journal could be written to")
    return path


class _View(NamedTuple):
    """What is to be watched."""

    where: str
    words: Words
    started: launch.Started | None = None  # by this very command
    journal: Path | None = None  # to be played instead
    speed: float = 0.0  # of the journal; 0 = at once

    @property
    def back(self) -> str:
        """The command that leads here again."""
        return shlex.join(
            ["trainwatch", "attach", self.where] if self.where else ["trainwatch", "attach"]
        )


def _watch(view: _View) -> int:
    from trainwatch.cli.console import has_screen

    if has_screen() and not view.words.has("--no-ui"):
        return _on_screen(view)
    return _passed_through(view)


def _taught(view: _View) -> tuple[tuple[str, str], ...]:
    """The user's own metrics; a mistake in the file must not hide a training just started."""
    from trainwatch.cli import config
    from trainwatch.cli.metrics import patterns

    try:
        return patterns(view.words)
    except config.ConfigError:
        if view.started is None:
            raise
        return ()


def _settings(view: _View) -> Config:
    """The settings; a mistake in them must not hide a training that was just started."""
    from trainwatch.cli import config

    flags = {n: v for n in ("theme", "glyphs") if (v := view.words.value(f"--{n}")) is not None}
    try:
        return config.load(flags)
    except config.ConfigError as error:
        if view.started is None:
            raise
        sys.stderr.write(f"trainwatch: {error.text}; going on with the defaults\n")
        return config.Config()


def _link(view: _View) -> Link:
    if view.journal is not None:
        from trainwatch.link.journal import JournalLink

        return JournalLink(view.journal, view.speed)
    from trainwatch.link.child import ChildLink, local_probe

    return ChildLink(local_probe(), _record(view.words))


def _passed_through(view: _View) -> int:
    from trainwatch.cli.passthrough import INTERRUPTED, Way, pass_through
    from trainwatch.run.session import Session

    _settings(view)  # a mistake is said here as well
    log = ""
    if view.started is not None:
        log = os.path.join(view.started.folder, runs.LOG)
        sys.stderr.write(
            f"trainwatch: run {view.started.id} started (pid {view.started.pid}), its output is kept"
            f" in {log}\n"
        )
        sys.stderr.flush()
    code = pass_through(Session(_taught(view)), _link(view), Way(view.where, view.back, log))
    return code if view.journal is None or code == INTERRUPTED else 0


def _on_screen(view: _View) -> int:
    from trainwatch.cli.guardian import guard

    outcome = guard(lambda: _screen(view))
    if outcome.killer is not None:
        sys.stderr.write(
            f"trainwatch: the screen was killed (signal {outcome.killer}), what it watched goes on;"
            f" come back with: {view.back}\n"
        )
    return outcome.code


def _screen(view: _View) -> int:
    """In the child of the guardian; the exit code."""
    from trainwatch.read.clean import clean

    try:
        return _show(view)
    except CommandError as error:
        sys.stderr.write(f"trainwatch: {clean(error.text)}\n")
        return error.code


def _show(view: _View) -> int:
    from trainwatch.cli.console import chosen_glyphs, wants_colour
    from trainwatch.run.session import Session
    from trainwatch.ui.app import Options, watch

    settings = _settings(view)
    session = Session(_taught(view))
    if view.started is None and view.journal is None:
        _check_target(session.reader.watch(view.where))
    options = Options(
        target=view.where,
        launched=view.started is not None,
        replay=view.journal is not None,
        theme=settings.theme,
        glyphs=chosen_glyphs(settings.glyphs),
        colours=wants_colour(),
        mouse=settings.mouse,
        smoothing=settings.smoothing,
        keys=settings.keys,
    )
    return watch(_link(view), session, options)


def _check_target(watch: facts.Watch) -> None:
    """Refuse what the probe would refuse, before a screen opens to say only that."""
    from trainwatch.probe.resolve import TargetError, resolve

    try:
        resolve(watch)
    except TargetError as error:
        fix = f"; {error.fix}" if error.fix else ""
        raise CommandError(error.text + fix, NOT_FOUND) from error
