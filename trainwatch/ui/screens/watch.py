"""The main screen: every panel at its place, and the way between them.

The law of this file: places are the style sheet's business. Here is only which panel is looked at,
who hears that a topic changed, and what picking a place in one panel means to the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from trainwatch.run.topics import Topic
from trainwatch.ui.panels.checkpoints import Checkpoints
from trainwatch.ui.panels.devices import Devices
from trainwatch.ui.panels.gap import Gap
from trainwatch.ui.panels.header import Header, Summary, Tabs
from trainwatch.ui.panels.log import LogPanel
from trainwatch.ui.panels.loss import Loss
from trainwatch.ui.panels.machine import Machine
from trainwatch.ui.rows import Panel
from trainwatch.ui.screens.live import LiveScreen
from trainwatch.ui.screens.metrics import MetricsScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.ui.messages import Asked, Picked
    from trainwatch.ui.rows import Desk

TOUR: tuple[type[Panel], ...] = (Loss, Gap, Checkpoints, Devices, Machine, LogPanel)
"""The panels in the order of their digits."""

_MODES = frozenset({"search", "step", "go", "full", "metrics"})
"""Actions that change where keys go."""
_BETWEEN = frozenset({"search", "step", "go", "full"})
"""Those that lead from one panel to another."""


def _mode(key: str, action: str, name: str, sentence: str, words: str = "") -> Binding:
    """A key for one of them: with priority, so that it acts before the next key is heard."""
    return Binding(key, action, words, show=bool(words), id=name, tooltip=sentence, priority=True)


class WatchScreen(LiveScreen):
    """Everything about one run."""

    AUTO_FOCUS = "#loss"
    HORIZONTAL_BREAKPOINTS = [
        (0, "-tiny"),
        (60, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [
        (0, "-flat"),
        (15, "-low"),
        (22, "-high"),
    ]
    BINDINGS = [
        _mode(
            "slash",
            "search",
            "log.search",
            "search the log, or the checkpoints in their list",
            "search",
        ),
        _mode("tab", "step(1)", "next", "the next panel", "next"),
        _mode("shift+tab", "step(-1)", "before", "the panel before"),
        _mode("f", "full", "full", "one panel on the whole screen, or all", "full"),
        _mode("m", "metrics", "metrics", "every metric as a grid of charts", "metrics"),
        Binding(
            "escape,backspace", "dismiss", "list", id="back", tooltip="back to the list of runs"
        ),
        *(_mode(str(n), f"go({n})", f"panel.{n}", f"to panel {n}") for n in range(1, 7)),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, classes="-first")
        self._place = 0
        self._told: frozenset[tuple[str, str, float]] = frozenset()

    def compose(self) -> ComposeResult:
        """All panels; the style sheet shows those that the size has room for."""
        desk = self.desk
        self.tour: tuple[Panel, ...] = (
            Loss(desk, desk.options.smoothing, id="loss", classes="tour -shown"),
            Gap(desk, id="gap", classes="tour"),
            Checkpoints(desk, id="checkpoints", classes="tour"),
            Devices(desk, id="devices", classes="tour"),
            Machine(desk, id="machine", classes="tour"),
            LogPanel(desk, id="log", classes="tour"),
        )
        self.loss, gap, self.checkpoints, devices, machine, self.log_panel = self.tour
        yield Header(desk, desk.options.replay, id="header")
        self.tabs = Tabs(desk, self.tour, id="tabs")
        yield self.tabs
        with Horizontal(id="columns", classes="place -shown"):
            with Vertical(id="left", classes="place -shown"):
                yield self.loss
                yield gap
            with Vertical(id="right", classes="place"):
                yield self.checkpoints
                yield devices
                yield machine
        yield self.log_panel
        summary = Summary(desk, self.loss, id="summary")
        self.watch(self.loss, "view", summary.redraw, init=False)
        yield summary
        yield self.keys

    # --- what changed -------------------------------------------------------------------------

    def publish(self, changed: Topic) -> None:
        """Tell the panels, and the person what does not work."""
        super().publish(changed)
        if changed & Topic.TROUBLE:
            self._tell()

    def _tell(self) -> None:
        """Say a new trouble once; it stays to be read with the machine's details.

        One that is told again is news when there is something else to do about it.
        """
        open_ones = [t for w, t in self.desk.run.troubles.items() if w != "devices"]
        known, self._told = self._told, frozenset((t.where, t.fix, t.at) for t in open_ones)
        fresh = [t for t in open_ones if (t.where, t.fix, t.at) not in known]
        if fresh:
            newest = max(fresh, key=lambda trouble: trouble.at)
            self.keys.say(f"! {newest.text}  {newest.fix}")

    # --- which panel --------------------------------------------------------------------------

    def action_go(self, number: int) -> None:
        """To the panel of a digit."""
        self._place = (number - 1) % len(self.tour)
        self._mark()
        self.set_focus(self.tour[self._place])

    def action_step(self, by: int) -> None:
        """To the next panel, or the one before."""
        here = self.focused
        place = (
            self.tour.index(here) if isinstance(here, Panel) and here in self.tour else self._place
        )
        self.action_go(place + by + 1)

    def action_full(self) -> None:
        """One panel alone, or all of them again."""
        if isinstance(self.focused, Panel) and self.focused in self.tour:
            self._place = self.tour.index(self.focused)
        self.toggle_class("-full")
        self._mark()
        self.set_focus(self.tour[self._place])

    def on_descendant_focus(self) -> None:
        """A click chose a panel. What is focused now counts: keys may have gone on since."""
        here = self.focused
        if isinstance(here, Panel) and here in self.tour:
            self._place = self.tour.index(here)
            self._mark()

    def on_resize(self) -> None:
        """A panel that had no room lost the focus: it has it again when there is room."""
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        if self.focused is None:
            self.set_focus(self.tour[self._place])

    def _mark(self) -> None:
        """Tell the style sheet which panel stays when there is room for only one."""
        shown = self.tour[self._place]
        self.set_class(self._place == 0, "-first")
        for widget in self.query(".place, .tour"):
            widget.set_class(widget is shown or widget in shown.ancestors, "-shown")
        self.tabs.current = shown

    # --- what one panel tells the others ------------------------------------------------------

    def on_picked(self, message: Picked) -> None:
        """The curve, the line of the log and the checkpoint of one moment belong together."""
        step, source, offset = message.step, message.source, message.offset
        metrics = self.desk.run.metrics
        if step is None and source is not None and offset is not None:
            step = metrics.rows.step_at(source, offset)
        elif source is None and step is not None and (loss := metrics.loss) is not None:
            index = loss.nearest("step", step)
            if index is not None:
                source, offset = loss.source(index), loss.offset(index)
        if message.origin is not self.loss:
            self.loss.pick(step)
        if message.origin is not self.log_panel:
            self.log_panel.pick(source, offset)
        if message.origin is not self.checkpoints:
            self.checkpoints.pick(step)

    def action_metrics(self) -> None:
        """Every metric as a grid."""
        self.app.push_screen(MetricsScreen(self.desk, self.loss.view))

    def on_asked(self, message: Asked) -> None:
        """A line of text is wanted."""
        self.keys.ask(message)

    def action_search(self) -> None:
        """Search the log from wherever one is; in the list of checkpoints, that list."""
        if self.focused is self.checkpoints and isinstance(self.checkpoints, Checkpoints):
            self.keys.ask(self.checkpoints.search())
            return
        self.action_go(self.tour.index(self.log_panel) + 1)
        self.keys.ask(self.log_panel.search())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is typed, its keys mean themselves; a list to go back to must be there.

        There is no way between panels where none has room.
        """
        if action == "dismiss":
            return self.app.screen_stack[0] is not self
        if action in _BETWEEN and (self.has_class("-tiny") or self.has_class("-flat")):
            return False
        return not (self.keys.asking and action in _MODES)
