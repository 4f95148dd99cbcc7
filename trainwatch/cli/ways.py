"""The ways to several targets at once.

The law of this file: one that cannot be reached keeps no other from being watched. Each machine is
logged in to once, however many targets it has.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.target import parse
from trainwatch.cli.way import Way, way_to
from trainwatch.link.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from trainwatch.cli.target import Target
    from trainwatch.link.door import Verdict
    from trainwatch.link.ssh import SshDoor

AT_A_TIME = 4
"""Connections that are made at a time: a server refuses what comes in crowds."""
PATIENCE = 5.0
"""Seconds that a login may take before the others; who is late is connected behind the screen."""


@contextmanager
def all_reached(words: Sequence[str], attended: bool = False) -> Iterator[list[Way]]:
    """The ways to several targets. One that cannot be reached has a way on which that is said.

    ``attended`` as for ``reached``.
    Raises UsageError, and CommandError for a target that cannot be one of several.
    """
    targets = [parse(word) for word in words]
    if any(target.kind == "stdin" for target in targets):
        raise CommandError("standard input is watched alone: name no other target beside -")
    doors = _Doors({target.host for target in targets if target.host}, attended)
    try:
        yield [_one_of(target, doors) for target in targets]
    finally:
        doors.close()


def _one_of(target: Target, doors: _Doors) -> Way:
    refused = doors.refused.get(target.host)
    if refused is None:
        return way_to(target, doors.to(target.host))
    trouble = facts.Trouble("link", refused.text, refused.fix, time.time())
    return Way(target.host, target.where, lambda _: Refusal(trouble), is_here=False)


class _Doors:
    """Logins to several machines: a few at a time, then one by one those that ask something."""

    def __init__(self, hosts: Collection[str], attended: bool) -> None:
        from trainwatch.link.login import Login

        self.refused: dict[str, Verdict] = {}
        self._attended = attended
        self._logins = {host: Login(host) for host in sorted(hosts)}
        if not hosts:
            return
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            asking = list(threads.map(self._open_quietly, self._logins))
        for host in filter(None, asking):
            self._open(host, ask=True)

    def to(self, host: str) -> SshDoor | None:
        """The way to a machine; None = this one."""
        return self._logins[host].door(self._attended) if host else None

    def close(self) -> None:
        """Hang up everywhere."""
        for host, login in self._logins.items():
            if host not in self.refused:
                login.close()

    def _open_quietly(self, host: str) -> str:
        """Log in without a question; the host where there is one."""
        return host if self._open(host, ask=False) else ""

    def _open(self, host: str, ask: bool) -> bool:
        """Log in, or keep why that is refused for good; whether somebody would have to answer a question."""
        from trainwatch.link.login import LoginError

        self.refused.pop(host, None)
        try:
            self._logins[host].open(ask, patience=None if ask else PATIENCE)
        except LoginError as error:
            if error.verdict.final or error.asks:  # else it is tried again, from the screen
                self.refused[host] = error.verdict
            return error.asks
        return False
