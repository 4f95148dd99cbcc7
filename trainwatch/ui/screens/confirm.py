"""Stopping the training: which signal, and what the probe answered.

The law of this file: nothing is sent before a person chose a line that names the signal, and the
line that the cursor stands on first changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding
from textual.screen import ModalScreen

from trainwatch import facts
from trainwatch.draw.rows import Picture
from trainwatch.read.clean import clean
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row
    from trainwatch.run.topics import Topic
    from trainwatch.ui.rows import Desk


class Choice(NamedTuple):
    """One way to stop."""

    key: str
    name: str
    signal: str
    now: bool
    grace: float


def choices(grace: float) -> tuple[Choice, ...]:
    """The ways to stop; an interrupted training has ``grace`` seconds for its last checkpoint."""
    steps = f"SIGINT, SIGTERM after {grace:g} s, SIGKILL"
    return (
        Choice("i", "interrupt and let it save", steps, False, grace),
        Choice("k", "kill", "SIGKILL: nothing is saved", True, 0.0),
    )


class Choices(Panel):
    """The ways to stop, a cursor, and the answers so far."""

    BINDINGS = [
        Binding("down,j", "move(1)", "choose", id="stop.down", tooltip="next line"),
        Binding("up", "move(-1)", "choose", id="stop.up", tooltip="line before"),
        Binding("enter", "choose", "do it", id="stop.choose", tooltip="do what the cursor is on"),
        Binding(
            "i",
            "pick(0)",
            id="stop.interrupt",
            show=False,
            tooltip="interrupt: SIGINT, later SIGTERM",
        ),
        Binding("k", "pick(1)", id="stop.kill", show=False, tooltip="kill: SIGKILL"),
    ]

    def __init__(self, desk: Desk, target: str, grace: float) -> None:
        super().__init__(desk)
        self._target = target
        self._choices = choices(grace)
        self._cursor = len(self._choices)
        self._answers: list[facts.Answer] = []
        self._sent = False

    def picture(self, columns: int, lines: int) -> Picture:
        """What is stopped, how, and what came of it."""
        rows: list[Row] = [[(f" {line}", "text")] for line in self._what()]
        rows.append([])
        rows += [self._line(n, choice) for n, choice in enumerate(self._choices)]
        here = self._cursor == len(self._choices)
        word = "back" if self._sent else "cancel"
        rows.append(
            [(" › " if here else "   ", "accent"), (f"esc  {word}", "cursor" if here else "text")]
        )
        rows.append([])
        rows += [[(f" {clean(a.text)}", "ok" if a.ok else "critical")] for a in self._answers]
        if self._sent and not any(a.done for a in self._answers):
            rows.append([(" …", "dim")])
        return Picture([("stop the training", "title")], [], rows[: max(lines, 0)])

    def _line(self, number: int, choice: Choice) -> Row:
        here = self._cursor == number
        return [
            (" › " if here else "   ", "accent"),
            (f"{choice.key}    {choice.name}", "cursor" if here else "text"),
            (f"   {choice.signal}", "label"),
        ]

    def _what(self) -> list[str]:
        run = self.desk.run
        target = run.target
        if target is None:
            return ["the training that is watched"]
        command = " ".join(target.command) or target.name or target.id
        place = f"process {target.pid}" if target.pid else target.kind
        return [clean(command, 400), clean(f"{place} on {target.host}" if target.host else place)]

    def answered(self, answer: facts.Answer) -> None:
        """The probe tells what it did."""
        self._answers = [*self._answers, answer][-6:]
        self.redraw()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._cursor = (self._cursor + by) % (len(self._choices) + 1)
        self.redraw()

    def action_pick(self, number: int) -> None:
        """Put the cursor on a line; enter does it."""
        self._cursor = number
        self.redraw()

    def action_choose(self) -> None:
        """Send what the cursor stands on."""
        if self._cursor == len(self._choices):
            self.screen.dismiss()
            return
        choice = self._choices[self._cursor]
        self._sent = True
        self._answers = []
        self.desk.send(facts.Stop(self._target, choice.now, choice.grace))
        self._cursor = len(self._choices)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a line, a second one does it."""
        number = event.y - 1 - len(self._what()) - 1
        if 0 <= number <= len(self._choices):
            if number == self._cursor:
                self.action_choose()
            else:
                self.action_pick(number)


class Confirm(ModalScreen[None]):
    """Asks how to stop ``target``; an interrupt has ``grace`` seconds."""

    BINDINGS = [
        Binding("escape,q", "dismiss", "back", id="stop.cancel", tooltip="leave it running"),
    ]

    def __init__(self, desk: Desk, target: str, grace: float) -> None:
        super().__init__()
        self._desk = desk
        self._choices = Choices(desk, target, grace)

    def compose(self) -> ComposeResult:
        """The box and its keys."""
        yield self._choices
        yield Keys(self._desk, id="keys")

    def answered(self, answer: facts.Answer) -> None:
        """The probe tells what it did."""
        self._choices.answered(answer)

    def publish(self, _: Topic) -> None:
        """What is shown here does not depend on the run."""
