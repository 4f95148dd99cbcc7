"""What a link wants of the person at the screen.

The law of this file: no peer can send these, the wire does not know them. They arrive among the facts,
carry their own way back and are kept in no journal, so an answer passes through nobody else's hands.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.link.door import Door, Verdict

_LOOK = 0.2  # seconds between two looks at whether the person wants it


class Offer(NamedTuple):
    """The connection is lost, and only a person can make it anew; until then nothing is tried."""

    host: str
    accept: Callable[[], None]  # from any thread


class Prompt(NamedTuple):
    """ssh asks something: a passphrase, a password, a one-time code, whether a host key is right."""

    host: str
    text: str
    said: str  # what ssh said just before: that a password was wrong, what a code is for
    hidden: bool  # the answer is a secret
    reply: Callable[[str | None], None]  # from any thread; None: the person does not want to


class Settled(NamedTuple):
    """The login has come to its end: whatever it asked, no answer is waited for any more."""

    host: str
    well: bool  # we are in


WISHES = (Offer, Prompt, Settled)


def log_in_again(
    door: Door,
    lost: Verdict,
    put: Callable[[list[Any]], None],
    tell: Callable[[Verdict], None],
    leaving: Callable[[float], bool],
) -> bool:
    """Say why the connection was ``lost``, and wait for a person who makes it again. False: nobody will.

    ``put`` brings wishes to the screen; ``leaving`` waits so many seconds and says whether we must go.
    """
    login = door.login
    if login is None or not lost.person:
        tell(lost)
        return False
    failed: Verdict | None = lost
    while failed is not None:
        accepted = threading.Event()
        put([Offer(door.host, accepted.set)])
        tell(failed)  # after the offer: whoever reads of it can do it
        while not accepted.is_set():
            if leaving(_LOOK):
                return False
        failed = login.again(lambda prompt: put([prompt]), lambda: leaving(0.0))
        put([Settled(door.host, failed is None)])
    return True
