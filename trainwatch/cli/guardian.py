"""A parent that puts the terminal back, whatever becomes of the screen.

The law of this file: the parent does nothing that can fail while the screen lives. It waits, hands
signals on, stops when the screen stops (Ctrl-Z) and, when the screen was killed, leaves the alternate
screen, switches mouse, paste and keyboard reporting off, shows the cursor and restores the modes of
the terminal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from trainwatch.probe import identity, kernel
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 70  # EX_SOFTWARE of sysexits.h
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)
# SIGTSTP is waited for and dropped: the screen leaves its mode before it stops, and we follow it.
_AWAITED = {*_FORWARDED, signal.SIGTSTP, signal.SIGCHLD}
_LOOK_EVERY = 1.0  # seconds between two looks at whether the terminal still exists
_ORPHANED = signal.SIGUSR1  # what the screen gets when its parent dies

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
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would hide how the screen ended
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    screen = os.fork()
    if screen == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _be_the_screen(show, modes)
    status = _stay_with(screen)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    killer = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    put_back(modes, killed=killer is not None)
    if killer is not None:
        return Outcome(128 + killer, killer)
    return Outcome(os.WEXITSTATUS(status), None)


def _stay_with(screen: int) -> int:
    """Hand signals on until the screen ends; the status with which it ended.

    Signals are waited for and not handled: a handler that comes just before a wait begins would be
    heard only after it. A terminal that goes away sends SIGHUP only to the session it controls; of
    any other one the end has to be looked for, or the screen would write to nobody for ever.
    """
    last_words = chain([signal.SIGHUP], repeat(signal.SIGKILL))
    while True:
        number = _next_signal()
        if number is None:
            if _terminal_is_gone():
                os.kill(screen, next(last_words))
        elif number in _FORWARDED:
            os.kill(screen, number)  # our child: its id is not handed out again before we know
        elif number == signal.SIGCHLD:
            changed, status = os.waitpid(screen, os.WUNTRACED | os.WNOHANG)
            if changed and os.WIFSTOPPED(status):
                _stop_too(screen)
            elif changed:
                return status


def _next_signal() -> int | None:
    """The next signal, or None after a while without one."""
    if not hasattr(signal, "sigtimedwait"):  # macOS
        return signal.sigwait(_AWAITED)
    told = signal.sigtimedwait(_AWAITED, _LOOK_EVERY)
    return told.si_signo if told else None


def _terminal_is_gone() -> bool:
    poll = select.poll()
    poll.register(0, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _stop_too(screen: int) -> None:
    """The screen stopped (Ctrl-Z): so do we, for the shell to see, until we are continued."""
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
        kernel.keep_big_blocks_apart()
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
    """Should even the parent be killed: go, and put the terminal back ourselves.

    SIGHUP is what the kernel sends when the parent led the session and its death ends it.
    """

    def leave(*_: object) -> None:
        put_back(modes, killed=True)
        os._exit(128 + signal.SIGHUP)

    for number in (_ORPHANED, signal.SIGHUP):
        signal.signal(number, leave)
    kernel.die_with_parent(_ORPHANED)


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
