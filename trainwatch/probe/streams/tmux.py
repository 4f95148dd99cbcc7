"""What a tmux pane shows: its history, and then every byte that is written to it.

The law of this file: the history is captured and a pipe of ours is opened by one list of commands,
which the server carries out without reading from the pane in between, so that the two join without
loss or doubling. A pipe that is there already is somebody's: it stays, and the pane is looked at
again and again. Looks are joined by what they show; where that does not fit there is a Gap.

Tmux has a thread of its own here, because it may hang.
"""

import os
import select
import threading
import time
from typing import Any, Callable, List, NamedTuple, Optional

from trainwatch.facts import Chunk, Ended, FileBytes, Gap, Resume, Trouble
from trainwatch.probe import panes
from trainwatch.probe.panes import Pane, TmuxError
from trainwatch.probe.streams import shot
from trainwatch.probe.streams.fifo import Fifo
from trainwatch.probe.streams.shot import Shot

KEPT = 4 << 20  # bytes of the newest that are kept, for whoever reads back
AHEAD = 4 << 20  # bytes that may wait to be sent
KNOWN = 1 << 16  # bytes of the newest by which two looks are joined
EVERY = 0.5  # seconds between two looks
NEAR = 1000  # lines of history in a repeated look
LEAVING = 1.0  # seconds that it may take to take down what was set up

_META = (
    "#{pane_id} #{cursor_x} #{cursor_y} #{history_size} #{history_limit} #{pane_pipe} #{pane_dead}"
    " #{pane_dead_status}"
)

_BY_LOOKS = "{} is looked at twice a second, because {}: what was shown and overwritten in between is not seen"


class Look(NamedTuple):
    """What one list of commands told."""

    shot: Shot
    limited: bool  # the history is as long as it may be: its oldest lines go
    taken: bool  # somebody has a pipe on the pane
    dead: bool
    status: Optional[int]  # with which its program ended, where tmux keeps a dead pane


