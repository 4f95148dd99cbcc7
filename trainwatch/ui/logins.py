"""Logins that only the person at the screen can make: which are offered, what ssh asks meanwhile.

The law of this file: one question at a time, however many machines ask; a question that nobody waits
for any more goes away by itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from trainwatch.link.person import Offer, Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trainwatch.link.person import Settled
    from trainwatch.ui.pump import Intake


class Logins:
    """``show`` puts a question before the person, ``hide`` takes the one away that is shown."""

    def __init__(self, show: Callable[[Prompt], None], hide: Callable[[], None]) -> None:
        self._show, self._hide = show, hide
        self._offers: dict[Intake, list[Offer]] = {}
        self._shown: Prompt | None = None
        self._waiting: deque[Prompt] = deque()

    def wanted(self, wish: Offer | Prompt | Settled, intake: Intake) -> None:
        """A link needs the person, or does so no longer."""
        if isinstance(wish, Offer):
            self._offers.setdefault(intake, []).append(wish)
        elif isinstance(wish, Prompt):
            self._waiting.append(wish)
            self._next()
        else:
            self._waiting = deque(one for one in self._waiting if one.host != wish.host)
            if self._shown is not None and self._shown.host == wish.host:
                self._hide()
            if wish.well:
                self.accept([wish.host])  # whoever noticed the loss only now

    def answered(self) -> None:
        """The question that was shown is no longer."""
        self._shown = None
        self._next()

    def offered(self, intakes: Collection[Intake]) -> list[str]:
        """The machines that one of these can be logged in to again."""
        hosts = (offer.host for intake in intakes for offer in self._offers.get(intake, ()))
        return list(dict.fromkeys(hosts))

    def accept(self, hosts: Collection[str]) -> None:
        """Log in to these machines, for every run that is watched there."""
        for intake, offers in self._offers.items():
            self._offers[intake] = [offer for offer in offers if offer.host not in hosts]
            for offer in offers:
                if offer.host in hosts:
                    offer.accept()

    def _next(self) -> None:
        if self._shown is None and self._waiting:
            self._shown = self._waiting.popleft()
            self._show(self._shown)
