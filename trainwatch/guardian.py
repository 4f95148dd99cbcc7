"""A parent that puts the terminal back, whatever becomes of the screen.

The law of this file: the parent does nothing that can fail while the screen lives. It waits, hands
signals on, stops when the screen stops (Ctrl-Z) and, when the screen was killed, leaves the alternate
screen, switches mouse, paste and keyboard reporting off, shows the cursor and restores the modes of
the terminal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from trainwatch.probe import identity, kernel
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FAILED = 70  # EX_SOFTWARE of sysexits.h
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)

# What Textual may have switched on, off again; xterm's control sequences, kitty's keyboard protocol.
_RESET = (
    "\x1b[?2026l"  # show what is being drawn
    "\x1b[<u"  # plain keys
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # no mouse
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # no focus, paste and size reports
    "\x1b[?1049l"  # the normal screen
    "\x1b[?7h\x1b[?25h\x1b[m"  # wrap lines, show the cursor, no colours
)

Modes: TypeAlias = "list[int | list[bytes | int]]"


class Outcome(NamedTuple):
    """How the screen ended."""

    code: int  # 128 + n for a signal
    killer: int | None  # the signal that ended it


def guard(show: Callable[[], int]) -> Outcome:
    """Run ``show`` in a child that owns the terminal, and clean up after it."""
    modes = _modes()
    screen = os.fork()
    if screen == 0:
        _be_the_screen(show, modes)
    before = {number: signal.getsignal(number) for number in _FORWARDED}

    def hand_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(screen, number)

    for number in _FORWARDED:
        signal.signal(number, hand_on)
    # The screen leaves its mode before it stops, and then we follow it.
    before[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    status = _wait(screen)
    killer = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    put_back(modes, killed=killer is not None)
    for number, handler in before.items():
        signal.signal(number, handler)
    if killer is not None:
        return Outcome(128 + killer, killer)
    return Outcome(os.WEXITSTATUS(status), None)


def _wait(screen: int) -> int:
    """The status with which the screen ended; when it stops, so do we, for the shell to see."""
    while True:
        _, status = os.waitpid(screen, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        os.kill(os.getpid(), signal.SIGSTOP)
        # Here we go on: the shell continues the whole group, kill -CONT only us.
        time.sleep(0.05)
        found = identity.stat(screen)
        if found is not None and found.state == "T":
            os.kill(screen, signal.SIGCONT)


def _be_the_screen(show: Callable[[], int], modes: Modes | None) -> NoReturn:
    code = 1
    try:
        _leave_with_the_parent(modes)
        code = show()
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # noqa: BLE001 - the screen may fail in any way; a person gets a sentence
        put_back(modes, killed=True)
        what = clean(f"{type(error).__name__}: {error}")
        sys.stderr.write(f"trainwatch: the screen failed ({what})\n")
        sys.stderr.flush()
        code = FAILED
    finally:
        os._exit(code)


def _leave_with_the_parent(modes: Modes | None) -> None:
    """Should even the parent be killed: go, and put the terminal back ourselves."""

    def leave(number: int, _: FrameType | None) -> None:
        put_back(modes, killed=True)
        os._exit(128 + number)

    signal.signal(signal.SIGHUP, leave)
    kernel.die_with_parent(signal.SIGHUP)


def put_back(modes: Modes | None, *, killed: bool) -> None:
    """Restore the terminal. After a normal end the screen has said its goodbye by itself."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # we may be in the background by now
    try:
        if killed:
            os.write(1, _RESET.encode("ascii"))
        if modes is not None:
            termios.tcsetattr(0, termios.TCSANOW, modes)
    except (OSError, termios.error):
        pass  # the terminal itself is gone
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _modes() -> Modes | None:
    try:
        return termios.tcgetattr(0)
    except (OSError, ValueError, termios.error):
        return None
