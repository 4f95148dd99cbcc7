"""The supervisor of one training: it starts it, waits, and writes down how it ended.

The law of this file: the supervisor is never in the way. The training writes into its log by itself;
killing the supervisor costs the exit record and nothing else. The exit record was given its room on
the disk before the training started, so that a full disk cannot lose it. The supervisor adopts the
orphans of the training (torchrun's workers outlive a killed agent) and stays until the last is gone.
"""

import contextlib
import errno
import fcntl
import json
import os
import signal
import termios
import time
from typing import Dict, Iterator, List, NamedTuple, NoReturn, Optional

from trainwatch import __version__
from trainwatch.probe import identity, kernel, masks, runs
from trainwatch.probe.terminal import Terminal

_ROWS = 50
_DRAIN = 2.0  # seconds that the last output of a terminal may take
_KILLED_IN_A_SHELL = 128 + signal.SIGKILL  # what sh -c exits with


class Order(NamedTuple):
    """What to start, and how."""

    command: List[str]
    cwd: Optional[str]  # None: where the caller stands
    name: str
    columns: int  # of the terminal; 0 = no terminal
    environ: Dict[str, str]
    run: runs.Run  # fresh, not yet published


class Answer(NamedTuple):
    """What the caller is told."""

    failed: str  # "" or what did: "state", "pty", "fork", "cwd", "exec"
    value: int  # the pid of the training, or the errno of the failure


