"""What panels and screens tell each other: upward as messages, past tense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import Widget

    from trainwatch.draw.rows import Row
    from trainwatch.link.person import Offer, Prompt, Settled
    from trainwatch.ui.pump import Intake


class Picked(Message):
    """A place of the run was picked in one panel; the others may show what they have of it."""

    def __init__(
        self, origin: Widget, step: int | None, source: str | None, offset: int | None
    ) -> None:
        super().__init__()
        self.origin = origin
        self.step = step
        self.source = source
        self.offset = offset


class Opened(Message):
    """A person wants to read more: a page of rows, drawn for any width."""

    def __init__(self, title: str, rows: Callable[[int], list[Row]]) -> None:
        super().__init__()
        self.title = title
        self.rows = rows


class Copied(Message):
    """A text is for the clipboard."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__()
        self.what = what
        self.text = text


class Asked(Message):
    """A panel asks for a line of text: every change of it and its end are called back.

    ``hidden``: it is a secret and is shown as dots.
    """

    def __init__(
        self,
        label: str,
        changed: Callable[[str], None],
        done: Callable[[str | None], None],
        hidden: bool = False,
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.label = label
        self.changed = changed
        self.done = done


class Said(Message):
    """One line for the person, shown where the keys are until the next thing happens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Wanted(Message):
    """A link cannot go on without a person, or can again."""

    def __init__(self, wish: Offer | Prompt | Settled, intake: Intake) -> None:
        super().__init__()
        self.wish = wish
        self.intake = intake


class Questioned(Message):
    """Something is to be done that a person must agree to: what is shown, and ``act`` on yes.

    With ``typed``, that word has to be typed first.
    """

    def __init__(
        self, title: str, rows: list[Row], word: str, act: Callable[[], None], typed: str = ""
    ) -> None:
        super().__init__()
        self.title = title
        self.rows = rows
        self.word = word
        self.act = act
        self.typed = typed
