"""A question of ssh, over whatever is seen: passphrase, password, one-time code, host key.

The law of this file: a secret is shown as dots, is kept nowhere and goes straight back to the link that
asked. Escape ends the login; nothing is tried again until somebody wants it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from trainwatch.draw.rows import Picture, wrapped
from trainwatch.read.clean import clean
from trainwatch.ui.messages import Asked
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row, Style
    from trainwatch.link.person import Prompt
    from trainwatch.run.topics import Topic
    from trainwatch.ui.rows import Desk


class Words(Panel):
    """What ssh wants to know."""

    NAME = "login"

    def __init__(self, desk: Desk, prompt: Prompt) -> None:
        super().__init__(desk)
        self._prompt = prompt

    def picture(self, columns: int, lines: int) -> Picture:
        """Every word of it: a fingerprint is wrapped, never cut. What was said before, if there is room."""
        asked = _rows(self._prompt.text, columns, "text")[:lines]
        said = _rows(self._prompt.said, columns, "warning")
        room = max(lines - len(asked) - 1, 0)
        before: list[Row] = [*said[len(said) - room :], []] if said and room else []
        title = f"ssh asks, to log in to {clean(self._prompt.host, 60)}"
        return Picture([(title, "title")], [], [*before, *asked])


def _rows(text: str, columns: int, style: Style) -> list[Row]:
    lines = [clean(line, 1000) for line in text.splitlines()[-20:]]
    return [[(f" {part}", style)] for line in lines for part in wrapped(line, columns - 2)]


class LoginScreen(ModalScreen[None]):
    """Asks, and hands the answer back."""

    def __init__(self, desk: Desk, prompt: Prompt) -> None:
        super().__init__()
        self._prompt = prompt
        self._words = Words(desk, prompt)
        self._keys = Keys(desk, id="keys")

    def compose(self) -> ComposeResult:
        """The box and the line below it."""
        yield self._words
        yield self._keys

    def on_mount(self) -> None:
        """Take the answer, from the first key on."""
        asked = Asked("answer:", lambda _: None, self._answered, hidden=self._prompt.hidden)
        self._keys.ask(asked)

    def _answered(self, text: str | None) -> None:
        self.dismiss()
        self._prompt.reply(text)

    def publish(self, _: Topic) -> None:
        """What is asked stays what it is."""
