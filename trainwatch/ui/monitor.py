"""The application: it wires the pump, the look, the screens and the keys, and does nothing else."""

from __future__ import annotations

import gc
from functools import partial, reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from textual import events
from textual.binding import Binding

from trainwatch import facts
from trainwatch.link.readonly import WORDS
from trainwatch.run.alerts import ENDED
from trainwatch.run.topics import Topic
from trainwatch.ui.app import INTERRUPTED, absent
from trainwatch.ui.commands import by_name, themes_by_name
from trainwatch.ui.keyboard import Keyboard, escape_is_a_key
from trainwatch.ui.logins import Logins
from trainwatch.ui.messages import Copied, Opened, Questioned, Said, Wanted
from trainwatch.ui.paint import exact
from trainwatch.ui.panels.fleet import Fleet
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.rows import Desk, Failed, Look, Panel
from trainwatch.ui.screens import help as help_page
from trainwatch.ui.screens.alerts import AlertsPage
from trainwatch.ui.screens.checkpoint import CheckpointScreen, Sheet
from trainwatch.ui.screens.compare import CompareScreen
from trainwatch.ui.screens.confirm import Choices, Confirm
from trainwatch.ui.screens.fleet import FleetScreen
from trainwatch.ui.screens.live import LiveScreen
from trainwatch.ui.screens.login import LoginScreen
from trainwatch.ui.screens.page import Page, Pages
from trainwatch.ui.screens.question import Ask, Question
from trainwatch.ui.screens.watch import TOUR, WatchScreen
from trainwatch.ui.themes import THEMES, Inks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType
    from textual.actions import ActionParseResult
    from textual.app import SystemCommand
    from textual.dom import DOMNode
    from textual.screen import Screen
    from textual.theme import Theme

    from trainwatch.link.person import Prompt
    from trainwatch.read.records import CheckpointSeen
    from trainwatch.ui.app import Watched
    from trainwatch.ui.pump import Intake, Pump


