"""Starting a training and watching one: run, attach, replay, demo.

The law of this file: the training is started first, everything else comes after; from then on no
mistake of a setting, a terminal or a screen can keep it from running.
"""

from __future__ import annotations

import gc
import os
import shlex
import sys
from typing import TYPE_CHECKING, NamedTuple

import trainwatch
from trainwatch import facts
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.probe import launch, runs

NOT_FOUND = 3

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainwatch.cli.config import Config
    from trainwatch.cli.delivery import Delivery
    from trainwatch.cli.grammar import Words
    from trainwatch.cli.way import Way
    from trainwatch.link import Link
    from trainwatch.run.session import Session
    from trainwatch.ui.app import Bell, Options, Watched


def do_run(words: Words) -> int:
    """``trainwatch run COMMAND...``."""
    _check_name(words.value("--name"))
    host = words.value("--on")
    if words.has("--slurm"):
        return _submit(words)
    if host is not None:
        return _start_there(host, words)
    return _start(list(words.operands), words.value("--name") or "", words)


def do_demo(words: Words) -> int:
    """``trainwatch demo``."""
    script = os.path.join(os.path.dirname(trainwatch.__file__), "demo", "train.py")
    folder = os.path.join(runs.state_folder(), "demo", runs.new_id())
    return _start([sys.executable, script, "--output_dir", folder], "demo", words)


def do_attach(words: Words) -> int:
    """``trainwatch attach [TARGET...]``."""
    from trainwatch.cli.inquiry import journal
    from trainwatch.cli.piped import read_on
    from trainwatch.cli.target import expanded
    from trainwatch.cli.way import reached

    targets = expanded(words.operands)
    if words.has("--once") or (len(targets) > 1 and not _has_screen(words)):
        from trainwatch.cli.printout import do_status

        return do_status(words)
    if len(targets) > 1:
        return _attach_all(targets, words)
    with reached(targets) as way:
        try:
            return _watch(_View(way, words, journal=journal(way)))
        finally:
            if way.piped is not None:
                read_on(way.piped)


def _attach_all(targets: Sequence[str], words: Words) -> int:
    """Several targets in one list."""
    from trainwatch.cli.inquiry import journal
    from trainwatch.cli.ways import all_reached

    if words.has("--record"):
        raise CommandError("--record writes the journal of one target: name one")
    with all_reached(targets) as ways:
        return _on_screen([_View(way, words, journal=journal(way)) for way in ways])


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

    from trainwatch.cli.inquiry import journal
    from trainwatch.cli.way import here

    path = Path(words.operands[0]).expanduser()
    way = here(str(path))
    if journal(way) is None:
        what = "is not a journal" if path.is_file() else "does not exist"
        raise CommandError(f"{path} {what}; run --record writes one", NOT_FOUND)
    return _watch(_View(way, words, journal=path, speed=factor))


def _start(command: list[str], name: str, words: Words) -> int:
    _record(words)  # a journal that cannot be written is said before anything starts
    try:
        started = launch.start(command, _folder(words), name, words.has("--pty"))
    except launch.CannotStartError as error:
        raise CommandError(error.text, error.code) from error
    if words.has("--detach"):
        sys.stdout.write(f"{started.id}\n")
        return 0
    from trainwatch.cli.way import here

    return _watch(_View(here(started.id), words, launched=True, started=started))


def _folder(words: Words) -> str | None:
    folder = words.value("--cwd")
    return None if folder is None else os.path.expanduser(folder)


def _submit(words: Words) -> int:
    """``run --slurm OPTIONS``: Slurm starts it when its turn comes."""
    from trainwatch.cli.batch import submit
    from trainwatch.cli.way import here

    _record(words)
    job = submit(words, _folder(words))
    if words.has("--detach"):
        sys.stdout.write(f"{job}\n")
        return 0
    return _watch(_View(here(job), words, launched=True))


def _start_there(host: str, words: Words) -> int:
    """``run --on HOST``: nothing goes there but the command."""
    from trainwatch.cli.inquiry import launch_there
    from trainwatch.cli.way import reached

    _record(words)
    with reached([host if host.endswith(":") else f"{host}:"]) as way:
        run = launch_there(
            way,
            facts.Launch(
                list(words.operands),
                words.value("--cwd") or "",
                words.value("--name") or "",
                words.has("--pty"),
            ),
        )
        if words.has("--detach"):
            sys.stdout.write(f"{run}\n")
            return 0
        return _watch(_View(way.to(run), words, launched=True))


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

    way: Way
    words: Words
    launched: bool = False  # by this very command
    started: launch.Started | None = None  # ... on this machine
    journal: Path | None = None  # to be played instead
    speed: float = 0.0  # of the journal; 0 = at once

    @property
    def back(self) -> str:
        """The command that leads here again; "" for none: what was piped is gone."""
        if self.way.piped is not None:
            return ""
        return shlex.join(["trainwatch", "attach", *filter(None, [self.way.word])])


def _watch(view: _View) -> int:
    return _on_screen([view]) if _has_screen(view.words) else _passed_through(view)


def _has_screen(words: Words) -> bool:
    from trainwatch.cli.console import has_screen

    return has_screen() and not words.has("--no-ui")


def _taught(view: _View) -> tuple[tuple[str, str], ...]:
    """The user's own metrics; a mistake in the file must not hide a training just started."""
    from trainwatch.cli import config
    from trainwatch.cli.metrics import patterns

    try:
        return patterns(view.words)
    except config.ConfigError:
        if not view.launched:
            raise
        return ()


