"""Start a command so that nothing of ours can stop it or lose what it prints.

The law of this file: everything that can fail fails before the command runs and comes back to the
caller as one sentence. The caller forks twice; the grandchild becomes the supervisor
(``trainwatch.probe.supervise``), which starts the command and answers through a pipe.
"""

import contextlib
import errno
import json
import os
import shlex
from typing import Dict, List, NamedTuple, NoReturn, Optional

from trainwatch.probe import runs, supervise

COLUMNS = 400  # what programs that ask may fill: tqdm and Rich cut their figures to it

# As a shell exits; NO_STATE is ours: the run directory could not be made.
NOT_FOUND, NOT_RUNNABLE, NO_STATE = 127, 126, 2


class CannotStartError(Exception):
    """The command was not started. ``code`` is what trainwatch should exit with."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Started(NamedTuple):
    """A command that runs now."""

    id: str
    pid: int
    folder: str


def start(
    command: List[str],
    cwd: Optional[str] = None,
    name: str = "",
    pty: bool = False,
    environ: Optional[Dict[str, str]] = None,
) -> Started:
    """Start ``command`` detached, in ``cwd`` or right here. Raises CannotStartError."""
    if environ is None:
        environ = dict(os.environ)
    _fill_standard_descriptors()
    try:
        place = os.path.abspath(cwd or os.curdir)
    except OSError as error:
        text = "the folder that you are in does not exist any more: go to another"
        raise CannotStartError(NO_STATE, text) from error
    try:
        run = runs.fresh()
    except OSError as error:
        raise CannotStartError(NO_STATE, _no_record(error)) from error
    order = supervise.Order(
        command=command,
        cwd=place if cwd else None,
        name=name,
        columns=COLUMNS if pty else 0,
        environ=_environment(environ, run.id, pty),
        run=run,
    )
    answer = _answer_of_supervisor(order)
    if answer is None:
        runs.discard(run)
        raise CannotStartError(
            NOT_RUNNABLE, "the supervisor died before it could start the command"
        )
    if answer.failed == "exec":
        raise _cannot_exec(command, environ, answer.value)
    if answer.failed:
        raise CannotStartError(NO_STATE, _failure(answer, cwd))
    return Started(run.id, answer.value, runs.folder_of(run.id))


def _answer_of_supervisor(order: supervise.Order) -> Optional[supervise.Answer]:
    reply, report = os.pipe()
    child = os.fork()
    if child == 0:
        _disappear(order, report)
    os.close(report)
    with os.fdopen(reply, "rb") as file:
        text = file.read()
    with contextlib.suppress(ChildProcessError):  # the caller may ignore SIGCHLD
        os.waitpid(child, 0)
    return supervise.Answer(*json.loads(text.decode("ascii"))) if text else None


def _disappear(order: supervise.Order, report: int) -> NoReturn:
    """The child between caller and supervisor: its death leaves the supervisor to init."""
    try:
        if os.fork() == 0:
            supervise.become(order, report)
    finally:
        os._exit(0)


def _environment(environ: Dict[str, str], run: str, pty: bool) -> Dict[str, str]:
    """The caller's environment with what makes the output readable, and the mark of the run."""
    made = dict(environ)
    made[runs.MARK] = run
    made.setdefault("PYTHONUNBUFFERED", "1")
    # The width of the caller's terminal means nothing to a file. Rich wraps at 80 without this.
    made["COLUMNS"] = str(COLUMNS)
    if pty:
        made.pop("LINES", None)
        if made.get("TERM", "dumb") == "dumb":
            made["TERM"] = "xterm-256color"
    return made


def _fill_standard_descriptors() -> None:
    """Started with closed descriptors, our pipes would become the standard streams."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


# --- sentences ------------------------------------------------------------------------------


def _no_record(error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "cannot keep a record in {}: {}; {}set TRAINWATCH_STATE to a folder of yours".format(
        runs.runs_folder(), os.strerror(error.errno or 0), "free some space or " if full else ""
    )


def _failure(answer: supervise.Answer, cwd: Optional[str]) -> str:
    if answer.failed == "cwd":
        return "cannot start in {}: {}".format(cwd, os.strerror(answer.value))
    if answer.failed == "pty":
        return "cannot open a terminal for --pty: {}".format(os.strerror(answer.value))
    if answer.failed == "fork":
        return "cannot start a process: {}".format(os.strerror(answer.value))
    return _no_record(OSError(answer.value, ""))


def _cannot_exec(command: List[str], environ: Dict[str, str], number: int) -> CannotStartError:
    """What a shell would say and exit with, and what was probably meant."""
    word = command[0]
    path = next(filter(os.path.exists, supervise.candidates(word, environ)), None)
    if path is None:
        what = "no such file" if "/" in word else "command not found"
        return CannotStartError(NOT_FOUND, "{}: {}{}".format(word, what, _meant(word)))
    if os.path.isdir(path):
        return CannotStartError(NOT_RUNNABLE, "{}: is a folder".format(word))
    if number == errno.ENOENT:
        text = "{}: the interpreter named in its first line does not exist".format(word)
        return CannotStartError(NOT_RUNNABLE, text)
    if number == errno.EACCES:
        return CannotStartError(NOT_RUNNABLE, "{}: not executable{}".format(word, _meant(word)))
    return CannotStartError(NOT_RUNNABLE, "{}: {}".format(word, os.strerror(number)))


def _meant(word: str) -> str:
    if word.endswith(".py") and os.path.isfile(word):
        return " (did you mean: python {})".format(shlex.quote(word))
    if " " in word and not os.path.exists(word):
        return " (give the command as separate words, or use: sh -c {})".format(shlex.quote(word))
    return ""
