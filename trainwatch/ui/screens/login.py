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

    from trainwatch.draw.rows import Row
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
        """Every word of it: a fingerprint is wrapped, never cut."""
        said = [clean(line, 1000) for line in self._prompt.text.splitlines()[:20]]
        rows: list[Row] = [
            [(f" {part}", "text")] for line in said for part in wrapped(line, columns - 2)
        ]
        return Picture([("ssh asks", "title")], [], rows[:lines])


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
