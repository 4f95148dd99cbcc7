"""A pipe out of tmux: a fifo, and the process that tmux runs to fill it.

The law of this file: that process reads always, so that tmux never waits, and leaves with us however we
end: it watches for the moment when nobody reads the fifo any more. The fifo has a name in our state
folder only until both of its ends are open.
"""

import os
import select
import shlex
import sys
import time
from contextlib import suppress
from typing import List, Optional

from trainwatch.probe import runs
from trainwatch.probe.panes import Pane

BLOCK = 1 << 18
HELLO = 10.0  # seconds that the other end may take to start
_FIFO = ".pane-"
OLD = 60.0  # seconds after which a fifo that still has its name is nobody's

# Run by tmux with the output of the pane as its standard input. -I has tmux notice its end at once and
# not with the next byte; it would also type into the pane what is written to standard output.
_CARRIER = b"""
import os, select, signal, sys
os.close(1)
out = os.open(sys.argv[2], os.O_WRONLY | os.O_NONBLOCK)  # fails where nobody reads any more
os.set_blocking(out, True)
os.write(out, b"!")
ends = select.poll()
ends.register(0, select.POLLIN)
ends.register(out, 0)
while out not in dict(ends.poll()):
    data = os.read(0, 65536)
    if not data:
        break
    signal.alarm(30)  # its default action ends us: tmux must not wait for a probe that was stopped
    os.write(out, data)
    signal.alarm(0)
"""


class Fifo:
    """Our end of a pipe out of tmux. Raises OSError where the state folder cannot be written."""

    def __init__(self) -> None:
        folder = runs.state_folder()
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _sweep(folder)
        self._path = os.path.join(folder, _FIFO + os.urandom(8).hex())
        os.mkfifo(self._path, 0o600)
        self.fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def commands(self, pane: Pane) -> List[str]:
        """What tmux is told, to open the pipe where the pane has none."""
        code = "import sys; exec(bytes.fromhex(sys.argv[1]))"
        words = [sys.executable, "-I", "-S", "-c", code, _CARRIER.hex(), self._path]
        shell = "exec " + " ".join(shlex.quote(word) for word in words)
        for sign in "#%":  # tmux puts values and times in their place
            shell = shell.replace(sign, 2 * sign)
        for sign in '\\"$':
            shell = shell.replace(sign, "\\" + sign)
        pipe = 'pipe-pane -IO -t {} "{}"'.format(pane.id, shell)
        busy = "#{?pane_dead,1,#{pane_pipe}}"
        return [";", "if-shell", "-F", "-t", pane.id, busy, "", pipe]

    def opened(self, bell: int) -> bool:
        """Wait until somebody writes to it, and take its name away."""
        ready = select.select([self.fd, bell], [], [], HELLO)[0]
        hello = os.read(self.fd, 1) if self.fd in ready else b""
        self._forget()
        return bool(hello)

    def read(self) -> Optional[bytes]:
        """What was written; b"" when nobody writes any more, None when nothing waits."""
        try:
            return os.read(self.fd, BLOCK)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Hang up: the process at the other end leaves."""
        os.close(self.fd)
        self._forget()

    def _forget(self) -> None:
        with suppress(OSError):
            os.unlink(self._path)


def _sweep(folder: str) -> None:
    """Remove what a probe left that was killed in the moment between two lines."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with suppress(OSError):
            if name.startswith(_FIFO) and time.time() - os.stat(path).st_mtime > OLD:
                os.unlink(path)
