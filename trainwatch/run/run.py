"""Everything known about one run.

The law of this file: one writer, no clock. Records carry their time, so that replaying a journal
gives exactly the state that was there live.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch import facts
from trainwatch.read.records import (
    CheckpointsSeen,
    ContentsSeen,
    Metrics,
    Notice,
    Progress,
    Result,
    Unread,
)
from trainwatch.read.rows import counts_steps, step_of
from trainwatch.run.alarms import Alarms
from trainwatch.run.case import Case, Setting
from trainwatch.run.checkpoints import Checkpoints
from trainwatch.run.history import History
from trainwatch.run.log import Log
from trainwatch.run.metrics import MetricStore
from trainwatch.run.node import Node
from trainwatch.run.pace import Pace, coming
from trainwatch.run.pairing import Pairing
from trainwatch.run.progress import ProgressState
from trainwatch.run.rules.silence import patience
from trainwatch.run.state import RunState, silence_of, state_of
from trainwatch.run.topics import Topic
from trainwatch.run.troubles import Troubles
from trainwatch.run.verdict import judge
from trainwatch.run.work import Works

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.run.alarms import Alarm
    from trainwatch.run.devices import Devices
    from trainwatch.run.limits import Limits
    from trainwatch.run.node import Reading
    from trainwatch.run.verdict import Verdict


_LEFT_OUT = "metric files"
SAMPLES = 20
"""So many kinds of lines that were not understood are kept as examples."""

JUDGED_FOR = 1.0
"""Seconds that a verdict holds although train losses came since."""


class _Judged(NamedTuple):
    key: object  # what the verdict was computed from
    now: float
    verdict: Verdict

    def is_old(self, now: float | None) -> bool:
        return now is None or not 0 <= now - self.now < JUDGED_FOR


class Coming(NamedTuple):
    """Something that happens at a step to come."""

    step: int
    seconds: float | None  # until then; None while the pace is not known


class Run:
    """The one changing aggregate."""

    def __init__(self) -> None:
        self.target: facts.Target | None = None
        self.hello: facts.Hello | None = None
        self.ended: facts.Ended | None = None
        self.caught_up = False
        self.metrics = MetricStore()
        self.pairing = Pairing(self.metrics)
        self._history = History(self.metrics)
        self.checkpoints = Checkpoints(self.metrics, self.pairing, self._history.kinship)
        self.works = Works()
        self.contents: dict[str, ContentsSeen] = {}
        """What is inside those checkpoints that were looked into, by path."""
        self._alarms = Alarms()
        self._files: set[str] = set()
        self.progress = ProgressState()
        self.pace = Pace()
        self.own = Node()
        """The machine that the target leads to."""
        self._others: dict[str, Node] = {}
        self.part: facts.Part | None = None
        self.leader: Run | None = None
        """The run that tells of the training that this one is a part of; None: this one does."""
        self.followers: tuple[Run, ...] = ()
        """Its other parts."""
        self.log = Log()
        self.troubles = Troubles()
        self.notices: list[Notice] = []
        self.unread = 0
        self.samples: list[Unread] = []  # of what was not understood, the first few
        self.latest = 0.0
        self._count = 0  # where the training's own counter stood
        self._verdict: _Judged | None = None
        self._apply: dict[type, Callable[[Any], Topic]] = {
            facts.Hello: self._hello,
            facts.Target: self._target,
            facts.Chunk: self._chunk,
            facts.Gap: self._gap,
            facts.FileBytes: self._bytes,
            facts.CaughtUp: self._caught_up,
            facts.DeviceReading: self._reading,
            facts.ProcessReading: self._reading,
            facts.Part: self._part,
            facts.MachineReading: self._reading,
            facts.Ended: self._ended,
            facts.Trouble: self._trouble,
            Metrics: self._metrics,
            Progress: self._progress,
            CheckpointsSeen: self._checkpoints,
            ContentsSeen: self._inside,
            Result: self._result,
            facts.JobStep: self._work,
            facts.FileChecked: self._work,
            facts.JobEnded: self._work,
            Notice: self._notice,
            Unread: self._unread,
        }

    @property
    def devices(self) -> Devices:
        """The accelerators of the machine that the target leads to."""
        return self.own.devices

    @property
    def process(self) -> facts.ProcessReading | None:
        """The processes there."""
        return self.own.process

    @property
    def machine(self) -> facts.MachineReading | None:
        """The machine itself."""
        return self.own.machine

    @property
    def nodes(self) -> list[Node]:
        """Every machine that the training is seen on; the one of the target first."""
        return [self.own, *self._others.values(), *(one.own for one in self.followers)]

    @property
    def lines(self) -> int:
        """Finished lines of the log."""
        return self.log.lines

    def apply(self, record: object) -> Topic:
        """Take in one record or fact; the answer is which parts of the run changed."""
        at = getattr(record, "at", None)
        if at is not None and at > self.latest:
            self.latest = at
        handler = self._apply.get(type(record))
        topic = handler(record) if handler else Topic.NOTHING
        if topic & Topic.VERDICT:
            self._verdict = None
        return topic

    # --- asking ---------------------------------------------------------------------------

    def state(self) -> RunState:
        """In one word: is it alive. Silence is measured on the clock of the facts."""
        return state_of(self)

    def verdict(self, now: float | None = None) -> Verdict:
        """What the curves say; computed anew only when numbers changed or silence grew.

        Who tells the time ``now``, and so will ask again, gets train losses that came within the
        last second judged a little later: a thousand of them a second make one verdict.
        """
        silence = silence_of(self) if self.process is not None else None
        quiet = silence and silence.seconds > patience(silence, self.limits)
        length = int(silence.seconds / 10) if quiet and silence else 0
        key = self.metrics.version, self.checkpoints.version, length, self.ended
        if self._verdict is None or (self._verdict.key != key and self._verdict.is_old(now)):
            setting = Setting(
                silence,
                self.ended is not None,
                self.ended is not None or (self.process is None and not self.pace.grew),
                self._kept(),
                self.checkpoints.worth,
                self.pace.slowdown,
            )
            verdict = judge(self.metrics, self.pairing, self.limits, setting)
            self._verdict = _Judged(key, self.latest if now is None else now, verdict)
        return self._verdict.verdict

    @property
    def alarms(self) -> list[Alarm]:
        """When overfitting was alarming, and when it was withdrawn: one entry per stretch."""
        return self._alarms.of(Case(self.metrics, self.pairing, self.limits, Setting()))

    def next_evaluation(self, now: float | None = None) -> Coming | None:
        """When the next evaluation is due, by the distance of those before."""
        evals = self.metrics.eval_loss
        steps = [evals.step(i) for i in range(max(len(evals) - 6, 0), len(evals))] if evals else []
        return self._coming([s for s in steps if s is not None], now)

    def next_checkpoint(self, now: float | None = None) -> Coming | None:
        """When the next checkpoint is due, by the distance of those before."""
        return self._coming(sorted({c.step for c in self.checkpoints.own if c.step}), now)

    def _coming(self, steps: list[int], now: float | None) -> Coming | None:
        step, done = coming(steps), self.progress.done
        if step is None or done is None or self.progress.unit != "step" or self.ended:
            return None
        total = self.progress.total
        step = step if total is None else min(step, int(total))
        seconds = self.pace.until(step, self.latest if now is None else now)
        return None if step <= done else Coming(step, seconds)

    @property
    def limits(self) -> Limits:
        """The thresholds of the diagnosis."""
        return self.pairing.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self.pairing.limits = limits
        self._verdict = None

    def _kept(self) -> dict[int, str]:
        """Step -> name of the complete checkpoint there."""
        whole = [c for c in self.checkpoints.own if c.state == "complete"]
        return {c.step: c.name for c in reversed(whole) if c.step is not None}

    # --- facts ----------------------------------------------------------------------------

    def _hello(self, fact: facts.Hello) -> Topic:
        self.hello = fact
        return Topic.TARGET

    def _target(self, fact: facts.Target) -> Topic:
        self.target = fact
        self.checkpoints.command, self.checkpoints.started = fact.command, fact.started
        self._history.kinship.target(fact)
        return Topic.TARGET | Topic.CHECKPOINTS

    def _caught_up(self, fact: facts.CaughtUp) -> Topic:
        self.caught_up = True
        self.pace.watched(fact.at, fact.silent)
        self._history.caught_up()
        self._count_in_files()
        self._say_what_is_left_out(fact.at)
        return Topic.TARGET | Topic.METRICS | Topic.VERDICT

    def _ended(self, fact: facts.Ended) -> Topic:
        self.ended = fact
        self.checkpoints.ended = fact.at
        for node in (self.own, *self._others.values()):
            node.process = None  # what it used is no reading of now
        self._history.ended(fact.at)
        return Topic.TARGET | Topic.METRICS | Topic.VERDICT | Topic.MACHINE

    def _chunk(self, fact: facts.Chunk) -> Topic:
        self.log.apply(fact)
        if self.caught_up:
            self.pace.sign(fact.at)
        return Topic.LOG

    def _gap(self, fact: facts.Gap) -> Topic:
        self.log.gap(fact)
        return Topic.LOG

    def _bytes(self, fact: facts.FileBytes) -> Topic:
        if self.log.answer(fact):
            return Topic.LOG
        self._files.add(fact.path)
        self._history.kinship.written(fact.path, fact.mtime)
        return Topic.NOTHING

    def _part(self, fact: facts.Part) -> Topic:
        self.part = fact
        return Topic.TARGET

    def _reading(self, fact: Reading) -> Topic:
        name = fact.node
        node = self._others.setdefault(name, Node(name)) if name else self.own
        if self.ended is not None and isinstance(fact, facts.ProcessReading):
            return Topic.NOTHING
        return node.apply(fact)

    def _trouble(self, fact: facts.Trouble) -> Topic:
        self.troubles.apply(fact)
        if fact.where == "devices":
            self.devices.problem(fact)
            return Topic.TROUBLE | Topic.DEVICES
        return Topic.TROUBLE

    # --- records --------------------------------------------------------------------------

    def _metrics(self, record: Metrics) -> Topic:
        if record.source in self._files:
            self._history.add(record)
            self._count_in_files()
            return Topic.METRICS | Topic.VERDICT | self._say_what_is_left_out(self.latest)
        if record.at is not None:
            self.pace.sign(record.at)
        self.metrics.add(record)
        self._history.shown()
        if record.keys and record.keys[0].split == "train":
            rows = self.metrics.rows
            row = len(rows) - 1
            self.progress = self.progress.reported(rows.step(row), rows.epoch(row), record.at)
        return (
            Topic.METRICS | Topic.PROGRESS | (Topic.VERDICT if _decides(record) else Topic.NOTHING)
        )

    def _count_in_files(self) -> None:
        """Where there is no log, the newest row of a metric file tells how far the training is."""
        rows = self.metrics.rows
        if not self.lines and len(rows):
            row = len(rows) - 1
            self.progress = self.progress.reported(rows.step(row), rows.epoch(row), None)

    def _say_what_is_left_out(self, at: float) -> Topic:
        """Files whose numbers are not shown, because nothing says that they are this run's."""
        left = sorted(self._history.left_out)
        if bool(left) == (_LEFT_OUT in self.troubles):
            return Topic.NOTHING
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        text = f"{left[0]}{more}: not shown, its numbers are not those of this log" if left else ""
        fix = "to see it, attach to its folder"
        return self._trouble(facts.Trouble(_LEFT_OUT, text, fix if left else "", at))

    def _progress(self, record: Progress) -> Topic:
        if record.at is not None:
            self.pace.sign(record.at)
        topic, before = Topic.NOTHING, self.progress
        self.progress = self.progress.counted(record)
        if counts_steps(record):
            step = step_of(int(record.done), self._count)
            self._count = int(record.done)
            if self.metrics.settle(record.source, step):
                self._history.shown()
                topic = Topic.METRICS
                rows = self.metrics.rows
                self.progress = self.progress.with_epochs(step, rows.epoch(len(rows) - 1))
        if self.progress is before:
            return topic
        self.pace.progress(self.progress)
        return topic | Topic.PROGRESS

    def _checkpoints(self, record: CheckpointsSeen) -> Topic:
        self.checkpoints.apply(record)
        return Topic.CHECKPOINTS | Topic.VERDICT

    def _inside(self, record: ContentsSeen) -> Topic:
        self.contents[record.path] = record
        return Topic.CHECKPOINTS

    def _work(self, fact: facts.JobStep | facts.FileChecked | facts.JobEnded) -> Topic:
        self.works.apply(fact)
        return Topic.CHECKPOINTS

    def _result(self, record: Result) -> Topic:
        self.checkpoints.measured(record)
        return Topic.CHECKPOINTS | Topic.VERDICT

    def _notice(self, record: Notice) -> Topic:
        self.notices.append(record)
        self.checkpoints.told_resumed |= record.kind == "resumed"
        return Topic.TROUBLE

    def _unread(self, record: Unread) -> Topic:
        self.unread += record.count
        if record.sample and len(self.samples) < SAMPLES:
            self.samples.append(record)
        return Topic.LOG


def _decides(record: Metrics) -> bool:
    """Whether it may change the verdict at once: by evaluations, or by numbers that are none."""
    evaluated = any(key.split != "train" for key in record.keys)
    return evaluated or not all(isfinite(sum(column)) for column in record.columns)
