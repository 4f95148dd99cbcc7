"""One question to a probe, waited for until it is answered.

The law of this file: everything headless goes through the same link and session as the screen. A
question that cannot be answered ends as a CommandError; nothing waits for a probe that does not come.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch import facts, wire
from trainwatch.cli.grammar import CommandError
from trainwatch.cli.way import NOT_CONNECTED, NOT_FOUND, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainwatch.link import Link
    from trainwatch.run.session import Session

_BATCH = 256  # facts taken at a time
_READS = 2.0  # seconds that the answers to the last reads may take
_SILENCE = 30.0  # seconds without any fact after which a probe counts as hung


class Look(NamedTuple):
    """What there was to see."""

    session: Session
    now: float  # when that was, as seconds since the epoch


def look(
    way: Way,
    *,
    devices: bool = False,
    patterns: Sequence[tuple[str, str]] = (),
    deep: bool = False,
    gold: Sequence[str] = (),
) -> Look:
    """Everything there is to know at the end of ``way`` now; with ``devices`` also their reading.

    ``deep``: where that is a folder of several runs, the checkpoints of all.
    """
    from trainwatch.cli.rules import limits
    from trainwatch.run.session import Session

    session = Session(patterns, gold=gold)
    session.run.limits = limits()
    recorded = journal(way)
    with asking(_played(recorded) if recorded else way.link()) as link:
        link.send(session.reader.watch(way.where, once=devices, live=False, deep=deep))
        fill(session, link, to_the_end=recorded is not None)
    if session.run.process is None:
        session.finish()
    return Look(session, session.run.latest if recorded else time.time())


def journal(way: Way) -> Path | None:
    """The path when it leads to a recorded journal on this machine."""
    if way.host or way.piped is not None:
        return None
    path = Path(os.path.expanduser(way.where))
    try:
        if not path.is_file():  # opening a pipe waits for its writer
            return None
        with path.open("rb") as file:
            return path if file.read(len(wire.MAGIC)) == wire.MAGIC else None
    except (OSError, ValueError):
        return None


def _played(path: Path) -> Link:
    """A journal, played at once."""
    from trainwatch.link.journal import JournalLink

    return JournalLink(path, 0)


def fill(session: Session, link: Link, *, to_the_end: bool) -> None:
    """Feed the session until it has caught up and what it asked for has come. Raises CommandError.

    A journal is played to its end: catching up lies at its beginning.
    """
    wanted: set[tuple[str, int]] = set()
    visits = caught_up = 0  # after folders are asked for it catches up once more
    end = float("inf")
    enough = partial(_is_enough, session, to_the_end)
    for fact in answers(link, enough=enough):
        session.feed(fact)
        for request in session.requests():
            link.send(request)
            if isinstance(request, facts.Visit):
                visits += 1
            else:
                wanted.add((request.path, request.offset))
        if isinstance(fact, facts.FileBytes):
            wanted.discard((fact.path, fact.offset))
        if isinstance(fact, facts.CaughtUp):
            caught_up += 1
        if session.run.caught_up and not to_the_end:
            end = min(end, time.monotonic() + _READS)
            if (not wanted and caught_up > min(visits, 1)) or time.monotonic() > end:
                return


def _is_enough(session: Session, to_the_end: bool) -> bool:
    return session.run.caught_up and not to_the_end


def stop(way: Way, now: bool, grace: float) -> Iterator[facts.Answer]:
    """Have a run stopped; an answer for each step."""
    with asking(way.link()) as link:
        link.send(facts.Stop(way.where, now, grace))
        for fact in answers(link, patience=grace + _SILENCE):
            if isinstance(fact, facts.Answer):
                yield fact
                if fact.done:
                    return


def launch_there(way: Way, request: facts.Launch) -> str:
    """Start a command where ``way`` leads; the id of the run. Raises CommandError."""
    with asking(way.link()) as link:
        link.send(request)
        for fact in answers(link):
            if isinstance(fact, facts.Answer) and fact.done:
                if fact.ok:
                    return fact.text
                raise CommandError(f"{way.host}: {fact.text}", fact.code)
    raise CommandError(f"the connection to {way.host} ended before it answered", NOT_CONNECTED)


@contextmanager
def asking(link: Link) -> Iterator[Link]:
    """The link, open."""
    link.open(lambda: None)
    try:
        yield link
    finally:
        link.close()


def answers(
    link: Link, patience: float = _SILENCE, enough: Callable[[], bool] = lambda: False
) -> Iterator[Any]:
    """Facts as they come, until there are no more. Raises CommandError when they cannot come.

    Where there are ``enough`` already a short silence ends them.
    """
    while not link.closed:
        if not link.wait(_READS if enough() else patience):
            if enough():
                return
            raise CommandError("the probe does not answer", NOT_CONNECTED)
        for fact in link.take(_BATCH):
            if isinstance(fact, facts.Trouble) and fact.text:
                complain(fact)
            yield fact


def complain(trouble: facts.Trouble) -> None:
    """Raise CommandError when this trouble leaves nothing to wait for."""
    code = {"target": NOT_FOUND, "link": NOT_CONNECTED, "wire": NOT_CONNECTED}.get(trouble.where)
    if code is not None:
        from trainwatch.read.clean import clean

        fix = f"; {trouble.fix}" if trouble.fix else ""
        raise CommandError(clean(trouble.text + fix), code)
