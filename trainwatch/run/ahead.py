"""New lines first: the newest part of a long log, read by itself while the older lines are on their way.

The law of this file: two runs, each read in order. One gets the whole log from its first byte, as
always, and knows nothing of this; the other one only the newest part. What is shown is the newest part
until the whole has caught up, and that it is a part is said. So what came first changes no point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.read.document import may_be_one
from trainwatch.read.files import is_binary
from trainwatch.run.session import Session
from trainwatch.run.topics import EVERYTHING, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.run import Run

WHERE = "older"
"""The place of the trouble that says how much is not there yet."""
_STEP = 0.1  # of the older lines, after which it is said anew
_FOUND = (facts.Hello, facts.Target, facts.Trouble)


class AheadSession(Session):
    """A session that shows the newest part of a long log first, where the probe sends it."""

    def __init__(
        self,
        patterns: Sequence[tuple[str, str]] = (),
        stop_on: Sequence[str] = (),
        gold: Sequence[str] = (),
    ) -> None:
        super().__init__(patterns, stop_on, gold)
        self._like = patterns, gold
        self._found: list[Any] = []  # before any newest part came
        self._part: Session | None = None
        self._ends: dict[str, int] = {}  # of the newest part, by stream
        self._told = -1.0

    @property
    def shown(self) -> Run:
        """See Session."""
        return self.run if self._part is None else self._part.run

    def feed(self, fact: Any) -> Topic:
        """See Session."""
        if self.run.caught_up:
            return super().feed(fact)
        if isinstance(fact, facts.FileBytes) and self._is_ahead(fact):
            return self._newest(fact)
        changed = super().feed(fact)
        if isinstance(fact, _FOUND) and self._part is None:
            self._found.append(fact)
        if self._part is None:
            return changed
        if isinstance(fact, facts.CaughtUp | facts.Gap):
            self._part, self._ends, self._told = None, {}, -1.0
            return EVERYTHING
        if isinstance(fact, facts.Chunk):
            return self._tell(fact)
        return self._part.feed(fact)

    def _is_ahead(self, fact: facts.FileBytes) -> bool:
        target = self.run.target
        is_stream = target is not None and fact.path in target.streams
        is_log = not is_binary(fact.path) and not may_be_one(fact.path)
        beyond = fact.offset + len(fact.data) > self._ends.get(fact.path, 0)
        return is_stream and is_log and beyond

    def _newest(self, fact: facts.FileBytes) -> Topic:
        """Take in bytes from the end of a stream: whole lines, from the first that is whole."""
        end = self._ends.get(fact.path)
        data, offset = fact.data, fact.offset
        if end != offset:
            cut = data.find(b"\n") + 1
            data, offset = data[cut:], offset + cut
        if self._part is None:
            self._part = Session(self._like[0], (), self._like[1])
            self._part.run.limits = self.run.limits
            for known in self._found:
                self._part.feed(known)
            self._part.run.apply(
                facts.CaughtUp(fact.at)
            )  # it is where the log is, not at its start
        if end is not None and end != fact.offset:
            self._part.feed(facts.Gap(fact.path, offset, "missing", fact.at))
        self._part.feed(facts.Chunk(fact.path, offset, data, fact.at))
        self._ends[fact.path] = fact.offset + len(fact.data)
        return EVERYTHING

    def _tell(self, fact: facts.Chunk) -> Topic:
        """Say how much of the older lines has come."""
        assert self._part is not None
        share = (fact.offset + len(fact.data)) / max(self._ends.get(fact.source, 0), 1)
        if fact.source not in self._ends or share < self._told + _STEP:
            return Topic.NOTHING
        self._told = share
        text = f"newest lines first: {min(share, 1.0):.0%} of the older ones are here"
        return self._part.run.apply(facts.Trouble(WHERE, text, "", fact.at))