def _settings(view: _View) -> Config:
    """The settings; a mistake in them must not hide a training that was just started."""
    from trainwatch.cli import config

    flags = {n: v for n in ("theme", "glyphs") if (v := view.words.value(f"--{n}")) is not None}
    try:
        return config.load(flags)
    except config.ConfigError as error:
        if not view.launched:
            raise
        sys.stderr.write(f"trainwatch: {error.text}; going on with the defaults\n")
        return config.Config()


def _session(view: _View, settings: Config, ahead: bool = False) -> Session:
    """An empty session that reads and judges as the user wants it; ``ahead`` shows new lines first."""
    from trainwatch.run.ahead import AheadSession
    from trainwatch.run.limits import configured
    from trainwatch.run.session import Session

    stop_on = () if view.journal else tuple(view.words.values("--stop-on"))
    session = (AheadSession if ahead else Session)(_taught(view), stop_on, _gold(view))
    session.run.limits = configured(settings.rules)
    return session


def _gold(view: _View) -> tuple[str, ...]:
    """Results of a gold set; a mistake in the file must not hide a training just started."""
    from trainwatch.cli import config
    from trainwatch.cli.gold import gold

    if view.journal is not None:
        return ()
    try:
        return gold(view.words, here=view.way.is_here)
    except config.ConfigError:
        if not view.launched:
            raise
        return ()


def _delivery(view: _View, settings: Config) -> Delivery | None:
    """How alerts are told; nothing of a recording is news."""
    wanted = settings.bell or settings.desktop != "off" or settings.webhook or settings.on_alert
    if not wanted or view.journal is not None:
        return None
    from trainwatch.cli.delivery import Delivery

    return Delivery(settings)


def _link(view: _View) -> Link:
    if view.journal is not None:
        from trainwatch.link.journal import JournalLink

        return JournalLink(view.journal, view.speed)
    link = view.way.link(_record(view.words))
    if not view.words.has("--readonly"):
        return link
    from trainwatch.link.readonly import ReadOnly

    return ReadOnly(link)


def _passed_through(view: _View) -> int:
    from trainwatch.cli.passthrough import INTERRUPTED, Passage, pass_through

    settings = _settings(view)
    session, delivery = _session(view, settings), _delivery(view, settings)
    log = os.path.join(view.started.folder, runs.LOG) if view.started else ""
    if view.launched:
        kept = f" (pid {view.started.pid}), its output is kept in {log}" if view.started else ""
        sys.stderr.write(f"trainwatch: run {view.way.word} started{kept}\n")
        sys.stderr.flush()
    passage = Passage(view.way.where, view.back, log, settings.grace)
    code = pass_through(session, _link(view), passage, delivery)
    return code if view.journal is None or code == INTERRUPTED else 0


def _on_screen(views: Sequence[_View]) -> int:
    from trainwatch.cli.guardian import guard

    outcome = guard(lambda: _screen(views))
    if outcome.killer is not None:
        back = shlex.join(["trainwatch", "attach", *(view.way.word for view in views)])
        back = views[0].back if len(views) == 1 else back
        come = f"; come back with: {back}" if back else ""
        sys.stderr.write(
            f"trainwatch: the screen was killed (signal {outcome.killer}), what it watched goes on"
            f"{come}\n"
        )
    return outcome.code


def _screen(views: Sequence[_View]) -> int:
    """In the child of the guardian; the exit code."""
    from trainwatch.read.clean import clean

    try:
        return _show(views)
    except CommandError as error:
        sys.stderr.write(f"trainwatch: {clean(error.text)}\n")
        return error.code


def _show(views: Sequence[_View]) -> int:
    from trainwatch.ui.app import Bell

    gc.disable()  # until the screen stands: nothing becomes garbage, and looking for it takes long
    if len(views) > 1:
        return _shown([(view, _link(view), None) for view in views])
    link, bell = _link(views[0]), Bell()
    link.open(bell.ring)  # the probe starts while we load what reads it
    try:
        return _shown([(views[0], link, bell)])
    finally:
        link.close()


def _shown(wanted: Sequence[tuple[_View, Link, Bell | None]]) -> int:
    from trainwatch.cli.way import check
    from trainwatch.ui.app import watch

    view = wanted[0][0]
    settings = _settings(view)
    delivery = _delivery(view, settings)
    if len(wanted) == 1 and view.way.is_here and not (view.launched or view.journal):
        check(view.way.where)
    try:
        return watch([_watched(*one, settings, delivery) for one in wanted])
    finally:
        if delivery is not None:
            delivery.close()


def _watched(
    view: _View, link: Link, bell: Bell | None, settings: Config, delivery: Delivery | None
) -> Watched:
    from trainwatch.ui.app import Watched

    session = _session(view, settings, ahead=bool(view.way.host))
    return Watched(link, session, _options(view, settings, delivery), bell)


def _options(view: _View, settings: Config, delivery: Delivery | None) -> Options:
    from trainwatch.cli.console import chosen_glyphs, wants_colour
    from trainwatch.ui.app import Options

    return Options(
        target=view.way.where,
        host=view.way.host,
        launched=view.launched,
        replay=view.journal is not None,
        readonly=view.words.has("--readonly"),
        theme=settings.theme,
        glyphs=chosen_glyphs(settings.glyphs),
        colours=wants_colour(),
        mouse=settings.mouse,
        smoothing=settings.smoothing,
        grace=settings.grace,
        keys=settings.keys,
        gold_command=settings.gold_command,
        delivery=delivery,
    )
