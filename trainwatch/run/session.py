"""Facts in, a run out: the headless core under the screen, the plain printer and every verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.wide import Narrow
from trainwatch.run.alerts import Alerts
from trainwatch.run.run import Run
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.alerts import Alert
    from trainwatch.run.crew import Crew

FEW = 5
"""Losses after which more of them show no more which runs belong together."""


class Session:
    """A reader and the run it fills."""

    def __init__(
        self,
        patterns: Sequence[tuple[str, str]] = (),
        stop_on: Sequence[str] = (),
        gold: Sequence[str] = (),
    ) -> None:
        self.reader = Reader(patterns, gold)
        self.run = Run()
        self._narrow = Narrow()
        self.alerts = Alerts(stop_on)
        self.crew: Crew | None = None
        """The runs that are watched together with this one."""

    @property
    def shown(self) -> Run:
        """The run to look at; another one only while a part of it must do."""
        return self.run

    def feed(self, fact: Any) -> Topic:
        """Take in one fact; the answer is which parts of the run changed."""
        changed = Topic.NOTHING
        if isinstance(fact, facts.Chunk):
            fact = self._narrow.chunk(fact)
        elif isinstance(fact, facts.FileBytes):
            fact = self._narrow.answer(fact)
        elif isinstance(fact, facts.Gap):
            self._narrow.gap(fact.source)
        elif isinstance(fact, facts.Ended):
            changed |= self._last_lines(fact.at)
        changed |= self._take(fact)
        if self.crew is not None and self._is_known_better(changed):
            self.crew.look()
        return changed

    def _take(self, fact: Any) -> Topic:
        changed = Topic.NOTHING
        if isinstance(fact, facts.Chunk | facts.Gap | facts.FileBytes):
            changed |= self.run.apply(fact)
        for record in self.reader.feed(fact):
            changed |= self.run.apply(record)
        return changed

    def _last_lines(self, at: float) -> Topic:
        """Lines in UTF-16 that nobody will end."""
        changed = Topic.NOTHING
        for source, offset, data in self._narrow.rest():
            changed |= self._take(facts.Chunk(source, offset, data, at))
        return changed

    def _is_known_better(self, changed: Topic) -> bool:
        """Whether it may have turned out what this run is a part of."""
        loss = self.run.metrics.loss
        few = loss is not None and len(loss) < FEW
        return bool(changed & Topic.TARGET or (changed & Topic.METRICS and few))

    def news(self) -> list[Alert]:
        """The alerts that were raised or withdrawn since this was asked last."""
        return self.alerts.look(self.run)

    def finish(self) -> None:
        """Nobody will look again: a last line without its end is read as it is."""
        self._last_lines(self.run.latest or 0.0)
        for record in self.reader.finish():
            self.run.apply(record)

    def requests(self) -> Sequence[facts.Read | facts.Visit]:
        """Bytes and folders the reader needs to go on."""
        return self.reader.requests()
