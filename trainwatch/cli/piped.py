"""Standard input as a training's output: put aside, so that the terminal can take its place.

The law of this file: whoever writes into the pipe is never ended by us. While anything of trainwatch
lives, the pipe is read; what is left to read when it leaves is read by nobody's friend, to its end.
"""

from __future__ import annotations

import os
from contextlib import suppress

from trainwatch.cli.grammar import CommandError

_BLOCK = 1 << 16


def set_aside() -> int:
    """The descriptor of what is piped in; standard input is the terminal again where there is one.

    Raises CommandError when nothing is piped in.
    """
    try:
        if os.isatty(0):
            raise CommandError("nothing is piped in: python train.py 2>&1 | trainwatch attach -")
        fd = os.dup(0)
    except OSError as error:
        raise CommandError("there is no standard input") from error
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:  # no terminal at all: keys cannot come, and there is no screen
        terminal = os.open(os.devnull, os.O_RDONLY)
    os.dup2(terminal, 0)
    os.close(terminal)
    return fd


def read_on(fd: int) -> None:
    """Have what is still to come read and dropped: the writer would be killed by a pipe without a reader."""
    if os.fork():
        return
    with suppress(OSError):
        os.setsid()  # neither Ctrl-C nor the end of the terminal is meant for it
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        while os.read(fd, _BLOCK):
            pass
    os._exit(0)
