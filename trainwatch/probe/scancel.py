"""A Slurm job is stopped, step by step, by Slurm's own scancel.

The law of this file: a training that may still save is asked first, as Ctrl-C asks; what Slurm itself
does to a cancelled job (SIGTERM, then SIGKILL) comes after the grace. A job that waits is taken out of
the queue.
"""

import time
from typing import Iterator, List

from trainwatch import facts
from trainwatch.probe import slurm

_LAST = 90.0  # seconds that Slurm may take between SIGTERM and the end
_LOOK_EVERY = 1.0


def stop(word: str, now: bool, grace: float) -> Iterator[facts.Answer]:
    """An answer for each step; the last one has ``done``. Raises TargetError for no such job."""
    job = slurm.job(word)
    if job.over:
        yield _answer(True, True, "nothing to stop: it has already ended")
        return
    steps = [(["--full", "--signal=INT"], "SIGINT (as Ctrl-C) to the job {}", grace)]
    if job.waits:
        steps = []
    elif now:
        steps = [(["--full", "--signal=KILL"], "SIGKILL to the job {}", 0.0)]
    for options, words, patience in [*steps, ([], "the job {} is cancelled", _LAST)]:
        complaint = _cancel([*options, job.id])
        if complaint:
            yield _answer(False, True, complaint)
            return
        yield _answer(True, False, words.format(job.id))
        if _over(job.id, patience):
            yield _answer(True, True, "stopped")
            return
    yield _answer(False, True, "Slurm has not ended the job {} yet; see: squeue".format(job.id))


def _cancel(words: List[str]) -> str:
    """What Slurm has against it; "" when it did as asked."""
    code, _, complaint = slurm.ask(["scancel", *words])
    return "" if code == 0 else "Slurm refuses: {}".format(complaint.strip() or "no reason given")


def _over(word: str, patience: float) -> bool:
    end = time.monotonic() + patience
    while not slurm.job(word).over:
        if time.monotonic() >= end:
            return False
        time.sleep(min(_LOOK_EVERY, max(0.0, end - time.monotonic())))
    return True


def _answer(ok: bool, done: bool, text: str) -> facts.Answer:
    return facts.Answer(ok, done, text, time.time())
