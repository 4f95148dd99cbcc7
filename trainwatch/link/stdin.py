"""What another program pipes into us, as a training's output.

The law of this file: every byte in order, with the time at which it came, and no probe in between. The
end of the input is no crash. A probe of this machine tells what else there is to know of the process
at the other end of the pipe: its tree, the devices, its folders; of its streams nothing is taken from
there, and nothing is set up for it. When the reader is full, whoever writes waits, as in every pipe.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING

from trainwatch import facts, wire
from trainwatch.link.pipes import drain
from trainwatch.link.threaded import Threaded

if TYPE_CHECKING:
    from pathlib import Path

    from trainwatch.link import Link

NAME = "stdin"
BLOCK = 1 << 16
QUIET = 0.1  # seconds without a byte after which what was there at the beginning has been read
ALIVE = 5.0  # seconds between two signs of life while nothing comes
LAST = 2.0  # seconds after the end of the input in which the end of its writer may be told
_BESIDE = (facts.ProcessReading, facts.MachineReading, facts.DeviceReading, facts.Listing,
           facts.FileBytes, facts.Answer, facts.Pong)  # fmt: skip


class StdinLink(Threaded):
    """Facts of the bytes that arrive on ``fd``; ``beside`` knows the process that writes them.

    ``writer`` is what ``beside`` is asked for.
    """

    def __init__(
        self,
        fd: int,
        beside: Link | None = None,
        writer: str = "",
        record: Path | None = None,
    ) -> None:
        super().__init__("stdin", record)
        self._fd = fd
        self._beside = beside
        self._writer = writer
        self._watch: facts.Watch | None = None
        self._offset = 0
        self._caught_up = False
        self._over = -1.0  # when the input ended, on the monotonic clock
        self._left = False  # the process at the other end has ended

    # --- what follows runs in the link's own thread

    def _run(self) -> None:
        if self._beside is not None:
            self._beside.open(self._ring)
        while not self._closing and not self._finished():
            self._wait()
            self._answer_requests()
            self._hear_beside()
        if self._beside is not None:
            self._beside.close()

    def _finished(self) -> bool:
        """Whether the input ended, and with it, as far as we can know, whoever wrote it."""
        if self._over < 0:
            return False
        late = time.monotonic() - self._over > LAST
        if self._beside is not None and not self._left and not late:
            return False
        if not self._caught_up:
            self._catch_up()
        self._put([facts.Ended(None, None, "", time.time())])
        return True

    def _wait(self) -> None:
        """Until something moves; what was written is taken in."""
        reading = self._watch is not None and self._over < 0 and not self._inbox.full
        inputs = [self._bell, self._fd] if reading else [self._bell]
        pending = reading and not self._caught_up and self._is_live()
        ready = select.select(inputs, [], [], QUIET if pending or self._over >= 0 else ALIVE)[0]
        if self._bell in ready:
            drain(self._bell)
        if self._fd in ready:
            self._read()
        elif pending and not ready:
            self._catch_up()
        elif not ready:
            self._put([facts.Pong(time.time())])

    def _is_live(self) -> bool:
        return self._watch is not None and self._watch.live and not self._watch.once

    def _read(self) -> None:
        try:
            data = os.read(self._fd, BLOCK)
        except OSError as error:
            self._say(f"standard input cannot be read: {error.strerror}")
            data = b""
        if not data:
            self._over = time.monotonic()
            return
        if not self._offset and data.startswith(wire.MAGIC):
            self._refuse()
            return
        self._put([facts.Chunk(NAME, self._offset, data, time.time())])
        self._offset += len(data)

    def _refuse(self) -> None:
        text = "standard input is a recorded journal"
        self._put([facts.Trouble("target", text, "trainwatch replay FILE plays one", time.time())])
        self._closing = True

    def _catch_up(self) -> None:
        self._caught_up = True
        self._put([facts.CaughtUp(time.time())])

    def _answer_requests(self) -> None:
        while self._requests:
            request = self._requests.popleft()
            if isinstance(request, facts.Watch):
                self._begin(request)
            elif isinstance(request, facts.Read) and request.path == NAME:
                nothing = facts.FileBytes(NAME, request.offset, b"", self._offset, 0.0, time.time())
                self._put([nothing])  # what has gone through is not kept
            elif isinstance(request, facts.Stop):
                text = "trainwatch did not start it: Ctrl-C in its terminal, or kill -INT"
                self._put([facts.Answer(False, True, text, time.time())])
            elif self._beside is not None:
                self._beside.send(request)

    def _begin(self, watch: facts.Watch) -> None:
        if self._watch is None:
            from trainwatch.probe.main import hello  # noqa: PLC0415 - the first paint need not wait

            self._put([hello(), _target()])
        self._watch = watch
        if self._beside is not None:
            self._beside.send(
                watch._replace(target=self._writer, resume=[], live=False, once=False)
            )

    def _hear_beside(self) -> None:
        for fact in self._beside.take(64) if self._beside is not None else ():
            if isinstance(fact, facts.Target):
                told = fact._replace(kind="stdin", id="", streams=[NAME], note="")
                self._put([told])
            elif isinstance(fact, facts.Ended):
                self._left = True
            elif isinstance(fact, facts.Trouble):
                if fact.where == "target":
                    self._left = True  # it was gone before it could be looked at
                elif fact.where.partition(":")[0] in ("devices", "folder", "hanging"):
                    self._put([fact])
            elif isinstance(fact, _BESIDE):
                self._put([fact])

    def _say(self, text: str) -> None:
        self._put([facts.Trouble("stream:" + NAME, text, "", time.time())])


def _target() -> facts.Target:
    """All that is known before anything was looked at."""
    try:
        here = os.getcwd()
    except FileNotFoundError:  # it was removed behind us
        here = ""
    return facts.Target(
        kind="stdin",
        id="",
        name="standard input",
        command=[],
        cwd=here,
        host=os.uname().nodename,
        user="",
        pid=None,
        started=None,
        streams=[NAME],
        roots=[],
        note="",
        at=time.time(),
    )
