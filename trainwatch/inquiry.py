"""One question to a probe, waited for until it is answered.

The law of this file: everything headless goes through the same link and session as the screen. A
question that cannot be answered ends as a CommandError; nothing waits for a probe that does not come.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.grammar import CommandError
from trainwatch.link.child import ChildLink, local_probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainwatch.link import Link
    from trainwatch.run.session import Session

NOT_FOUND, NOT_CONNECTED = 3, 4
_BATCH = 256  # facts taken at a time
_READS = 2.0  # seconds that the answers to the last reads may take
_SILENCE = 30.0  # seconds without any fact after which a probe counts as hung


def look(where: str, patterns: Sequence[tuple[str, str]], *, devices: bool = False) -> Session:
    """Everything there is to know of ``where`` now; with ``devices`` also one reading of those."""
    from trainwatch.run.session import Session  # noqa: PLC0415 - stop and list need none

    session = Session(patterns)
    with asking(ChildLink(local_probe())) as link:
        link.send(session.reader.watch(where, once=devices))
        fill(session, link)
    return session


def fill(session: Session, link: Link) -> None:
    """Feed the session until it has caught up and what it asked for has come. Raises CommandError."""
    wanted: set[tuple[str, int]] = set()
    end = float("inf")
    for fact in answers(link):
        session.feed(fact)
        for request in session.requests():
            link.send(request)
            wanted.add((request.path, request.offset))
        if isinstance(fact, facts.FileBytes):
            wanted.discard((fact.path, fact.offset))
        if session.run.caught_up:
            end = min(end, time.monotonic() + _READS)
            if not wanted or time.monotonic() > end:
                return


def known_runs() -> list[facts.RunSeen]:
    """The runs on this machine, newest first."""
    with asking(ChildLink(local_probe())) as link:
        link.send(facts.ListRuns())
        for fact in answers(link):
            if isinstance(fact, facts.Runs):
                return fact.runs
    return []


def stop(where: str, now: bool, grace: float) -> Iterator[facts.Answer]:
    """Have a run stopped; an answer for each step."""
    with asking(ChildLink(local_probe())) as link:
        link.send(facts.Stop(where, now, grace))
        for fact in answers(link, patience=grace + _SILENCE):
            if isinstance(fact, facts.Answer):
                yield fact
                if fact.done:
                    return


@contextmanager
def asking(link: Link) -> Iterator[Link]:
    """The link, open."""
    link.open(lambda: None)
    try:
        yield link
    finally:
        link.close()


def answers(link: Link, patience: float = _SILENCE) -> Iterator[Any]:
    """Facts as they come, until there are no more. Raises CommandError when they cannot come."""
    while not link.closed:
        if not link.wait(patience):
            raise CommandError("the probe does not answer", NOT_CONNECTED)
        for fact in link.take(_BATCH):
            if isinstance(fact, facts.Trouble) and fact.text:
                complain(fact)
            yield fact


def complain(trouble: facts.Trouble) -> None:
    """Raise CommandError when this trouble leaves nothing to wait for."""
    code = {"target": NOT_FOUND, "link": NOT_CONNECTED, "wire": NOT_CONNECTED}.get(trouble.where)
    if code is not None:
        from trainwatch.read.clean import clean  # noqa: PLC0415

        fix = f"; {trouble.fix}" if trouble.fix else ""
        raise CommandError(clean(trouble.text + fix), code)
