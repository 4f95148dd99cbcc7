"""Watching: attach, replay, and whatever ``starting`` has started.

The law of this file: no mistake of a setting, a terminal or a screen keeps a training from running
that was just started.
"""

from __future__ import annotations

import gc
import importlib
import os
import shlex
import sys
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.probe import runs

NOT_FOUND = 3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from trainwatch.cli.config import Config
    from trainwatch.cli.delivery import Delivery
    from trainwatch.cli.grammar import Words
    from trainwatch.cli.way import Way
    from trainwatch.link import Link
    from trainwatch.probe.launch import Started
    from trainwatch.run.session import Session
    from trainwatch.ui.app import Bell, Options, Watched


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
    screen = _has_screen(words)
    with reached(targets, _loading() if screen else (), attended=screen) as way:
        try:
            return watch(View(way, words, journal=journal(way)))
        finally:
            if way.piped is not None:
                read_on(way.piped)


def _attach_all(targets: Sequence[str], words: Words) -> int:
    """Several targets in one list."""
    from trainwatch.cli.inquiry import journal
    from trainwatch.cli.ways import all_reached

    if words.has("--record"):
        raise CommandError("--record writes the journal of one target: name one")
    with all_reached(targets, attended=True) as ways:
        return _on_screen([View(way, words, journal=journal(way)) for way in ways])


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

    path = Path(os.path.expanduser(words.operands[0]))
    way = here(str(path))
    if journal(way) is None:
        what = "is not a journal" if path.exists() else "does not exist"
        raise CommandError(f"{path} {what}; run --record writes one", NOT_FOUND)
    return watch(View(way, words, journal=path, speed=factor))


def record(words: Words) -> Path | None:
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


class View(NamedTuple):
    """What is to be watched."""

    way: Way
    words: Words
    launched: bool = False  # by this very command
    started: Started | None = None  # ... on this machine
    journal: Path | None = None  # to be played instead
    speed: float = 0.0  # of the journal; 0 = at once

    @property
    def back(self) -> str:
        """The command that leads here again; "" for none: what was piped is gone."""
        if self.way.piped is not None:
            return ""
        return shlex.join(["trainwatch", "attach", *filter(None, [self.way.word])])


def watch(view: View) -> int:
    """On the screen, or as plain lines where there is none; the exit code."""
    return _on_screen([view]) if _has_screen(view.words) else _passed_through(view)


def _has_screen(words: Words) -> bool:
    from trainwatch.cli.console import has_screen

    return has_screen() and not words.has("--no-ui")


def _loading() -> Iterator[None]:
    """Load what every screen needs, piece by piece."""
    for name in (
        "read.dialect",
        "read.reader",
        "run.ahead",
        "ui.opening",
        "ui.themes",
        "ui.monitor",
    ):
        importlib.import_module(f"trainwatch.{name}")
        yield


def _taught(view: View) -> tuple[tuple[str, str], ...]:
    """The user's own metrics; a mistake in the file must not hide a training just started."""
    from trainwatch.cli import config
    from trainwatch.cli.metrics import patterns

    try:
        return patterns(view.words)
    except config.ConfigError:
        if not view.launched:
            raise
        return ()


def _settings(view: View) -> Config:
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


def _session(view: View, settings: Config, ahead: bool = False) -> Session:
    """An empty session that reads and judges as the user wants it; ``ahead`` shows new lines first."""
    from trainwatch.run.ahead import AheadSession
    from trainwatch.run.limits import configured
    from trainwatch.run.session import Session

    stop_on = () if view.journal else tuple(view.words.values("--stop-on"))
    session = (AheadSession if ahead else Session)(_taught(view), stop_on, _gold(view))
    session.run.limits = configured(settings.rules)
    return session


def _gold(view: View) -> tuple[str, ...]:
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


def _delivery(view: View, settings: Config) -> Delivery | None:
    """How alerts are told; nothing of a recording is news."""
    wanted = settings.bell or settings.desktop != "off" or settings.webhook or settings.on_alert
    if not wanted or view.journal is not None:
        return None
    from trainwatch.cli.delivery import Delivery

    return Delivery(settings)


def _link(view: View) -> Link:
    if view.journal is not None:
        from trainwatch.link.journal import JournalLink

        return JournalLink(view.journal, view.speed)
    link = view.way.link(record(view.words))
    if not view.words.has("--readonly"):
        return link
    from trainwatch.link.readonly import ReadOnly

    return ReadOnly(link)


def _passed_through(view: View) -> int:
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


def _on_screen(views: Sequence[View]) -> int:
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


def _screen(views: Sequence[View]) -> int:
    """In the child of the guardian; the exit code."""
    from trainwatch.read.clean import clean

    try:
        return _show(views)
    except CommandError as error:
        sys.stderr.write(f"trainwatch: {clean(error.text)}\n")
        return error.code


def _show(views: Sequence[View]) -> int:
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


def _shown(wanted: Sequence[tuple[View, Link, Bell | None]]) -> int:
    from trainwatch.cli.way import absent, check
    from trainwatch.ui.app import NothingThereError, watch

    view = wanted[0][0]
    settings = _settings(view)
    delivery = _delivery(view, settings)
    if len(wanted) == 1 and view.way.is_here and not (view.launched or view.journal):
        check(view.way.where)
    try:
        return watch([_watched(*one, settings, delivery) for one in wanted])
    except NothingThereError as error:
        raise absent(view.way.host, view.way.where, str(error)) from error
    finally:
        if delivery is not None:
            delivery.close()


def _watched(
    view: View, link: Link, bell: Bell | None, settings: Config, delivery: Delivery | None
) -> Watched:
    from trainwatch.ui.app import Watched

    session = _session(view, settings, ahead=bool(view.way.host))
    return Watched(link, session, _options(view, settings, delivery), bell)


def _options(view: View, settings: Config, delivery: Delivery | None) -> Options:
    from trainwatch.cli.console import chosen_glyphs, wants_colour
    from trainwatch.ui.app import Options
    from trainwatch.ui.memory import Memory

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
        memory=Memory(),
        delivery=delivery,
    )
