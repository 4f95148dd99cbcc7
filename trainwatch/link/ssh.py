"""A probe on another machine, over the user's own ssh, with nothing installed there.

The law of this file: the system's ``ssh`` with the user's whole configuration, and host key checking
never weakened. The probe goes through standard input into the oldest Python found there (its start is
the surest to lie on the machine's own disk); nothing is written there and no port is opened. What the
login prints is skipped up to a marker that was drawn for this connection.

The remote command line is read by a login shell that may be any (bash, zsh, fish, tcsh, dash): one
level of quotes, and inside them no quote, no newline and no exclamation mark.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch import wire
from trainwatch.link.bundle import BOOT, bundle
from trainwatch.link.door import Decoder, Door, End, Verdict, how, last_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PING = 4.0  # seconds; a probe that hears nothing for 60 s leaves
ALIVE = 4  # seconds without an answer, twice, and ssh takes the connection for lost
BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds before a try, by the failures before it
MAX_NOISE = 8 << 20

_NO_PYTHON, _CUT = 97, 98
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

_PYTHONS = [f"python3.{minor}" for minor in range(6, 16)]
_PYTHONS += ["python3", "/usr/libexec/platform-python", "python"]

# pyenv's shims take a quarter of a second to say that they are no Python. 2 is what Python 2 says to
# -I; 126 and 127 come from whatever else only looks like a Python.
_FIND = (
    "for p in {pythons}; do w=$(command -v $p) || continue; "
    "case $w in */shims/python3.*) continue ;; esac; "
    '$p -I -S -c "import sys,base64;sys.version_info<(3,6) and sys.exit(97);'
    'exec(base64.b64decode(sys.argv[1]))" "$@"; '
    "c=$?; case $c in 2|97|126|127) ;; *) exit $c ;; esac; done; exit 97"
).format(pythons=" ".join(_PYTHONS))

_STUB = """\
import json,os,sys,zlib
def take(n):
    b=b""
    while len(b)<n:
        d=os.read(0,n-len(b))
        if not d: os._exit(98)
        b+=d
    return b
m=json.loads(zlib.decompress(take(int(sys.argv[2]))).decode("ascii"))
g={"__name__":"trainwatch_boot"}
exec(m["BOOT"],g)
g["start"](m,b"\\0\\0"+sys.argv[3].encode("ascii"))
""".replace("BOOT", BOOT)


class SshDoor(Door):
    """The way to ``host`` (``user@name``, or an alias of the user's configuration)."""

    ping = PING
    backoff = BACKOFF

    def __init__(self, host: str, program: Sequence[str] = ("ssh",)) -> None:
        super().__init__([*program, *_OPTIONS, "--", host])
        self.host = host
        self._was_open = False
        self.silence = Verdict(
            f"still waiting for {host}: its login has not come to an end",
            f"does a login script there wait, or read standard input? try: ssh {host} true",
            final=False,
        )

    def knock(self) -> tuple[list[str], bytes, Decoder]:
        """See Door."""
        marker = secrets.token_hex(16)
        stub = base64.b64encode(_STUB.encode("ascii")).decode("ascii")
        body = bundle()
        command = f"exec sh -c '{_FIND}' sh {stub} {len(body)} {marker}"
        return [*self.argv, command], body, AfterNoise(b"\0\0" + marker.encode("ascii"))

    def verdict(self, end: End) -> Verdict:
        """See Door."""
        self._was_open = self._was_open or end.spoke
        if end.spoke:
            words = last_line(end.words) or how(end.code)
            return Verdict(f"the connection to {self.host} was lost ({words})", "", False)
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


class AfterNoise:
    """A decoder for what follows ``marker``; what comes before it is the noise of a login."""

    def __init__(self, marker: bytes) -> None:
        self._marker = marker
        self._pending = b""
        self._skipped = 0
        self._decoder: wire.Decoder | None = None

    @property
    def noise(self) -> str:
        """The end of what the login printed."""
        return self._pending[-4096:].decode("utf-8", "replace")

    def feed(self, data: bytes) -> list[Any]:
        """The facts after the marker. Raises WireError."""
        if self._decoder is None:
            before, marker, data = (self._pending + data).partition(self._marker)
            if not marker:
                self._skip(before)
                return []
            self._decoder = wire.Decoder()
        return self._decoder.feed(data)

    def _skip(self, noise: bytes) -> None:
        kept = noise[-4096:]
        self._skipped += len(noise) - len(kept)
        self._pending = kept
        if self._skipped > MAX_NOISE:
            raise wire.WireError("the login prints without end")


def needs_a_person(words: str) -> bool:
    """Whether ssh, by its own words, had something to ask and nobody to ask."""
    asked = ("Permission denied" in words, "Host key verification failed" in words)
    return any(asked) and _CHANGED not in words


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
        lambda end: end.code == _NO_PYTHON,
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
        "",
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
        lambda end: end.code == _CUT,
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
