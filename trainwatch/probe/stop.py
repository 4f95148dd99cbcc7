"""Stopping a training: first as Ctrl-C would, then firmly, then for good.

The law of this file: a signal goes only to a process whose identity was checked a moment before, so
that an id which the kernel handed out again is never hit; every step yields a sentence; nothing
waits without a limit, because a process in uninterruptible sleep does not even die of SIGKILL.
"""

import os
import signal
import time
from typing import Iterator, List, Optional

from trainwatch import facts
from trainwatch.probe import identity
from trainwatch.probe.identity import Stat
from trainwatch.probe.process import Subject, Tree

TERM_GRACE = 10.0  # seconds between SIGTERM and SIGKILL
KILL_GRACE = 5.0  # seconds after which a killed process counts as stuck in the kernel
_LOOK_EVERY = 0.05  # seconds


def stop(subject: Subject, now: bool, grace: float) -> Iterator[facts.Answer]:
    """Stop the processes of ``subject``; ``grace`` is the time between SIGINT and SIGTERM.

    ``now`` = SIGKILL at once. The last answer has ``done``; it is ``ok`` when nothing is left.
    """
    tree = Tree(subject)
    if not tree.scan():
        yield _answer(True, True, "nothing to stop: it has already ended")
        return
    steps = [(signal.SIGKILL, KILL_GRACE)]
    if not now:
        steps = [(signal.SIGINT, grace), (signal.SIGTERM, TERM_GRACE), *steps]
    for number, patience in steps:
        refused: List[int] = []
        hit = _signal(tree, number, refused)
        if hit:
            yield _answer(True, False, _sentence(number, hit, patience))
        elif refused:
            yield _answer(False, True, _refusal(refused))
            return
        if _wait(tree, number, patience):
            yield _answer(True, True, "stopped")
            return
    yield _answer(False, True, _stuck(tree.scan()))


def _signal(tree: Tree, number: int, refused: List[int]) -> List[int]:
    """Send ``number`` to those it is meant for; return whom it reached, collect who may not be."""
    aims = tree.scan()
    if number == signal.SIGINT:
        aims = _foreground(tree, aims)
    hit = []
    for stat in aims:
        try:
            if send(stat, number):
                hit.append(stat.pid)
            if stat.state in "Tt":  # a stopped process does not notice before it continues
                send(stat, signal.SIGCONT)
        except PermissionError:
            refused.append(stat.pid)
    return hit


def _foreground(tree: Tree, members: List[Stat]) -> List[Stat]:
    """Whom Ctrl-C would reach: the process group of the root. Where none is left there, all."""
    root = tree.subject.root.pid
    group = next((stat.group for stat in members if stat.pid == root), root)
    return [stat for stat in members if stat.group == group] or members


def send(stat: Stat, number: int) -> bool:
    """Signal this very process. False: it is gone. Raises PermissionError."""
    handle = _pidfd(stat.pid)
    try:
        found = identity.stat(stat.pid)
        if found is None or found.start != stat.start:
            return False
        if handle is None:
            os.kill(stat.pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def _pidfd(pid: int) -> Optional[int]:
    """A handle that names this process even if its id is handed out again; needs Linux 5.3."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _wait(tree: Tree, number: int, patience: float) -> bool:
    """Whether all have ended within ``patience`` seconds. What is born in the meantime is killed too."""
    end = time.monotonic() + patience
    while tree.scan():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_EVERY)
        if number == signal.SIGKILL:
            _signal(tree, number, [])
    return True


# --- sentences ------------------------------------------------------------------------------


def _answer(ok: bool, done: bool, text: str) -> facts.Answer:
    return facts.Answer(ok, done, text, time.time())


def _sentence(number: int, hit: List[int], patience: float) -> str:
    if number == signal.SIGINT:
        how, then = "SIGINT (as Ctrl-C)", ", {:.0f} s to save and leave"
    elif number == signal.SIGTERM:
        how, then = "SIGTERM", ", {:.0f} s left"
    else:
        how, then = "SIGKILL", ""
    return "{} to {}{}".format(how, _named(hit), then.format(patience))


def _named(pids: List[int]) -> str:
    if len(pids) == 1:
        return "process {}".format(pids[0])
    shown = ", ".join(str(pid) for pid in pids[:4])
    return "{} processes ({}{})".format(len(pids), shown, ", ..." if len(pids) > 4 else "")


def _refusal(pids: List[int]) -> str:
    return "not allowed to signal {}: stop it as the user who started it".format(_named(pids))


def _stuck(members: List[Stat]) -> str:
    waiting = [stat.pid for stat in members if stat.state == "D"]
    if waiting:
        why = "in uninterruptible sleep (a hung disk, network file system or driver) and dies when that returns"
        return "{} cannot be killed now: {}".format(_named(waiting), why)
    return "{} did not die of SIGKILL".format(_named([stat.pid for stat in members]))
