"""A Slurm job as something to watch: its output, its processes on this machine, its end.

The law of this file: Slurm is asked whether the job has ended; that a file grows no more says
nothing. It is asked from a thread of its own, because it may take its time, and not often.
"""

import os
import threading
import time
from typing import Any, Dict, List, Optional

from trainwatch import facts
from trainwatch.probe import identity, roots, runs, slurm
from trainwatch.probe.cmdline import command_of, environment_of
from trainwatch.probe.found import Found, Source, TargetError
from trainwatch.probe.listing import Root
from trainwatch.probe.masks import masked
from trainwatch.probe.process import NODE, Subject, mark_of
from trainwatch.probe.slurmjob import OVER, Job

EVERY = 5.0  # seconds between two questions
_VARIABLE = "SLURM_JOB_ID"


def find(word: str) -> Found:
    """What there is to follow of the job ``word``, running, waiting or done. Raises TargetError."""
    job = slurm.job(word)
    return _described(job, subject_of(job))


def part(word: str, roots: bool) -> Found:
    """The processes of the job ``NUMBER`` on this machine and nothing else; with its ``roots`` or not."""
    if not word.isdigit():
        raise TargetError("{} is no number of a job".format(word))
    job = Job("", word, "", "", "RUNNING", "", 0, 0, "", "", "", "", "", "", None, None, None)
    found = _described(job, subject_of(job))
    kept = found.roots if roots else []
    fact = found.fact._replace(note="", roots=[root.path for root in kept])
    return found._replace(fact=fact, roots=kept)


def _described(job: Job, subject: Optional[Subject]) -> Found:
    began = (job.submitted if job.waits else job.started) or 0.0
    training = _training(job)
    command = training or job.command.split()
    folders = [Root(job.folder, since=began, sparse=True)] if job.folder else []
    if training:
        folders = roots.of_command(training, job.folder, began)
    sources = _sources([path for path in (job.output, job.errors) if path and path != os.devnull])
    fact = facts.Target(
        kind="slurm",
        id=job.id,
        name=job.name or job.id,
        command=masked(command),
        cwd=job.folder,
        host=job.host or runs.hostname(),
        user=job.user,
        pid=subject.root.pid if subject else None,
        started=None if job.waits else job.started,
        streams=[source.name for source in sources],
        roots=[folder.path for folder in folders],
        guessed=[folder.path for folder in folders if folder.sparse],
        note="" if sources else "Slurm tells no output file of it",
        at=time.time(),
    )
    words = "the job {}".format(job.id)
    return Found(fact, words, sources, folders, None, subject, job=job)


def _sources(paths: List[str]) -> List[Source]:
    names = [os.path.basename(path) for path in paths]
    alone = len(set(names)) == len(names)
    return [Source(name if alone else path, path) for name, path in zip(names, paths)]


def subject_of(job: Job) -> Optional[Subject]:
    """The processes of the job on this machine; None when there are none."""
    found = _processes(job)
    if not found:
        return None
    first = found[0]
    root = identity.Identity(first.pid, first.start, identity.boot_id(), identity.namespace())
    return Subject(root, None, job.number, _VARIABLE, mark_of(first.pid, NODE))


def _training(job: Job) -> List[str]:
    """The command line of the first Python below the script; [] where none runs here."""
    commands = [command_of(stat.pid) for stat in _processes(job)]
    return next((c for c in commands if c and "python" in os.path.basename(c[0])), [])


def _processes(job: Job) -> List[identity.Stat]:
    """The processes of the job on this machine, the oldest first.

    Only what Slurm's daemon of a machine started carries the name of that machine. Where several
    daemons run on one, those of the daemon that started us are meant, else of the one with the script.
    """
    if not job.number or job.state not in ("RUNNING", "COMPLETING", "SUSPENDED"):
        return []
    found: Dict[str, List[identity.Stat]] = {}
    for pid in identity.pids():
        told = environment_of(pid) if pid != os.getpid() else {}
        if told.get(_VARIABLE) == job.number and told.get(NODE):
            stat = identity.stat(pid)
            if stat is not None and stat.state not in "ZX":
                found.setdefault(told[NODE], []).append(stat)
    ours = os.environ.get(NODE, "") or job.host
    known = found.get(ours) or next(iter(found.values()), [])
    return sorted(known, key=lambda stat: (stat.start, stat.pid))


class Watcher:
    """Looks after one job. What Slurm says is kept until somebody asks for it."""

    def __init__(self, job: Job, subject: Optional[Subject]) -> None:
        self.subject = subject
        """Whose processes are seen here; known when the job has begun."""
        self._job = job
        self._trouble = ""
        self._told = ""
        self._waited = job.waits or (not job.id and subject is None)
        self._placed = False
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slurm", daemon=True)
        if not job.over:
            self._thread.start()

    def look(self, now: float) -> Optional[facts.Ended]:
        """How the job ended; None while it has not."""
        del now
        return ended(self._job) if self._job.over else None

    def news(self) -> List[Any]:
        """That the job has begun; and why it waits or cannot be asked about. Only what changed."""
        found = []  # type: List[Any]
        if self._waited and not self._job.waits and (self._job.id or self.subject):
            self._waited = False
            found.append(_described(self._job, self.subject).fact)
        if self._job.state == "RUNNING" and self._job.nodes and not self._placed:
            self._placed = True
            here = self.subject.node if self.subject else ""
            names = slurm.hostnames(self._job.nodes)
            found.append(facts.Nodes(self._job.number, names, here, time.time()))
        text = self._trouble or waiting(self._job)
        if text != self._told:
            self._told = text
            found.append(facts.Trouble("job", text, "", time.time()))
        return found

    def close(self) -> None:
        """Ask no more."""
        self._leaving.set()

    def _run(self) -> None:
        while not self._job.over and not self._leaving.wait(EVERY):
            try:
                job = slurm.job(self._job.id) if self._job.id else self._job
                self.subject = self.subject or subject_of(job)
                self._job, self._trouble = job, ""
            except TargetError as error:
                self._trouble = error.text


def waiting(job: Job) -> str:
    """Why a job has not begun, and when it may; "" when it has."""
    if not job.waits:
        return ""
    why = " ({})".format(job.reason) if job.reason else ""
    text = "it waits in the queue of Slurm{}".format(why)
    if job.started is not None:
        text += ", expected to start at " + time.strftime("%a %H:%M", time.localtime(job.started))
    return text


def ended(job: Job) -> facts.Ended:
    """The end of a job that is over."""
    code, signal = job.code, job.signal or None
    cause = OVER[job.state]
    at = job.ended or time.time()
    if job.state in ("COMPLETED", "FAILED"):
        return facts.Ended(None if signal else code, signal, cause, at)
    if job.state == "OUT_OF_MEMORY":  # Slurm's 125 for it is no signal
        return facts.Ended(None, 9, cause, at)
    return facts.Ended(None, signal, cause, at)