class PaneStream:
    """Follows one pane; ``poll`` after ``wake`` was called. ``live`` False: one look and no more."""

    path = ""

    def __init__(
        self,
        name: str,
        pane: Pane,
        wake: Callable[[], None],
        resume: Optional[Resume] = None,
        live: bool = True,
    ) -> None:
        self.name = name
        self.begun = False  # what was there at the first look can be polled
        self.ended: Optional[Ended] = None  # the pane is gone
        self._pane = pane
        self._wake = wake
        self._live = live
        self._offset = resume.offset if resume else 0
        self._newest = bytearray(resume.tail.encode("latin-1", "replace") if resume else b"")
        self._rows = 0
        self._deep = True  # the next look is at everything that the pane kept
        self._pipes = True  # tmux opens pipes for us
        self._trouble = ""
        self._waiting: List[Any] = []
        self._ahead = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._bell, self._rope = os.pipe()
        self._thread = threading.Thread(target=self._run, name="pane", daemon=True)
        self._thread.start()

    def silent(self) -> float:
        """A terminal does not tell when it was written to."""
        return 0.0

    @property
    def at_end(self) -> bool:
        """Whether there is nothing to poll for now."""
        with self._changed:
            return not self._waiting

    def poll(self) -> List[Any]:
        """What is new."""
        with self._changed:
            found, self._waiting = self._waiting, []
            self._ahead = 0
            self._changed.notify_all()
        return found

    def part(self, offset: int, length: int) -> FileBytes:
        """Bytes that were sent, as far as they are kept."""
        with self._changed:
            start = offset - (self._offset - len(self._newest))
            data = bytes(self._newest[start : start + max(0, length)]) if start >= 0 else b""
            return FileBytes(self.name, offset, data, self._offset, 0.0, time.time())

    def close(self) -> None:
        """Let go of the pane. A thread that hangs with tmux is left behind."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            if self._rope >= 0:
                os.write(self._rope, b"!")
        self._thread.join(LEAVING)

    # --- what follows runs in a thread of its own

    def _run(self) -> None:
        try:
            while not self._stopped and self.ended is None:
                self._turn()
        finally:
            with self._changed:
                os.close(self._bell)
                os.close(self._rope)
                self._rope = -1

    def _turn(self) -> None:
        """One look, and, where we may have a pipe, everything until that ends."""
        fifo = self._fifo() if self._live and self._deep and self._pipes else None
        try:
            look = self._look(fifo)
            self._join(look)
            if fifo is not None and not look.taken and fifo.opened(self._bell):
                self._say("")
                self._listen(fifo)
            elif self._live and not look.dead:
                why = "somebody has a pipe on it" if look.taken else "tmux opens no pipe for us"
                self._say(_BY_LOOKS.format(self._pane.words, why))
        except TmuxError as error:
            self._pipes = fifo is None  # an old tmux may refuse them: looking goes on without
            self._gone(str(error))
        finally:
            if fifo is not None:
                fifo.close()
        self._rest()

    def _fifo(self) -> Optional[Fifo]:
        try:
            return Fifo()
        except OSError:
            return None  # the state folder cannot be written: looking goes on without

    def _look(self, fifo: Optional[Fifo]) -> Look:
        target = self._pane.id
        depth = "-" if self._deep else str(-NEAR)
        more = fifo.commands(self._pane) if fifo is not None else []
        mark = "look-" + os.urandom(8).hex()
        told = panes.ask(
            self._pane.socket, "display-message", "-p", "-t", target, _META, ";",
            "capture-pane", "-p", "-t", target, ";", "display-message", "-p", mark, ";",
            "capture-pane", "-p", "-J", "-S", depth, "-t", target, *more,
        )  # fmt: skip
        return understood(told.decode("utf-8", "replace"), mark)

    def _join(self, look: Look) -> None:
        """Tell what the look shows and was not told yet."""
        data = bytes(self._newest[-KNOWN:])
        lines, rest = shot.rendered(data)
        seen, fresh = look.shot, 0
        if self._offset and (lines or not shot.goes_on(rest, seen)):
            expected = seen.rows - self._rows if self._rows and not look.limited else None
            fresh = shot.begins(lines, len(data) < self._offset, seen, expected)
            if fresh < 0 and not self._deep:
                self._deep = True  # more than was looked at: look at everything
                return
            if fresh < 0:
                fresh, rest = shot.last_known(lines, seen), ""
                self._put(Gap(self.name, self._offset, "missing", time.time()))
        self._rows, self._deep = seen.rows, not look.taken
        self._tell(shot.update(rest, seen.lines[fresh:], seen).encode("utf-8"))
        if look.dead:
            self._end(look.status)
        with self._changed:
            self.begun = True
        self._wake()

    def _listen(self, fifo: Fifo) -> None:
        """Hand on what is written to the pane until the pipe ends."""
        while not self._stopped:
            ready = select.select([fifo.fd, self._bell], [], [])[0]
            data = fifo.read() if fifo.fd in ready else b""
            if data == b"":
                break
            if data:
                self._tell(data)
                self._wake()
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._ahead < AHEAD)
        self._rows = 0

    def _tell(self, data: bytes) -> None:
        if not data:
            return
        with self._changed:
            self._waiting.append(Chunk(self.name, self._offset, data, time.time()))
            self._ahead += len(data)
            self._offset += len(data)
            self._newest += data
            if len(self._newest) > 2 * KEPT:
                del self._newest[:-KEPT]

    def _put(self, fact: Any) -> None:
        with self._changed:
            self._waiting.append(fact)

    def _say(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._put(Trouble("stream:" + self.name, text, "", time.time()))
            self._wake()

    def _gone(self, why: str) -> None:
        """Tmux refused: the pane has closed, or tmux has a trouble of its own."""
        try:
            closed = not panes.exists(self._pane)
        except TmuxError as error:
            closed, why = False, str(error)
        if closed:
            self._say("{} was closed; this is all it showed".format(self._pane.words))
            self._end(None)
        else:
            self._say("{}: {}".format(self._pane.words, why))

    def _end(self, status: Optional[int]) -> None:
        with self._changed:
            self.begun = True
            self.ended = Ended(status, None, "", time.time())
        self._wake()

    def _rest(self) -> None:
        with self._changed:
            once = not self._live and self.begun
            self._changed.wait_for(
                lambda: self._stopped, None if once and not self.ended else EVERY
            )


def understood(told: str, mark: str) -> Look:
    """The answer to the list of commands of a look. Raises TmuxError where it is none."""
    meta, _, rest = told.partition("\n")
    grid, found, history = rest.partition(mark + "\n")
    fields = meta.split(" ")
    if not found or len(fields) < 7 or not fields[0].startswith("%"):
        raise TmuxError("tmux answers what nobody asked for")
    column, row, size, limit = map(int, fields[1:5])
    status = fields[7] if len(fields) > 7 else ""
    seen = shot.of_terminal(
        grid.split("\n")[:-1], history.split("\n")[:-1], (column, row), size + row
    )
    return Look(
        seen, size >= limit, fields[5] == "1", fields[6] == "1", int(status) if status else None
    )
