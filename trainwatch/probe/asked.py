"""Answers to single questions: runs, parts of files, starting, stopping.

The law of this file: whatever may take long has a thread of its own, and a stop that has begun is
carried through even when the client leaves, because half a stop is none.
"""

import os
import threading
import time
from typing import Any, Callable, List, Union

from trainwatch import facts
from trainwatch.probe import launch, parts, process, runs, scancel, stop, stranger, trainings
from trainwatch.probe.jobs import Jobs
from trainwatch.probe.resolve import TargetError

_NOT_FOUND = 3
_Send = Callable[[Any], None]


class Asked:
    """Answers go out through ``send``, from any thread."""

    def __init__(self, send: _Send) -> None:
        self._send = send
        self._stops: List[threading.Thread] = []
        self._jobs = Jobs(send)

    def read(self, request: facts.Read) -> None:
        """Part of a file; where it cannot be read, no bytes and a Trouble."""
        _start(self._read, request)

    def runs(self) -> None:
        """Every run on this machine."""
        _start(self._runs)

    def stop(self, request: facts.Stop) -> None:
        """Stop a run, with a sentence for each step."""
        self._stops.append(_start(self._stop, request))

    def launch(self, request: facts.Launch) -> None:
        """Start a command. It waits: a fork is best made by the thread that everything began with."""
        self._send(_launched(request))

    def job(self, request: Union[facts.Job, facts.Cancel]) -> None:
        """Work on a checkpoint, after the jobs asked for before; or end such a job."""
        if isinstance(request, facts.Job):
            self._jobs.add(request)
        else:
            self._jobs.cancel(request.id)

    def finish(self) -> None:
        """Return when every stop that was begun has come to its end; jobs are broken off."""
        self._jobs.finish()
        for thread in self._stops:
            thread.join()

    def _read(self, request: facts.Read) -> None:
        at = time.time()
        try:
            answer = parts.part(request.path, max(0, request.offset), max(0, request.length), at)
        except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
            why = getattr(error, "strerror", None) or str(error)
            text = "{} cannot be read: {}".format(request.path, why)
            self._send(facts.Trouble("file:" + request.path, text, "", at))
            answer = facts.FileBytes(request.path, request.offset, b"", 0, 0.0, at)
        self._send(answer)

    def _runs(self) -> None:
        known = [runs.seen(run) for run in runs.every()]
        self._send(facts.Runs(known + trainings.every(), time.time()))

    def _stop(self, request: facts.Stop) -> None:
        scheme, _, word = request.target.partition(":")
        try:
            if scheme == "slurm":
                steps = scancel.stop(word, request.now, request.grace)
            else:
                subject = process.of_run(_one_run(request.target))
                steps = stop.stop(subject, request.now, request.grace)
            for answer in steps:
                self._send(answer)
        except TargetError as error:
            self._send(facts.Answer(False, True, error.text, time.time(), _NOT_FOUND))


def _launched(request: facts.Launch) -> facts.Answer:
    words = [*request.command, request.cwd, request.name]
    if not request.command or any("\0" in word for word in words):
        return facts.Answer(False, True, "that is no command", time.time())
    cwd = os.path.expanduser(request.cwd) or None
    try:
        started = launch.start(request.command, cwd, request.name, request.pty)
    except launch.CannotStartError as error:
        return facts.Answer(False, True, error.text, time.time(), error.code)
    return facts.Answer(True, True, started.id, time.time())


def _one_run(word: str) -> runs.Meta:
    known = runs.find(word)
    if not known and (stranger.names_process(word) or word.startswith("tmux:")):
        text = "{} was not started by trainwatch, which stops only its own runs; there is: kill -INT PID"
        raise TargetError(text.format(word))
    if len(known) != 1:
        what = "several runs are called {}: give more of the id" if known else "there is no run {}"
        raise TargetError(what.format(word) if word else "there is no run yet")
    if known[0].meta is None:
        raise TargetError(known[0].damage)
    return known[0].meta


def _start(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread
