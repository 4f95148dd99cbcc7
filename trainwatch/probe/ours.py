"""What there is to follow of a run that was started by trainwatch."""

import os
import time
from typing import Optional

from trainwatch import facts
from trainwatch.probe import process, roots, runs
from trainwatch.probe.found import Found, Source, TargetError


def find(word: str) -> Optional[Found]:
    """The run that ``word`` means; None for none. Raises TargetError when it could be several."""
    known = runs.find(word)
    if len(known) > 1:
        names = ", ".join("{} ({})".format(run.id, run.name or "no name") for run in known[:5])
        raise TargetError(
            "{} could be any of the runs {}".format(word, names), "give more of the id"
        )
    return of_run(known[0]) if known else None


def of_run(run: runs.Run) -> Found:
    """What there is to follow of a run that was started here."""
    meta = run.meta
    folders = roots.of_command(meta.command, meta.cwd, meta.started) if meta else []
    fact = facts.Target(
        kind="run",
        id=run.id,
        name=run.name,
        command=meta.command if meta else [],
        cwd=meta.cwd if meta else "",
        host=meta.host if meta else os.uname().nodename,
        user=meta.user if meta else "",
        pid=meta.pid if meta else None,
        started=run.started or None,
        streams=[runs.LOG],
        roots=[root.path for root in folders],
        guessed=[root.path for root in folders if root.sparse],
        note=run.damage,
        at=time.time(),
    )
    return Found(
        fact,
        "the run {}".format(run.id),
        [Source(runs.LOG, run.log)],
        folders,
        run,
        process.of_run(meta) if meta else None,
    )
