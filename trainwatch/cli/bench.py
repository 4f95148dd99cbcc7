"""Where work on checkpoints is done without a screen: a probe, and a session that knows the run.

The law of this file: the same probe that listed the checkpoints does the work, so that a remote one
works alike. One job at a time; Ctrl-C cancels it and leaves nothing half done.
"""

from __future__ import annotations

import secrets
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from trainwatch import facts
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.inquiry import answers, asking, fill, journal
from trainwatch.cli.way import NOT_CONNECTED, NOT_FOUND, reached
from trainwatch.draw import units
from trainwatch.read.clean import clean
from trainwatch.run.work import reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.cli.grammar import Words
    from trainwatch.link import Link
    from trainwatch.read.records import CheckpointSeen, ContentsSeen
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.session import Session
    from trainwatch.run.work import Work

REFUSED = 1
_PATIENCE = 600.0  # seconds without a word from a job: a disk may hang


class Bench(NamedTuple):
    """One run, and a probe beside it."""

    session: Session
    link: Link

    @property
    def rows(self) -> list[Checkpoint]:
        """The checkpoints by step."""
        return self.session.run.checkpoints.rows()

    @property
    def over(self) -> bool:
        """Whether nobody trains there any more, as far as is known."""
        run = self.session.run
        return run.ended is not None or (run.process is None and not _is_running(run.target))

    def do(self, action: str, seen: CheckpointSeen, names: tuple[str, ...] = ()) -> Work:
        """Have it done; how far it is goes to the terminal."""
        works = self.session.run.works
        path, own = reach(seen) if action == "verify" else (seen.path, names)
        job = facts.Job(secrets.token_hex(4), action, path, list(own))
        self.link.send(job)
        line = _Line(action, clean(seen.name))
        try:
            for fact in answers(self.link, _PATIENCE):
                self.session.feed(fact)
                if isinstance(fact, facts.JobStep):
                    line.show(fact)
                work = works.get(job.id)
                if work is not None and work.ended is not None:
                    return work
        except KeyboardInterrupt:
            self.link.send(facts.Cancel(job.id))
            raise
        finally:
            line.clear()
        raise CommandError(f"{action}: the probe left before it was done", NOT_CONNECTED)

    def settle(self) -> None:
        """What is unfinished is judged as it is now, however young."""
        for record in self.session.reader.settle(time.time()):
            self.session.run.apply(record)

    def look_into(self, seen: CheckpointSeen) -> ContentsSeen | None:
        """What is inside a checkpoint; None where nothing in it can be looked into."""
        self.session.reader.look_into(seen)
        fill(self.session, self.link, to_the_end=False)
        return self.session.run.contents.get(seen.path)


def _is_running(target: facts.Target | None) -> bool:
    return target is not None and target.pid is not None


@contextmanager
def bench(words: Sequence[str]) -> Iterator[Bench]:
    """The run that these words name, known as far as it can be. Raises CommandError."""
    from trainwatch.run.session import Session

    session = Session()
    with reached(words) as way:
        if journal(way) is not None:
            raise CommandError(
                f"{way.word} is a recording: its checkpoints are not here to work on"
            )
        with asking(way.link()) as link:
            yield _filled(session, link, way.where)


def _filled(session: Session, link: Link, where: str) -> Bench:
    link.send(session.reader.watch(where, deep=True))
    fill(session, link, to_the_end=False)
    if not session.run.checkpoints.seen:
        told = clean(where) or "the newest run"
        raise CommandError(
            f"there is no checkpoint of {told}; name the folder that holds them", NOT_FOUND
        )
    return Bench(session, link)


def ask(words: Words, question: str, refused: str) -> None:
    """Raise CommandError, which begins with ``refused``, unless the answer is yes."""
    if words.has("--yes"):
        return
    if not (sys.stdin and sys.stdin.isatty()):
        raise CommandError(f"{refused}: nobody is here to ask; --yes answers")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError(refused, REFUSED)


class _Line:
    """The line on a terminal that tells how far a job is."""

    def __init__(self, action: str, name: str) -> None:
        self._about = f"{action} {name}"
        self._began = time.monotonic()
        self._shown = False
        self._live = sys.stderr.isatty()

    def show(self, step: facts.JobStep) -> None:
        """Write it anew."""
        if not self._live or not step.total:
            return
        spent = max(time.monotonic() - self._began, 1e-3)
        rate = step.done / spent
        left = (step.total - step.done) / rate if rate else None
        text = (
            f"{self._about}: {units.percent(step.done / step.total)} of"
            f" {units.long_size(step.total)}, {units.long_size(rate)}/s,"
            f" {units.duration(left)} left  {clean(step.text, 40)}"
        )
        sys.stderr.write(f"\r{text[:79]:<79}")
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        """Take it away again."""
        if self._shown:
            sys.stderr.write("\r" + " " * 79 + "\r")
            sys.stderr.flush()
