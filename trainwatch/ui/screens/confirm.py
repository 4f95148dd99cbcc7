"""Stopping the training: which signal, and what the probe answered.

The law of this file: nothing is sent before a person chose a line that names the signal, and the
line that the cursor stands on first changes nothing. A training on several machines is asked about once
and stopped on all of them; each says what came of it.
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
    from collections.abc import Sequence

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

    def __init__(self, parts: Sequence[Desk], grace: float) -> None:
        super().__init__(parts[0])
        self._parts = parts
        self._choices = choices(grace)
        self._cursor = len(self._choices)
        self._answers: dict[Desk, list[facts.Answer]] = {}
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
        for part, answers in self._answers.items():
            rows += [self._answer(part, answer) for answer in answers]
        if self._sent and not all(a and a[-1].done for a in self._answers.values()):
            rows.append([(" …", "dim")])
        return Picture([("stop the training", "title")], [], rows[: max(lines, 0)])

    def _line(self, number: int, choice: Choice) -> Row:
        here = self._cursor == number
        return [
            (" › " if here else "   ", "accent"),
            (f"{choice.key}    {choice.name}", "cursor" if here else "text"),
            (f"   {choice.signal}", "label"),
        ]

    def _answer(self, part: Desk, answer: facts.Answer) -> Row:
        where = f"{_name(part)}: " if len(self._parts) > 1 else ""
        return [
            (" " + clean(where), "label"),
            (clean(answer.text), "ok" if answer.ok else "critical"),
        ]

    def _what(self) -> list[str]:
        run = self.desk.run
        target = run.target
        if target is None:
            return ["the training that is watched"]
        command = " ".join(target.command) or target.name or target.id
        if len(self._parts) > 1:
            names = ", ".join(_name(part) for part in self._parts)
            return [clean(command, 400), clean(f"on {len(self._parts)} machines: {names}", 400)]
        place = f"process {target.pid}" if target.pid else target.kind
        return [clean(command, 400), clean(f"{place} on {target.host}" if target.host else place)]

    def answered(self, part: Desk, answer: facts.Answer) -> None:
        """The probe of a part tells what it did; of several parts the last word of each is seen."""
        told = [*self._answers.get(part, ()), answer]
        self._answers[part] = told[-6:] if len(self._parts) == 1 else [answer]
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
        self._answers = {part: [] for part in self._parts}
        for part in self._parts:
            self._stop(part, choice)
        self._cursor = len(self._choices)
        self.redraw()

    def _stop(self, part: Desk, choice: Choice) -> None:
        lost = part.run.troubles.get("link")
        if lost is None:
            part.send(facts.Stop(part.subject, choice.now, choice.grace))
        else:  # nothing is left behind that would stop it whenever the connection is back
            text = f"not reached, so not stopped: {lost.text}"
            self.answered(part, facts.Answer(False, True, text, part.now()))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a line, a second one does it."""
        number = event.y - 1 - len(self._what()) - 1
        if 0 <= number <= len(self._choices):
            if number == self._cursor:
                self.action_choose()
            else:
                self.action_pick(number)


def _name(part: Desk) -> str:
    """What the machine of a part is called."""
    return part.run.own.name or part.options.word


class Confirm(ModalScreen[None]):
    """Asks how to stop a training, all ``parts`` of it; an interrupt has ``grace`` seconds."""

    BINDINGS = [
        Binding("escape,q", "dismiss", "back", id="stop.cancel", tooltip="leave it running"),
    ]

    def __init__(self, parts: Sequence[Desk], grace: float) -> None:
        super().__init__()
        self._desk = parts[0]
        self._choices = Choices(parts, grace)

    def compose(self) -> ComposeResult:
        """The box and its keys."""
        yield self._choices
        yield Keys(self._desk, id="keys")

    def answered(self, part: Desk, answer: facts.Answer) -> None:
        """The probe of a part tells what it did."""
        self._choices.answered(part, answer)

    def publish(self, _: Topic) -> None:
        """What is shown here does not depend on the run."""
