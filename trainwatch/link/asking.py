"""ssh's questions behind a screen: SSH_ASKPASS, answered over a socket that only we can open.

The law of this file: an answer is never on a disk, in the arguments of a program or in a log: it goes
through a socket in a folder of mode 0700 to the helper, and from there through ssh's own pipe. Whoever
does not want to answer ends the login, because ssh would go on with an empty password.
"""

from __future__ import annotations

import os
import shlex
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from trainwatch.link import askpass
from trainwatch.link.person import Prompt

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 1 << 16  # bytes of a question
_SHOWN = ("yes/no", "fingerprint)?")  # a question whose answer is no secret


class Asking:
    """For the time of one login: ``ask`` is called with each question, from a thread of ours.

    ``words`` is the file that ssh writes its errors to.
    """

    def __init__(
        self, host: str, folder: str, words: IO[bytes], ask: Callable[[Prompt], None]
    ) -> None:
        self.refused = False
        """Somebody was asked and did not want to answer."""
        self._host = host
        self._words, self._heard = words, 0  # what ssh says, and how much of it was shown
        self._asked: set[str] = set()
        self._ask = ask
        self._address = os.path.join(folder, "a")
        self._helper = os.path.join(folder, "askpass")
        self._server = socket.socket(socket.AF_UNIX)
        self._lines: list[socket.socket] = []

    def __enter__(self) -> Asking:
        with suppress(FileNotFoundError):
            os.unlink(self._address)
        self._server.bind(self._address)
        self._server.listen()
        words = [sys.executable, "-I", "-S", os.path.abspath(askpass.__file__), self._address]
        helper = Path(self._helper)
        helper.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        helper.chmod(0o700)
        threading.Thread(target=self._serve, name="asking", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread
        for one in (self._server, *self._lines):
            one.close()
        for path in (self._address, self._helper):
            with suppress(OSError):
                os.unlink(path)

    @property
    def environment(self) -> dict[str, str]:
        """What an ssh without a terminal needs to ask here. Before OpenSSH 8.4 it wants a DISPLAY."""
        display = os.environ.get("DISPLAY") or ":0"
        return {
            **os.environ,
            "SSH_ASKPASS": self._helper,
            "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": display,
        }

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._server.accept()
                self._lines.append(line)
                kind, _, text = _all_of(line).decode("utf-8", "replace").partition("\0")
                hidden = kind == "" and not any(word in text for word in _SHOWN)
                reply = partial(self._answer, line)
                self._ask(Prompt(self._host, text, self._said(text), hidden, reply))

    def _said(self, question: str) -> str:
        """What there is to know before answering: a login that asks the same again did not like it."""
        words = os.pread(self._words.fileno(), _LONGEST, self._heard)
        self._heard += len(words)
        again = question in self._asked
        self._asked.add(question)
        said = words.decode("utf-8", "replace").strip()
        return said or ("what was answered was not accepted" if again else "")

    def _answer(self, line: socket.socket, text: str | None) -> None:
        self.refused = self.refused or text is None
        with suppress(OSError):  # ssh may be gone
            if text is not None:
                line.sendall(askpass.ANSWERED + text.encode("utf-8", "surrogateescape"))
            line.shutdown(socket.SHUT_RDWR)


def _all_of(line: socket.socket) -> bytes:
    question = b""
    while len(question) < _LONGEST and (data := line.recv(4096)):
        question += data
    return question
