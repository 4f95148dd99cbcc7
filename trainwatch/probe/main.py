"""The probe: requests in, facts out.

The law of this file: one loop that waits for requests, for files that changed and for the second to
pass. Nothing raises across the wire: what goes wrong is a Trouble. When standard input ends the
client is gone and the probe leaves at once; the training never notices.
"""

import os
import select
import signal
import sys
import time
from typing import Any, List, Optional

import trainwatch
from trainwatch import facts, wire
from trainwatch.probe.follow import Following
from trainwatch.probe.output import Output

REQUESTS = 1 << 16
SILENCE = 60  # seconds after which a client that used to ping is given up


class Probe:
    """One conversation with one client."""

    def __init__(self, requests: int, output: Output) -> None:
        self._requests = requests
        self._decoder = wire.Decoder(magic=False)
        self._output = output
        self._following: Optional[Following] = None
        self._leaving = False

    def run(self) -> None:
        """Serve until the client leaves."""
        self._output.start()
        self._output.send(hello())
        while not self._leaving:
            following = self._following
            inputs = [self._requests] + (following.inputs() if following else [])
            ready = select.select(inputs, [], [], following.patience() if following else None)[0]
            if self._requests in ready:
                self._read_requests()
            if self._following is not None:
                self._leaving = self._following.step(ready) or self._leaving

    def _read_requests(self) -> None:
        data = os.read(self._requests, REQUESTS)
        if not data:
            self._leaving = True
            return
        try:
            for request in self._decoder.feed(data):
                self._answer(request)
        except wire.WireError as error:
            self._output.send(facts.Trouble("wire", str(error), "", time.time()))
            self._leaving = True

    def _answer(self, request: Any) -> None:
        if isinstance(request, facts.Watch):
            self._watch(request)
        elif isinstance(request, facts.Ping):
            signal.alarm(SILENCE)  # its default action ends the process, wherever that hangs
            self._output.send(facts.Pong(time.time()))
        elif isinstance(request, facts.Bye):
            self._leaving = True

    def _watch(self, watch: facts.Watch) -> None:
        if self._following is not None:
            self._following.close()
        self._following = Following(watch, self._output)


def hello() -> facts.Hello:
    """Who is speaking."""
    system = os.uname()
    return facts.Hello(
        wire.VERSION,
        trainwatch.__version__,
        "{}.{}.{}".format(*sys.version_info),
        system.nodename,
        system.sysname,
        _boot(),
        os.getpid(),
        time.time(),
    )


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def main(arguments: Optional[List[str]] = None) -> None:
    """Speak on standard input and output until the client leaves."""
    del arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wire_out = os.dup(1)
    os.dup2(2, 1)  # a stray print must not break the stream
    Probe(0, Output(wire_out)).run()
    sys.stderr.flush()
    os._exit(0)  # a thread that hangs in the kernel must not hold us
