"""One Watch being followed.

The law of this file: it decides what is looked at and when; what is seen goes out at once.
"""

import os
import time
from typing import List

from trainwatch import facts
from trainwatch.probe import inotify
from trainwatch.probe.output import Output
from trainwatch.probe.resolve import TargetError, resolve
from trainwatch.probe.streams.file import FileStream

TICK = 1.0
FAST, SLOW = 0.05, 0.25  # seconds between looks where inotify is blind


class Following:
    """Streams, folders and readings of one target."""

    def __init__(self, watch: facts.Watch, output: Output) -> None:
        self._once = watch.once
        self._output = output
        self._inotify = inotify.Inotify()
        self._streams: List[FileStream] = []
        self._caught_up = False
        self._blind = False
        self._pause = FAST
        try:
            target = resolve(watch.target)
        except TargetError as error:
            output.send(facts.Trouble("target", error.text, error.fix, time.time()))
            self._caught_up = True
            return
        output.send(target.fact)
        resume = {one.stream: one for one in watch.resume}
        for name, path in target.streams:
            self._streams.append(FileStream(name, path, resume.get(name)))
            self._blind = not self._arm(path) or self._blind

    def _arm(self, path: str) -> bool:
        """Have the kernel report changes of the file and of what its path means."""
        seen = self._inotify.watch(os.path.dirname(path) or ".", inotify.NAMES)
        self._inotify.watch(path, inotify.FILE)
        return seen and inotify.sees(path)

    def inputs(self) -> List[int]:
        """What ``step`` wants to hear of when it becomes readable."""
        return [self._inotify.fd] if self._inotify.fd >= 0 else []

    def patience(self) -> float:
        """Seconds after which ``step`` is due though nothing was heard."""
        if not all(stream.at_end for stream in self._streams):
            return 0.0
        return self._pause if self._blind else TICK

    def step(self, ready: List[int]) -> bool:
        """Look at everything that is due. True: the watch was for once, and it is done."""
        if self._inotify.fd in ready:
            self._inotify.drain()
            for stream in self._streams:
                self._arm(stream.path)
        news = [fact for stream in self._streams for fact in stream.poll()]
        for fact in news:
            self._output.send(fact)
        self._pause = FAST if news else min(self._pause * 1.5, SLOW)
        if not self._caught_up and all(stream.at_end for stream in self._streams):
            self._output.send(facts.CaughtUp(time.time()))
            self._caught_up = True
        return self._once and self._caught_up

    def close(self) -> None:
        """Follow nothing any more."""
        self._inotify.close()
        for stream in self._streams:
            stream.close()
