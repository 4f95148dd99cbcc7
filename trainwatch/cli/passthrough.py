"""Watching without a screen: the training's output to stdout, what it means to stderr.

The law of this file: stdout gets the training's bytes and nothing else, in order and unchanged.
Leaving, by Ctrl-C or because nobody reads any more, leaves the training running.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch import facts
from trainwatch.cli.inquiry import complain
from trainwatch.draw import units
from trainwatch.read.clean import clean
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    from trainwatch.cli.delivery import Delivery
    from trainwatch.link import Link
    from trainwatch.run.run import Run
    from trainwatch.run.session import Session

INTERRUPTED = 130
_UNKNOWN_END = 1
_BATCH = 64  # facts taken at a time
_TICK = 1.0  # seconds
_PING_EVERY = 20.0  # seconds; a probe that hears nothing for a minute leaves
_LINGER = 0.3  # seconds of silence after the end: the last checkpoint is still being looked at


class Passage(NamedTuple):
    """What is watched, and how one comes back to it."""

    where: str
    back: str  # the command that leads here again; "" for none
    log: str  # where the whole output is kept; "" when that is not known
    grace: float  # seconds that a training may take to save when it is stopped

    @property
    def return_trip(self) -> str:
        """How one comes back, as the end of a sentence."""
        return f"; come back with: {self.back}" if self.back else ""


def pass_through(
    session: Session, link: Link, way: Passage, delivery: Delivery | None = None
) -> int:
    """Until the training ends or the user leaves; the exit code of the command."""
    passage = _Passing(session, way, delivery)
    link.open(lambda: None)
    try:
        link.send(session.reader.watch(way.where))
        passage.follow(link)
        return passage.conclude()
    except KeyboardInterrupt:
        passage.say(f"left it running{way.return_trip}")
        return INTERRUPTED
    except BrokenPipeError:
        passage.say(f"nobody reads the output any more; it goes on{way.return_trip}")
        return 0
    finally:
        link.close()
        if delivery is not None:
            delivery.close()


class _Passing:
    def __init__(self, session: Session, way: Passage, delivery: Delivery | None) -> None:
        self._session = session
        self._way = way
        self._source = ""  # the stream that is the training's output
        self._mid_line = False  # on a terminal, a sentence must not be glued to a progress bar
        self._writable = True
        self._verdict = "not-enough-data"
        self._saved: set[str] = set()
        self._pinged = time.monotonic()
        self._delivery = delivery
        self._stopping = False
        if delivery is not None:
            delivery.said = self.say

    @property
    def _run(self) -> Run:
        return self._session.run

    def follow(self, link: Link) -> None:
        """Pass on what comes until the training has ended or there is nothing more to come."""
        while not link.closed:
            over = self._run.ended is not None and self._run.caught_up
            if not link.wait(_LINGER if over else _TICK) and over:
                return
            changed = Topic.NOTHING
            for fact in link.take(_BATCH):
                changed |= self._take(fact)
            for request in self._session.requests():
                link.send(request)
            self._tell(changed)
            self._alert(link)
            self._ping(link)

    def conclude(self) -> int:
        """Say how it ended; the exit code."""
        ended, run = self._run.ended, self._run
        if ended is None:
            return 0
        word, reason = run.state()
        how = f"{word} ({reason})" if reason else word
        was = "was " if word == "killed" else ""
        parts = [f"the training {was}{how}", *_figures(run)]
        if run.target is not None and run.target.started:
            parts.append(f"after {units.clock(ended.at - run.target.started)}")
        self.say(" · ".join(parts))
        if ended.signal is not None:
            return 128 + ended.signal
        if ended.code is None:  # of what trainwatch did not start nobody knows how it ended
            return _UNKNOWN_END if run.target is None or run.target.kind == "run" else 0
        return ended.code

    def say(self, text: str) -> None:
        """One sentence to the person."""
        line = f"trainwatch: {clean(text)}\n"
        if self._mid_line and sys.stdout.isatty():
            line = "\n" + line
            self._mid_line = False
        try:
            sys.stderr.write(line)
            sys.stderr.flush()
        except (OSError, ValueError):
            pass  # nobody listens

    def _take(self, fact: Any) -> Topic:
        if isinstance(fact, facts.Target):
            self._source = fact.streams[0] if fact.streams and fact.kind != "folder" else ""
        if isinstance(fact, facts.Chunk) and fact.source == self._source:
            self._pass(fact.data)
        if isinstance(fact, facts.Trouble) and fact.text:
            self._trouble(fact)
        return self._session.feed(fact)

    def _trouble(self, fact: facts.Trouble) -> None:
        """What keeps the output from being passed on; the rest is no business of a pipe."""
        if fact.where == "link":
            self.say(fact.text)  # it starts another probe and goes on where it was
            return
        complain(fact)
        if fact.where.startswith(("stream", "journal", "room")):
            self.say(fact.text)

    def _pass(self, data: bytes) -> None:
        if not self._writable or not data:
            return
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
            self._mid_line = not data.endswith(b"\n")
        except BrokenPipeError:
            raise
        except OSError as error:
            self._writable = False
            kept = f"; the whole output is in {self._way.log}" if self._way.log else ""
            self.say(f"the output cannot be written any more: {error.strerror}{kept}")

    def _tell(self, changed: Topic) -> None:
        if changed & (Topic.METRICS | Topic.VERDICT) and self._run.caught_up:
            verdict = self._run.verdict(self._run.latest)
            if verdict.state != self._verdict:
                self._verdict = verdict.state
                self.say(f"{verdict.state}: {verdict.headline}")
        if changed & Topic.CHECKPOINTS:
            for checkpoint in self._run.checkpoints.rows():
                seen = checkpoint.seen
                if seen.state != "writing" and seen.path not in self._saved:
                    self._saved.add(seen.path)
                    note = "" if seen.state == "complete" else f" · {seen.state}: {seen.reason}"
                    self.say(f"{seen.name} · {units.long_size(checkpoint.bytes)}{note}")

    def _alert(self, link: Link) -> None:
        """What is wrong and was not a moment ago, to wherever the person wants it."""
        for alert in self._session.news():
            if alert.state == "withdrawn":
                self.say(f"over: {alert.rule}")
            elif alert.rule != self._verdict:  # the change of the verdict was told already
                self.say(f"{alert.rule}: {alert.text}")
            if self._delivery is not None:
                self._delivery.deliver(alert, self._run, _to_terminal)
            if self._session.alerts.stops(alert) and not self._stopping:
                self._stopping = True
                self.say(f"stopping the training, as --stop-on wants: {alert.text}")
                link.send(facts.Stop(self._way.where, False, self._way.grace))

    def _ping(self, link: Link) -> None:
        if time.monotonic() - self._pinged > _PING_EVERY:
            self._pinged = time.monotonic()
            link.send(facts.Ping())


def _to_terminal(sequence: str) -> None:
    """A bell or a notification; a pipe gets none."""
    if sys.stderr.isatty():
        with suppress(OSError, ValueError):
            sys.stderr.write(sequence)
            sys.stderr.flush()


def _figures(run: Run) -> list[str]:
    """Where the training stood: step, loss, eval loss."""
    parts = []
    if run.progress.done is not None:
        parts.append(f"step {units.count(run.progress.done)}")
    for name, series in (("loss", run.metrics.loss), ("eval_loss", run.metrics.eval_loss)):
        if series is not None and series.last is not None:
            parts.append(f"{name} {units.number(series.last)}")
    return parts
