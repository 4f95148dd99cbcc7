"""A probe carried over standard input to where nothing is installed.

The law of this file: a small stub in the command line reads exactly the bytes with which the probe
begins and becomes it; the rest of it follows when it has spoken. It runs under the oldest Python found there (its start is the surest to lie on the machine's own disk).
Nothing is written there and no port is opened. What is printed before is skipped up to a marker that
was drawn for this start.

The words may be read by any login shell (bash, zsh, fish, tcsh, dash): one level of quotes, and inside
them no quote, no newline and no exclamation mark.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from trainwatch import facts, wire
from trainwatch.link.bundle import BOOT, bundle
from trainwatch.link.door import Door, Knock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.link.door import End, Verdict

MAX_NOISE = 8 << 20
NO_PYTHON, CUT = 97, 98  # how the stub ends

_PYTHONS = [f"python3.{minor}" for minor in range(6, 16)]
_PYTHONS += ["python3", "/usr/libexec/platform-python", "python", "+", "python3", "python"]

# pyenv's shims take a quarter of a second to start a Python: they count from the "+" on, when there is
# no other.
# 2 is what Python 2 says to -I; 126 and 127 come from whatever else only looks like a Python.
_FIND = (
    "q=; IFS=:; for d in $PATH; do case $d in */shims) ;; *) q=$q:$d ;; esac; done; unset IFS; "
    "o=$PATH; PATH=${{q#:}}; for p in {pythons}; do case $p in +) PATH=$o; continue ;; esac; "
    "command -v $p >/dev/null || continue; w=$(command -v $p); "
    'PATH=$o "$w" -I -S -c "import sys,base64;sys.version_info<(3,6) and sys.exit(97);'
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


class BareDoor(Door):
    """A probe behind any command that runs words where the training is; ``HERE`` behind none."""

    def command(self, words: Sequence[str]) -> list[str]:
        """What to run here, so that ``words`` run there."""
        return [*self.argv, *words]

    def barred(self, end: End) -> Verdict | None:
        """What there is to say of a command that ended because a person has to open the way again."""
        del end
        return None

    def knock(self) -> Knock:
        """See Door."""
        marker = secrets.token_hex(16)
        stub = base64.b64encode(_STUB.encode("ascii")).decode("ascii")
        first, rest = bundle()
        words = ["sh", "-c", _FIND, "sh", stub, str(len(first)), marker]
        decoder = AfterNoise(b"\0\0" + marker.encode("ascii"))
        return Knock(self.command(words), decoder, first, wire.encode(facts.Modules(rest)))


HERE = BareDoor([])
"""Words run on this machine."""


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
