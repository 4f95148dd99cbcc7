"""A probe on another machine, over the user's own ssh.

The law of this file: the system's ``ssh`` with the user's whole configuration, and host key checking
never weakened.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.link.bare import CUT, NO_PYTHON, BareDoor
from trainwatch.link.door import End, Verdict, how, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PING = 4.0  # seconds; a probe that hears nothing for 60 s leaves
ALIVE = 4  # seconds without an answer, twice, and ssh takes the connection for lost
BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before a try, by the failures before it

FAILED = 255  # how ssh itself ends when it has no connection
AGAIN = "L: log in again"

LASTING = (
    "-T", "-C",
    "-o", f"ServerAliveInterval={ALIVE}",
    "-o", "ServerAliveCountMax=2",
    "-o", "ConnectTimeout=15",
    "-o", "ForwardX11=no",
    "-o", "ForwardAgent=no",
    "-o", "RequestTTY=no",
    "-o", "RemoteCommand=none",
    "-o", "ClearAllForwardings=yes",
)  # fmt: skip
"""What every connection of ours is made with."""

_OPTIONS = ("-o", "BatchMode=yes", *LASTING)  # nobody can answer a prompt behind the screen


class SshDoor(BareDoor):
    """The way to ``host`` (``user@name``, or an alias of the user's configuration).

    ``typed``: the login asked a person something.
    """

    ping = PING
    backoff = BACKOFF

    def __init__(self, host: str, program: Sequence[str] = ("ssh",), typed: bool = False) -> None:
        super().__init__([*program, *_OPTIONS, "--", host])
        self.host = host
        self.typed = typed
        self._was_open = False
        self._made = 0  # logins, when the newest try began

    @property
    def silence(self) -> Verdict:
        """See Door. Where it worked before, no login script is to blame."""
        if self._was_open:
            return Verdict(f"{self.host} does not answer; still trying", "", final=False)
        return Verdict(
            f"still waiting for {self.host}: its login has not come to an end",
            f"does a login script there wait, or read standard input? try: ssh {self.host} true",
            final=False,
        )

    def barred(self, end: End) -> Verdict | None:
        """See BareDoor. A typed login repeated by itself would ask nobody, and may lock an account."""
        if not self.typed or end.code != FAILED or end.spoke or _FULL in end.words:
            return None
        if self.login is not None and self.login.made != self._made:
            return Verdict(f"{self.host} was logged in to again", "", final=False)
        text = f"{self.host} was lost; its login has to be typed again"
        fix = AGAIN if self.login else "leave (q) and attach again"
        return Verdict(text, fix, final=True, person=True)

    def command(self, words: Sequence[str]) -> list[str]:
        """See BareDoor. The login shell there takes one level of quotes away."""
        self._made = self.login.made if self.login is not None else 0
        return [*self.argv, "exec " + shlex.join(words)]

    def verdict(self, end: End) -> Verdict:
        """See Door."""
        self._was_open = self._was_open or end.spoke
        if end.spoke:
            words = last_line(end.words) or how(end.code)
            return Verdict(f"the connection to {self.host} was lost ({words})", "", False)
        barred = self.barred(end)
        if barred is not None:
            return barred
        for case in _CASES:
            if case.holds(end):
                final = case.final and not self._was_open
                return Verdict(
                    case.text.format(host=self.host), case.fix.format(host=self.host), final
                )
        words = last_line(end.words) or last_line(end.noise) or how(end.code)
        return Verdict(
            f"{self.host} cannot be reached ({words})", "try it: ssh " + self.host, False
        )


def needs_a_person(words: str) -> bool:
    """Whether ssh, by its own words, had something to ask and nobody to ask."""
    asked = ("Permission denied" in words, "Host key verification failed" in words)
    return any(asked) and _CHANGED not in words


_FULL = "Session open refused"
_CHANGED = "REMOTE HOST IDENTIFICATION HAS CHANGED"


class _Case(NamedTuple):
    """One way in which a connection fails, and what to say."""

    holds: Callable[[End], bool]
    text: str
    fix: str
    final: bool


def _says(*words: str) -> Callable[[End], bool]:
    return lambda end: any(word in end.words for word in words)


_CASES = (
    _Case(
        lambda end: end.code == NO_PYTHON,
        "there is no Python 3.6 or newer on {host}",
        "install python3 there, or put it on the PATH of logins without a terminal",
        True,
    ),
    _Case(
        _says(_CHANGED),
        "the host key of {host} has changed: it is another machine, or somebody is in between",
        "ask whoever runs it; if the new key is right: ssh-keygen -R {host}",
        True,
    ),
    _Case(
        _says("Host key verification failed"),
        "the host key of {host} is not known yet",
        "log in once and compare its fingerprint: ssh {host}",
        True,
    ),
    _Case(
        _says(_FULL),
        "{host} allows no more sessions in one login (MaxSessions of its ssh server)",
        "watch fewer targets there at once",
        False,
    ),
    _Case(
        _says("Permission denied", "Too many authentication failures", "No more authentication methods"),
        "{host} refuses the login",
        "make this work without a question: ssh {host} true",
        True,
    ),
    _Case(
        _says("Could not resolve hostname"),
        "there is no host called {host}",
        "check the name, or the Host entries in ~/.ssh/config",
        True,
    ),
    _Case(
        _says("Connection refused"),
        "{host} refuses connections: no ssh server answers there",
        "where it listens on another port, write that into ~/.ssh/config: Host, Port",
        False,
    ),
    _Case(
        _says("Connection timed out", "No route to host", "Network is unreachable", "timed out"),
        "{host} does not answer",
        "",
        False,
    ),
    _Case(
        _says("This account is currently not available", "sftp connections only"),
        "the account on {host} may not run commands",
        "use an account with a shell",
        True,
    ),
    _Case(
        lambda end: end.code == CUT,
        "the way to {host} swallowed a part of the probe",
        "does a login script there read standard input?",
        True,
    ),
    _Case(
        lambda end: end.code is not None and 0 <= end.code < 255,
        "the login on {host} ended before it ran a command",
        "a file like ~/.bashrc there calls exit or exec also for logins without a terminal",
        True,
    ),
)  # fmt: skip