class Monitor(Keyboard):
    """The runs on one terminal: one of them, or a list to open one from."""

    CSS_PATH = "trainwatch.tcss"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = [
        Binding("q", "leave", "leave", id="leave", tooltip="leave; the training goes on"),
        Binding("question_mark", "help", "help", id="help", tooltip="all keys"),
        Binding("colon", "command_palette", "commands", id="commands", tooltip="all actions by name"),
        Binding("A", "alerts", "alerts", id="alerts", show=False, tooltip="every alert, and acknowledge them"),
        Binding("L", "log_in", "log in", id="login", tooltip="log in again, after the connection was lost"),
        Binding("Q", "stop", "stop", id="stop", show=False, tooltip="stop the training; asks first"),
        Binding("ctrl+c", "interrupted", id="interrupt", show=False, priority=True,
                tooltip="leave; the training goes on"),
        Binding("ctrl+z", "suspend_process", id="suspend", show=False, tooltip="stop the screen; fg comes back"),
        Binding("ctrl+l", "repaint", id="repaint", show=False, tooltip="paint everything again"),
    ]  # fmt: skip

    def __init__(self, watched: Sequence[Watched], pump: Pump) -> None:
        self.failure: Exception | None = None
        """What ended the screen, if it did not end by a person's wish."""
        self.slips: list[Exception] = []
        """What went wrong without ending anything."""
        self.options = options = watched[0].options
        super().__init__()
        self.pump = pump
        self._look = Look(Inks(THEMES[0]), options.glyphs)
        self._launching = False
        self._stopping: set[Intake] = set()
        self._logins = Logins(self._ask, self._take_back)
        self._watched = {one.intake: one for one in watched}
        self._desks = {one.intake: self._desk(one) for one in watched}
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = options.theme if options.colours else "terminal"
        self._relook(self.current_theme)
        self.set_keymap(options.keys)
        if not any("alt+" in keys for keys in options.keys.values()):
            escape_is_a_key()
        desks = list(self._desks.values())
        self.first: LiveScreen = WatchScreen(desks[0]) if len(desks) == 1 else FleetScreen(desks)

    def _desk(self, one: Watched) -> Desk:
        return Desk(
            one.run,
            one.intake.now,
            partial(self._send, one),
            self._look,
            partial(self._look_into, one),
            one.options,
            one.intake.begun,
            self.pump.attend,
            one.session.alerts,
            one.options.gold_command,
        )

    def get_default_screen(self) -> Screen[Any]:
        """The one screen that everything begins with."""
        return self.first

    @property
    def desk(self) -> Desk:
        """Of the run that a person looks at, or has chosen from the list."""
        live = (s.desk for s in reversed(self.screen_stack) if isinstance(s, LiveScreen))
        return next(live, self.first.desk)

    def on_mount(self) -> None:
        """Let the facts in."""
        self.pump.publish = self._publish
        for intake in self._desks:
            intake.answered = partial(self._answered, self._desks[intake])
            intake.wanted = partial(self._wanted, intake)
        self.theme_changed_signal.subscribe(self, self._relook)
        self.app_resume_signal.subscribe(self, lambda _: self.action_repaint())
        if self.options.delivery is not None:
            self.options.delivery.said = self._undelivered
        self.pump.start()
        self.call_after_refresh(_collect_from_now_on)

    async def on_event(self, event: events.Event) -> None:
        """Keys and the mouse come before what is read."""
        if isinstance(event, events.InputEvent):
            self.pump.heed()
        await super().on_event(event)

    def _publish(self, changed: Mapping[Intake, Topic]) -> None:
        """Tell the screen that is seen; the others draw anew when they are seen again."""
        if absent(list(self._watched.values())):
            self.exit()
            return
        for intake, topics in changed.items():
            self._desks[intake].run = self._watched[intake].session.shown
            if topics & (Topic.VERDICT | Topic.TARGET | Topic.TIME):
                self._alert(self._watched[intake])
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen):
                seen = [t for intake, t in changed.items() if screen.shows(self._desks[intake])]
                if seen:
                    screen.publish(reduce(or_, seen, Topic.NOTHING))
            if not screen.is_modal:
                return

    def _alert(self, one: Watched) -> None:
        """Bring what is wrong, and was not a moment ago, to wherever the person wants it."""
        who = f"{one.options.word}: " if len(self._watched) > 1 else ""
        for alert in one.session.news():
            if one.run.leader is not None:
                continue  # the run that tells of the whole training has alerts of its own
            if alert.state == "active" and alert.rule != ENDED:
                self.on_said(Said(f"! {who}{alert.text}  (A: all alerts)"))
            if self.options.delivery is not None:
                self.options.delivery.deliver(alert, one.run, self._to_terminal)
            if one.session.alerts.stops(alert) and one.intake not in self._stopping:
                self._stopping.add(one.intake)
                why = f"! stopping the training, as --stop-on wants: {who}{alert.text}"
                self.on_said(Said(why))
                for part in self._parts(self._desks[one.intake]):
                    part.send(facts.Stop(part.subject, False, one.options.grace))

    def _undelivered(self, text: str) -> None:
        """From the thread that delivers."""
        self.post_message(Said(f"! {text}"))

    def _to_terminal(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def _answered(self, desk: Desk, answer: facts.Answer | facts.JobEnded) -> None:
        if isinstance(answer, facts.JobEnded):
            undo = "; u brings it back" if answer.freed and answer.path else ""
            self.on_said(Said(answer.text + undo))
        elif self._launching:
            self._launching = False
            told = f"it runs: trainwatch attach {answer.text}" if answer.ok else answer.text
            self.on_said(Said(told))
        elif isinstance(self.screen, Confirm):
            self.screen.answered(desk, answer)
        else:
            self.on_said(Said(answer.text))

    def on_wanted(self, message: Wanted) -> None:
        """Ask what ssh asks, or offer the key that makes it ask."""
        self._logins.wanted(message.wish, message.intake)
        self.refresh_bindings()

    def _wanted(self, intake: Intake, wish: Any) -> None:
        self.post_message(Wanted(wish, intake))

    def _ask(self, prompt: Prompt) -> None:
        self.push_screen(LoginScreen(self.desk, prompt), lambda _: self._logins.answered())

    def _take_back(self) -> None:
        """The login is over, whatever it asked last."""
        for screen in self.screen_stack:
            if isinstance(screen, LoginScreen):
                screen.dismiss()

    def _send(self, one: Watched, request: Any) -> None:
        """The one gate to the probe: what changes anything does not pass where one only looks."""
        changes = isinstance(request, facts.Launch | facts.Stop) or (
            isinstance(request, facts.Job) and request.action != "verify"
        )
        if changes and (one.options.readonly or one.options.replay):
            why = "this is a recording" if one.options.replay else "--readonly: look only"
            self.on_said(Said(f"nothing was done ({why})"))
            return
        self._launching = self._launching or isinstance(request, facts.Launch)
        one.intake.link.send(request)

    def _look_into(self, one: Watched, seen: CheckpointSeen) -> None:
        one.session.reader.look_into(seen)
        self.pump.wake()

    def _relook(self, theme: Theme) -> None:
        self._look.inks = Inks(theme, self.options.colours)
        if self.is_running:
            self.screen.refresh()

    # --- what a person does -------------------------------------------------------------------

    def action_leave(self) -> None:
        """Close the screen."""
        self.exit()

    def action_interrupted(self) -> None:
        """Close the screen as Ctrl-C does."""
        self.exit(INTERRUPTED)

    def action_help(self) -> None:
        """Every key, on a page."""
        if not isinstance(self.screen, Page):
            self.on_opened(Opened("keys", partial(help_page.rows, OWNERS, self.options.keys)))

    def action_alerts(self) -> None:
        """Every alert of this watch, on a page."""
        if not isinstance(self.screen, AlertsPage):
            self.push_screen(AlertsPage(self.desk))

    def action_stop(self) -> None:
        """Ask how to stop the training."""
        desk = self.desk
        if desk.options.replay:
            self.on_said(Said("this is a recording: there is nothing to stop"))
        elif desk.options.readonly:
            self.on_said(Said(WORDS))
        elif not (going := [part for part in self._parts(desk) if part.run.ended is None]):
            self.on_said(Said("the training has already ended"))
        elif not isinstance(self.screen, Confirm):
            self.push_screen(Confirm(going, desk.options.grace))

    def action_log_in(self) -> None:
        """Make the lost connection anew; what ssh asks comes as a dialog."""
        hosts = self._lost()
        if hosts:
            self._logins.accept(hosts)
            self.refresh_bindings()
            self.on_said(Said(f"logging in to {', '.join(hosts)}"))

    def _lost(self) -> list[str]:
        """The machines of the chosen run that a person has to log in to again."""
        parts = self._parts(self.desk)
        return self._logins.offered([i for i, desk in self._desks.items() if desk in parts])

    def _parts(self, desk: Desk) -> list[Desk]:
        """What is watched of one training: first where its numbers come from, then its other machines."""
        chosen = next(one.run for i, one in self._watched.items() if self._desks[i] is desk)
        others = [self._desks[i] for i, one in self._watched.items() if one.run.leader is chosen]
        return [desk, *others]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a login only when it was lost."""
        return bool(self._lost()) if action == "log_in" else True

    def action_repaint(self) -> None:
        """Paint everything again, after something else wrote on the terminal."""
        self.screen.refresh()

    def on_opened(self, message: Opened) -> None:
        """Put a page on the screen."""
        self.push_screen(Page(self.desk, message.title, message.rows))

    def on_copied(self, message: Copied) -> None:
        """To the clipboard of the terminal (OSC 52), and say so."""
        self.copy_to_clipboard(message.text)
        self.on_said(Said(f"copied {message.what}: {message.text}"))

    def on_said(self, message: Said) -> None:
        """One line at the bottom."""
        self.screen.query_one("#keys", Keys).say(message.text)

    def on_questioned(self, message: Questioned) -> None:
        """Ask before anything is deleted or started."""
        desk = self.desk
        if desk.options.readonly or desk.options.replay:
            why = "a recording" if desk.options.replay else "--readonly"
            self.on_said(Said(f"not here: {why}"))
        else:
            self.push_screen(Ask(desk, message))

    def on_failed(self, message: Failed) -> None:
        """Something went wrong that was asked for; the person is told, and the screen goes on."""
        self.slips.append(message.error)
        what = f"{type(message.error).__name__}: {message.error}"
        self.on_said(Said(f"! that failed ({what}); the screen goes on"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action by name for the command palette."""
        panels = screen.tour if isinstance(screen, WatchScreen) else screen.query(Panel)
        nodes = [(panel.NAME, panel) for panel in panels if panel.NAME]
        yield from themes_by_name(self)
        yield from by_name(
            [("trainwatch", self), ("screen", screen), *nodes],
            self.options.keys, self.run_action,
        )  # fmt: skip

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key, a click or the palette asks for; a mistake in it ends nothing."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:  # noqa: BLE001 - as for every panel, see rows.py
            self.on_failed(Failed(error))
            return True

    # --- how it is shown ----------------------------------------------------------------------

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Textual's way to the terminal, with as few bytes as the change needs."""
        super()._display(screen, exact(renderable, self.options.colours))  # type: ignore[arg-type]  # as Textual itself

    def _fatal_error(self) -> None:
        """Leave without a traceback: what failed is told in one sentence when the screen is closed."""
        self.failure = self._exception
        self._close_messages_no_wait()


def _collect_from_now_on() -> None:
    gc.freeze()  # what the modules hold stays: the collector need not look at it again
    gc.enable()


OWNERS: tuple[tuple[str, type[DOMNode]], ...] = (
    ("everywhere", Monitor),
    ("main screen", WatchScreen),
    *((panel.NAME, panel) for panel in TOUR),
    ("list of runs", Fleet),
    ("comparison", CompareScreen),
    ("one checkpoint", Sheet),
    ("one checkpoint", CheckpointScreen),
    ("pages", Pages),
    ("pages", Page),
    ("alerts", AlertsPage),
    ("stopping", Choices),
    ("stopping", Confirm),
    ("questions", Question),
    ("questions", Ask),
)
"""Everything that declares actions, with the name a person knows it by."""
