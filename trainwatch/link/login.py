"""Logging in to another machine before anything else happens, in the plain terminal.

The law of this file: what ssh asks (host key, passphrase, password, one-time code), it asks itself,
in the terminal, before a screen covers it. One connection is made and kept as a ControlMaster of
our own; every probe goes through it, so that nobody is asked twice. Where the user's own
configuration keeps a connection open, that one is used and ours is not made. A login that had to be
typed is never repeated by itself: behind a screen it begins when the person wants it, and its questions
come as dialogs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.link.door import End, Verdict, how, last_line
from trainwatch.link.nook import Nook
from trainwatch.link.ssh import AGAIN, LASTING, SshDoor, needs_a_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trainwatch.link.person import Prompt

_LOOK = 0.1  # seconds between two looks at whether a login is still wanted
_LATE = 2.0  # seconds after which it is said who is waited for
_LINGER = 60  # seconds that the connection outlives us when we are killed
_NO_SHARING = ("ControlPath", "unix_listener", "mux_")  # ssh has no place for the socket


class LoginError(Exception):
    """The machine cannot be reached; ``verdict`` says why and what to do.

    ``asks``: ssh has a question, and nobody was there to answer it.
    """

    def __init__(self, verdict: Verdict, asks: bool = False) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict
        self.asks = asks


class Login:
    """A connection to ``host`` that probes share."""

    def __init__(self, host: str, program: Sequence[str] = ("ssh",)) -> None:
        self.host = host
        self._program = tuple(program)
        self._nook: Nook | None = None  # where the socket of a connection of our own lies
        self._typed = False
        self.made = 0  # times that a person logged in again
        self._one = threading.Lock()  # logs in again
        self._tries = 0  # to log in again
        self._failed: Verdict | None = None  # the last of them

    def open(
        self, ask: bool = True, meanwhile: Iterable[object] = (), patience: float | None = None
    ) -> None:
        """Connect; with ``ask`` ssh may ask the person at the terminal. Raises LoginError.

        ``meanwhile`` is done step by step while ssh is at it, and no longer. It is given up after
        ``patience`` seconds, unless it asks.
        """
        if self._quietly("-O", "check").returncode == 0:
            return
        self._nook = Nook()
        batch = "-o", "BatchMode=yes"
        wait = partial(self._await, meanwhile=meanwhile, patience=patience)
        done = self._quietly(*self._master, *batch, wait=wait)
        words = done.stderr.decode("utf-8", "replace")
        asks = needs_a_person(words)
        if done.returncode and asks and ask and _has_terminal():
            sys.stderr.write(f"trainwatch: logging in to {self.host}\n")
            sys.stderr.flush()
            command = [*self._program, *self._master, "--", self.host]
            if subprocess.run(command, check=False).returncode == 0:
                self._typed = True
                return
            self._forget()
            text, fix = f"the login to {self.host} did not succeed", f"try it: ssh {self.host}"
            raise LoginError(Verdict(text, fix, final=True))
        if done.returncode:
            self._forget()
            if not any(word in words for word in _NO_SHARING):
                end = End(done.returncode, words, "", spoke=False)
                raise LoginError(SshDoor(self.host, self._program).verdict(end), asks)

    def door(self, attended: bool = False) -> SshDoor:
        """The way to a probe there. Without the shared connection it makes one of its own.

        ``attended``: somebody sits at a screen and can log in again when the connection is lost.
        """
        # Who was asked to type is not asked again by a try in the background: shared or not at all.
        nowhere = ["-o", "ProxyCommand=false"] if self._typed else []
        door = SshDoor(self.host, [*self._program, *self._shared, *nowhere], self._typed)
        door.login = self if attended and self._typed else None
        return door

    def again(self, ask: Callable[[Prompt], None], leaving: Callable[[], bool]) -> Verdict | None:
        """Log in while a screen covers the terminal: what ssh wants to know is asked by ``ask``.

        Blocks until ssh is through, or ``leaving`` says so. Why it failed; None: we are in. Whoever
        comes while somebody else is at it gets the same answer.
        """
        before = self._tries
        while not self._one.acquire(timeout=_LOOK):
            if leaving():
                return self._refused("we leave")
        try:
            if self._tries == before:
                self._failed = self._log_in(ask, leaving)
                self._tries += 1
                self.made += self._failed is None
            return self._failed
        finally:
            self._one.release()

    def _log_in(self, ask: Callable[[Prompt], None], leaving: Callable[[], bool]) -> Verdict | None:
        from trainwatch.link.asking import Asking  # noqa: PLC0415 - most logins ask nothing twice

        assert self._nook is not None
        if self._quietly(*self._shared, "-O", "check").returncode == 0:
            return None
        with suppress(FileNotFoundError):
            os.unlink(self._socket)  # of the connection that is gone
        with (
            tempfile.TemporaryFile() as errors,
            Asking(self.host, self._nook.path, errors, ask) as asking,
        ):
            command = [*self._program, *self._master, "--", self.host]
            ssh = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=asking.environment,
                start_new_session=True,  # without a terminal: the screen has it
            )
            while ssh.poll() is None:
                if asking.refused or leaving():
                    ssh.kill()
                with suppress(subprocess.TimeoutExpired):
                    ssh.wait(_LOOK)
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace")
        if ssh.returncode == 0:
            return None
        why = "it was broken off" if asking.refused else last_line(words) or how(ssh.returncode)
        return self._refused(why)

    def _refused(self, why: str) -> Verdict:
        return Verdict(f"the login to {self.host} did not succeed ({why})", AGAIN, final=True)

    def close(self) -> None:
        """Hang up, unless the connection is the user's own."""
        if self._nook is not None:
            self._quietly(*self._shared, "-O", "exit")
            self._forget()

    @property
    def _shared(self) -> list[str]:
        if self._nook is None:
            return []
        return ["-o", f"ControlPath={self._socket}", "-o", "ControlMaster=no"]

    @property
    def _socket(self) -> str:
        assert self._nook is not None
        return os.path.join(self._nook.path, "m")

    @property
    def _master(self) -> list[str]:
        shared = ["-o", f"ControlPath={self._socket}", "-o", "ControlMaster=yes"]
        return [*shared, "-o", f"ControlPersist={_LINGER}", *LASTING, "-N", "-f"]

    def _await(
        self, ssh: subprocess.Popen[bytes], meanwhile: Iterable[object], patience: float | None
    ) -> None:
        """Until it has ended, or ``patience`` has. Whoever looks at an empty terminal is told why."""
        for _ in meanwhile:
            if ssh.poll() is not None:
                return
        with suppress(subprocess.TimeoutExpired):
            ssh.wait(_LATE)
            return
        if sys.stderr.isatty():
            sys.stderr.write(f"trainwatch: waiting for {self.host}\n")
            sys.stderr.flush()
        try:
            ssh.wait(None if patience is None else max(patience - _LATE, 0.0))
        except subprocess.TimeoutExpired:
            ssh.kill()

    def _quietly(
        self, *words: str, wait: Callable[[subprocess.Popen[bytes]], object] = subprocess.Popen.wait
    ) -> subprocess.CompletedProcess[bytes]:
        command = [*self._program, *words, "--", self.host]
        with tempfile.TemporaryFile() as errors:  # no pipe: the master in the background keeps it
            try:
                ssh = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
                )
            except OSError as error:
                verdict = Verdict(
                    f"ssh cannot be started: {error.strerror}", "install an ssh client", final=True
                )
                raise LoginError(verdict) from error
            with ssh:
                wait(ssh)
            errors.seek(0)
            return subprocess.CompletedProcess(command, ssh.returncode, b"", errors.read())

    def _forget(self) -> None:
        if self._nook is not None:
            self._nook.close()
            self._nook = None


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
