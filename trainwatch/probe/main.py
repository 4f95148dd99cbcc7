"""The probe: requests in, facts out.

The law of this file: one loop that waits for requests, for files that changed and for the second to
pass. Nothing raises across the wire: what goes wrong is a Trouble. When standard input ends the
client is gone and the probe leaves; the training never notices. Where it was sent here, it begins with
the part of itself that the first lines need; what needs more waits until the rest has come.
"""

import os
import select
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Union

import trainwatch
from trainwatch import facts, wire
from trainwatch.probe import identity
from trainwatch.probe.follow import Following
from trainwatch.probe.output import Output
from trainwatch.probe.resolve import TargetError

if TYPE_CHECKING:
    from trainwatch.probe.asked import Asked

_Add = Callable[[bytes], None]
REQUESTS = 1 << 16
SILENCE = 60  # seconds after which a client that used to ping is given up


class Probe:
    """One conversation with one client; ``add`` takes in what is still missing of the program."""

    def __init__(self, requests: int, output: Output, add: Optional[_Add] = None) -> None:
        self._requests = requests
        self._decoder = wire.Decoder(magic=False)
        self._output = output
        self._add = add
        self._waiting: List[Any] = []  # requests for what is still missing
        self._asked: "Optional[Asked]" = None
        self._following: Optional[Following] = None
        self._leaving = False

    def run(self) -> None:
        """Serve until the client leaves."""
        self._output.start()
        self._output.send(hello())
        while not self._leaving and not self._output.lost:
            self._turn()
        if self._following is not None:
            self._following.close()
        if self._asked is not None:
            self._asked.finish()

    def _turn(self) -> None:
        now = time.monotonic()
        following = self._following
        inputs = [self._requests] + (following.inputs(now) if following else [])
        ready = select.select(inputs, [], [], following.patience(now) if following else None)[0]
        if self._requests in ready:
            self._read_requests()
        if following is not None and following is self._following:
            self._leaving = following.step(ready, time.monotonic()) or self._leaving
            if self._add is None:
                self._single()  # what an earlier probe left undone is not waited for by the first lines

    def _read_requests(self) -> None:
        data = os.read(self._requests, REQUESTS)
        if not data:
            self._leaving = True
            return
        try:
            for request in self._decoder.feed(data):
                self._take(request)
        except wire.WireError as error:
            self._say("wire", str(error))
            self._leaving = True

    def _take(self, request: Any) -> None:
        """Answer it now, or when the rest of the program has come; always in their order."""
        if isinstance(request, facts.Modules):
            self._complete(request)
            return
        if self._waiting:
            self._waiting.append(request)
            return
        try:
            self._answer(request)
        except ImportError:
            if self._add is None:
                raise
            self._waiting.append(request)

    def _complete(self, modules: facts.Modules) -> None:
        if self._add is None:
            return
        self._add(modules.data)
        self._add = None
        if self._following is not None:
            self._following.begin_with_devices()
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._answer(request)

    def _single(self) -> "Asked":
        """Who answers single questions."""
        if self._asked is None:
            from trainwatch.probe.asked import Asked  # noqa: PLC0415 - the first lines come before

            self._asked = Asked(self._output.send)
        return self._asked

    def _answer(self, request: Any) -> None:
        if isinstance(request, facts.Watch):
            self._watch(request)
        elif isinstance(request, (facts.Read, facts.Visit)):
            self._look(request)
        elif isinstance(request, facts.ListRuns):
            self._single().runs()
        elif isinstance(request, facts.Stop):
            self._single().stop(request)
        elif isinstance(request, facts.Launch):
            self._single().launch(request)
        elif isinstance(request, (facts.Job, facts.Cancel)):
            self._single().job(request)
        elif isinstance(request, facts.Ping):
            signal.alarm(SILENCE)  # its default action ends the process, wherever that hangs
            self._output.send(facts.Pong(time.time()))
        elif isinstance(request, facts.Bye):
            self._leaving = True

    def _look(self, request: Union[facts.Read, facts.Visit]) -> None:
        if isinstance(request, facts.Visit):
            if self._following is not None:
                self._following.visit(request.path)
        elif self._following is None or not self._following.read(request):
            self._single().read(request)

    def _watch(self, watch: facts.Watch) -> None:
        try:
            if self._following is not None and self._following.target == watch.target:
                self._following.renew(watch)
                return
            if self._following is not None:
                self._following.close()
                self._following = None
            self._following = Following(watch, self._output)
            if self._add is None:
                self._following.begin_with_devices()
        except TargetError as error:
            self._say("target", error.text, error.fix)
            self._leaving = watch.once

    def _say(self, where: str, text: str, fix: str = "") -> None:
        self._output.send(facts.Trouble(where, text, fix, time.time()))


def hello() -> facts.Hello:
    """Who is speaking."""
    system = os.uname()
    return facts.Hello(
        wire.VERSION,
        trainwatch.__version__,
        "{}.{}.{}".format(*sys.version_info),
        system.nodename,
        system.sysname,
        identity.boot_id(),
        os.getpid(),
        time.time(),
    )


def main(add: Optional[_Add] = None) -> None:
    """Speak on standard input and output until the client leaves; ``add`` as in ``Probe``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = Output(os.dup(1))
    os.dup2(2, 1)  # a stray print must not break the stream
    code = 0
    try:
        Probe(0, output, add).run()
    except Exception:  # noqa: BLE001 - the client starts another probe and shows the last line
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)  # a thread that hangs in the kernel must not hold us
