"""The main screen: every panel at its place, and the way between them.

The law of this file: places are the style sheet's business. Here is only which panel is looked at,
who hears that a topic changed, and what picking a place in one panel means to the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from trainwatch.ui.panels.checkpoints import Checkpoints
from trainwatch.ui.panels.devices import Devices
from trainwatch.ui.panels.gap import Gap
from trainwatch.ui.panels.header import Header, Summary, Tabs
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.panels.log import LogPanel
from trainwatch.ui.panels.loss import Loss
from trainwatch.ui.panels.machine import Machine
from trainwatch.ui.rows import Panel
from trainwatch.ui.screens.prompt import Prompt

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from trainwatch.run.topics import Topic
    from trainwatch.ui.app import Options
    from trainwatch.ui.messages import Asked, Picked
    from trainwatch.ui.rows import Desk

TOUR: tuple[type[Panel], ...] = (Loss, Gap, Checkpoints, Devices, Machine, LogPanel)
"""The panels in the order of their digits."""


class WatchScreen(Screen[None]):
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
        Binding("slash", "search", "search", id="search", tooltip="search the log"),
        Binding("tab", "step(1)", "next", id="next", tooltip="the next panel"),
        Binding("shift+tab", "step(-1)", id="before", show=False, tooltip="the panel before"),
        Binding("f", "full", "full", id="full", tooltip="one panel on the whole screen, or all"),
        Binding(
            "m", "metrics", "metrics", id="metrics", tooltip="every metric as a grid of charts"
        ),
        *(
            Binding(str(n), f"go({n})", id=f"panel.{n}", show=False, tooltip=f"to panel {n}")
            for n in range(1, 7)
        ),
    ]

    def __init__(self, desk: Desk, options: Options) -> None:
        super().__init__(classes="-first")
        self._desk = desk
        self._options = options
        self._place = 0

    def compose(self) -> ComposeResult:
        """All panels; the style sheet shows those that the size has room for."""
        desk = self._desk
        self.tour: tuple[Panel, ...] = (
            Loss(desk, self._options.smoothing, id="loss", classes="tour -shown"),
            Gap(desk, id="gap", classes="tour"),
            Checkpoints(desk, id="checkpoints", classes="tour"),
            Devices(desk, id="devices", classes="tour"),
            Machine(desk, id="machine", classes="tour"),
            LogPanel(desk, id="log", classes="tour"),
        )
        self.loss, gap, self.checkpoints, devices, machine, self.log_panel = self.tour
        yield Header(desk, self._options.replay, id="header")
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
        yield Summary(desk, id="summary")
        self.keys = Keys(desk, id="keys")
        yield self.keys

    # --- what changed -------------------------------------------------------------------------

    def publish(self, changed: Topic) -> None:
        """Have the panels drawn that this concerns; nothing changed means a second passed."""
        for panel in self.query(Panel):
            if panel.TOPICS & changed or (not changed and panel.AGES):
                panel.redraw()

    def on_screen_resume(self) -> None:
        """Draw what changed while another screen was seen."""
        for panel in self.query(Panel):
            panel.redraw()

    # --- which panel --------------------------------------------------------------------------

    def action_go(self, number: int) -> None:
        """To the panel of a digit."""
        self._place = (number - 1) % len(self.tour)
        self._mark()
        self.call_after_refresh(self._focus)

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
        self.call_after_refresh(self._focus)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click chose a panel."""
        if isinstance(event.widget, Panel) and event.widget in self.tour:
            self._place = self.tour.index(event.widget)
            self._mark()

    def _mark(self) -> None:
        """Tell the style sheet which panel stays when there is room for only one."""
        shown = self.tour[self._place]
        self.set_class(self._place == 0, "-first")
        for widget in self.query(".place, .tour"):
            widget.set_class(widget is shown or widget in shown.ancestors, "-shown")
        self.tabs.current = shown

    def _focus(self) -> None:
        self.tour[self._place].focus()

    # --- what one panel tells the others ------------------------------------------------------

    def on_picked(self, message: Picked) -> None:
        """The curve, the line of the log and the checkpoint of one moment belong together."""
        step = message.step
        if step is None and message.source is not None and message.offset is not None:
            step = None  # later
        if message.origin is not self.loss:
            self.loss.pick(step)
        if message.origin is not self.log_panel:
            self.log_panel.pick(message.source, message.offset)
        if message.origin is not self.checkpoints:
            self.checkpoints.pick(step)

    async def on_asked(self, message: Asked) -> None:
        """A line of text is wanted."""
        await self.mount(Prompt(message))

    def action_search(self) -> None:
        """Search the log from wherever one is."""
        self.log_panel.action_search()