class _NotStartedError(Exception):
    """Nothing was started."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(what, number)
        self.answer = Answer(what, number)


class _Embryo(NamedTuple):
    """A training between fork and exec."""

    pid: int
    go: int  # one byte here lets it become the command, closing it unwritten makes it leave
    failure: int  # where it says why it could not; closed by a successful exec


def become(order: Order, report: int) -> NoReturn:
    """Turn this freshly forked process into the supervisor, which tells the caller by ``report``."""
    try:
        _leave_the_caller(report)
        try:
            vigil = _begin(order)
        except _NotStartedError as failure:
            runs.discard(order.run)
            _tell(report, failure.answer)
            os._exit(0)
        _tell(report, Answer("", vigil.pid))
        os.chdir("/")
        kernel.set_title(_title("supervisor", order))
        vigil.keep()
    finally:
        os._exit(0)


def _leave_the_caller(report: int) -> None:
    """Share nothing with the caller: no session, no terminal, no descriptor, no signal."""
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how the training ended
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    kernel.close_all_but(0, 1, 2, report)


def _begin(order: Order) -> "_Vigil":
    """Start the training. Raises _NotStartedError; then nothing runs."""
    kernel.adopt_orphans()
    oom = kernel.OomKills()
    terminal = None
    with _blaming("state"):
        record = os.open(os.path.join(order.run.folder, runs.EXIT), os.O_WRONLY)
        log = os.open(order.run.log, os.O_WRONLY | os.O_APPEND)
    if order.columns:
        with _blaming("pty"):
            terminal = Terminal(log, _ROWS, order.columns, _title("terminal", order))
    with _blaming("fork"):
        embryo = _conceive(order, terminal.slave if terminal else log)
    with _blaming("state"):
        runs.publish(order.run, _meta(order, embryo.pid))
    _bear(embryo)
    return _Vigil(embryo.pid, record, oom, terminal)


@contextlib.contextmanager
def _blaming(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _NotStartedError(what, error.errno or 0) from error


def _meta(order: Order, pid: int) -> runs.Meta:
    training, keeper = identity.identify(pid), identity.identify(os.getpid())
    return runs.Meta(
        id=order.run.id,
        name=order.name,
        command=masks.masked(order.command),
        cwd=order.cwd or os.getcwd(),
        host=runs.hostname(),
        user=order.environ.get("USER", str(os.getuid())),
        started=time.time(),
        pty=bool(order.columns),
        pid=pid,
        start=training.start if training else 0,
        supervisor=os.getpid(),
        supervisor_start=keeper.start if keeper else 0,
        boot=identity.boot_id(),
        namespace=identity.namespace(),
        release=__version__,
    )


def _conceive(order: Order, output: int) -> _Embryo:
    """Fork the process that will become the command when it gets a byte through ``go``."""
    waiting, go = os.pipe()
    failure, fail = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _become_the_command(order, output, waiting, fail)
    os.close(waiting)
    os.close(fail)
    return _Embryo(pid, go, failure)


def _bear(embryo: _Embryo) -> None:
    """Let the command run. Raises _NotStartedError with what it says when it cannot."""
    with contextlib.suppress(BrokenPipeError):  # it has failed already and says why below
        os.write(embryo.go, b"!")
    os.close(embryo.go)
    with os.fdopen(embryo.failure, "rb") as file:
        words = file.read().split()
    if words:
        os.waitpid(embryo.pid, 0)
        raise _NotStartedError(words[0].decode("ascii"), int(words[1]))


def _become_the_command(order: Order, output: int, waiting: int, fail: int) -> NoReturn:
    """In the child. Its own session: no signal meant for us or for a terminal of ours reaches it."""
    what = "fork"
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        if order.columns:
            what = "pty"
            fcntl.ioctl(1, termios.TIOCSCTTY, 0)
        if order.cwd:
            what = "cwd"
            os.chdir(order.cwd)
        if not os.read(waiting, 1):
            os._exit(1)
        what = "exec"
        _reset_signals()
        _exec(order.command, order.environ)
    except OSError as error:
        os.write(fail, "{} {}".format(what, error.errno).encode("ascii"))
    finally:
        os._exit(1)


def _reset_signals() -> None:
    """As after a login: a caller that ignored SIGINT (``sh -c 'x &'``) must not make it deaf."""
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            signal.signal(number, signal.SIG_DFL)


def _exec(command: List[str], environ: Dict[str, str]) -> None:
    """Become the command as a shell would. Raises OSError."""
    number = errno.ENOENT
    for path in candidates(command[0], environ):
        try:
            os.execve(path, command, environ)
        except OSError as error:
            if error.errno == errno.ENOEXEC and _is_text(path):
                os.execve("/bin/sh", ["sh", path, *command[1:]], environ)
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                number = error.errno or number
    raise OSError(number, command[0])


def candidates(word: str, environ: Dict[str, str]) -> List[str]:
    """The files that the first word of a command can mean."""
    if "/" in word:
        return [word]
    path = environ.get("PATH", os.defpath)
    return [os.path.join(folder, word) for folder in path.split(os.pathsep)]


def _is_text(path: str) -> bool:
    """Whether a file that the kernel cannot run may be a script without a first line."""
    with open(path, "rb") as file:
        return b"\0" not in file.read(80)


def _tell(report: int, answer: Answer) -> None:
    os.write(report, json.dumps(answer).encode("ascii"))
    os.close(report)


def _title(role: str, order: Order) -> str:
    return "trainwatch: {} of {}".format(role, order.run.id)


class _Vigil:
    """What the supervisor does from then on: wait."""

    def __init__(
        self, pid: int, record: int, oom: kernel.OomKills, terminal: Optional[Terminal]
    ) -> None:
        self.pid = pid
        self._record = record
        self._oom = oom
        self._terminal = terminal

    def keep(self) -> None:
        """Return when the training and all of its orphans have ended."""
        os.fsync(self._record)  # only now is the room on the disk certain
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            if pid == self.pid:
                self._write_down(status)
            elif self._terminal:
                self._terminal.child_ended(pid, status)

    def _write_down(self, status: int) -> None:
        at = time.time()
        if self._terminal:
            self._terminal.finish(_DRAIN)
        killer = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        killed = killer == signal.SIGKILL or code == _KILLED_IN_A_SHELL
        cause = "oom" if killed and self._oom.happened() else ""
        os.pwrite(self._record, runs.exit_record(runs.Exit(code, killer, cause, at)), 0)
        os.fsync(self._record)
