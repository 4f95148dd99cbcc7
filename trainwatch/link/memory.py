"""What has been said in a conversation, as far as it must be said again to a new probe.

The law of this file: no I/O. A stream is known by its next offset and by its last bytes, so that the
new probe continues at the exact byte and notices when the file is another one.
"""

from __future__ import annotations

import time
from typing import Any

from trainwatch import facts

TAIL = 512
_LASTING = (
    "run",
    "process",
    "pane",
)  # kinds of targets whose id names them, and no other, for ever


class Memory:
    """Hears every request and every fact; knows what to ask again."""

    def __init__(self) -> None:
        self.watch: facts.Watch | None = None
        self._identity = (
            ""  # what the target turned out to be, where its words may come to mean another
        )
        self._streams: dict[str, facts.Resume] = {}
        self._reads: dict[tuple[str, int], facts.Read] = {}
        self._asked: facts.Stop | facts.Launch | None = None
        self._jobs: dict[str, facts.Job] = {}

    def sent(self, request: Any) -> None:
        """The client asked for this."""
        if isinstance(request, facts.Watch):
            if self.watch is None or self.watch.target != request.target:
                self._identity = ""
            self.watch = request
            self._streams = {one.stream: one for one in request.resume}
        elif isinstance(request, facts.Read):
            self._reads[request.path, request.offset] = request
        elif isinstance(request, facts.Stop | facts.Launch):
            self._asked = request
        elif isinstance(request, facts.Job):
            self._jobs[request.id] = request

    def received(self, fact: Any) -> None:
        """The probe said this, and it reached the client."""
        if isinstance(fact, facts.Chunk):
            known = self._streams.get(fact.source)
            before = known.tail if known is not None and known.offset == fact.offset else ""
            tail = (before + fact.data[-TAIL:].decode("latin-1"))[-TAIL:]
            end = fact.offset + len(fact.data)
            self._streams[fact.source] = facts.Resume(fact.source, end, tail)
        elif isinstance(fact, facts.Target) and fact.kind in _LASTING:
            self._identity = fact.id
        elif isinstance(fact, facts.Gap):
            known = self._streams.get(fact.source)
            same = known is not None and known.offset == fact.offset and fact.reason == "missing"
            if not same:
                self._streams[fact.source] = facts.Resume(fact.source, fact.offset)
        elif isinstance(fact, facts.FileBytes):
            self._reads.pop((fact.path, fact.offset), None)
        elif isinstance(fact, facts.Answer) and fact.done:
            self._asked = None
        elif isinstance(fact, facts.JobEnded):
            self._jobs.pop(fact.job, None)

    def broken(self, why: str = "the probe ended during") -> list[Any]:
        """What the client must be told because its question died with the probe, or went nowhere."""
        jobs, self._jobs, now = self._jobs, {}, time.time()
        told: list[Any] = [
            facts.JobEnded(job.id, False, f"{why} {job.action}; ask again", "", 0, now)
            for job in jobs.values()
        ]
        if self._asked is not None:
            name = type(self._asked).__name__.lower()
            self._asked = None
            told.append(facts.Answer(False, True, f"{why} {name}; ask again", now))
        return told

    def again(self) -> list[Any]:
        """The requests that put a new probe where the old one was."""
        again: list[Any] = []
        if self.watch is not None:
            target = self._identity or self.watch.target
            resume = list(self._streams.values())
            again.append(self.watch._replace(target=target, resume=resume))
        return again + list(self._reads.values())
