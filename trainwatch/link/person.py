"""What a link wants of the person at the screen.

The law of this file: no peer can send these, the wire does not know them. They arrive among the facts,
carry their own way back and are kept in no journal, so an answer passes through nobody else's hands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Offer(NamedTuple):
    """The connection is lost, and only a person can make it anew; until then nothing is tried."""

    host: str
    accept: Callable[[], None]  # from any thread


class Prompt(NamedTuple):
    """ssh asks something: a passphrase, a password, a one-time code, whether a host key is right."""

    text: str
    hidden: bool  # the answer is a secret
    reply: Callable[[str | None], None]  # from any thread; None: the person does not want to
