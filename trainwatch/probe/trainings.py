"""Trainings on this machine that nobody started through trainwatch.

The law of this file: a process counts when it holds an accelerator or has a training framework in its
memory, as the kernel shows it; what it does with them is not guessed. Of a tree only the root counts.
Processes of others, and what trainwatch started, are left out.
"""

import os
import re
from typing import Dict, List, Optional, Set

from trainwatch import facts
from trainwatch.probe import identity, runs
from trainwatch.probe.cmdline import (
    command_of,
    folder_of,
    is_interactive_shell,
    is_trainwatch,
    started_of,
    title_of,
)
from trainwatch.probe.identity import Stat
from trainwatch.probe.masks import masked
from trainwatch.probe.process import mark_of

# What only those map who train, or could: the libraries of frameworks, the nodes of devices.
_MAPPED = re.compile(
    rb"/(?:torch/lib|jaxlib|tensorflow|paddle|mxnet|mindspore)/[^\n]*\.so"
    rb"|/dev/(?:nvidia\d|kfd|davinci\d|accel/accel\d)"
)
_HOLDS = re.compile(r"/dev/(?:nvidia\d+|kfd|davinci\d+|accel/accel\d+)$")
_BLOCK = 1 << 20


def every() -> List[facts.RunSeen]:
    """Them, the newest first. Their id is their process id, which no run's id looks like."""
    everyone = {one.pid: one for one in map(identity.stat, identity.pids()) if one is not None}
    known = {run.id for run in runs.every()}
    found = {pid for pid, one in everyone.items() if _trains(one, known)}
    trees = [everyone[pid] for pid in found if not _has_ancestor(everyone[pid], found, everyone)]
    return [_seen(one) for one in sorted(trees, key=lambda one: -one.start)]


def _trains(who: Stat, known: Set[str]) -> bool:
    if who.state in "ZX" or not _is_ours(who.pid) or not (_maps(who.pid) or _holds(who.pid)):
        return False
    command = command_of(who.pid)
    return not (
        is_trainwatch(command) or is_interactive_shell(command) or mark_of(who.pid) in known
    )


def _is_ours(pid: int) -> bool:
    """Whether it is a process of this user; for root that is everybody's."""
    try:
        return os.geteuid() in (0, os.stat("/proc/{}".format(pid)).st_uid)
    except OSError:
        return False


def _maps(pid: int) -> bool:
    """Whether a framework or a device is mapped into its memory."""
    try:
        with open("/proc/{}/maps".format(pid), "rb") as file:
            rest = b""
            for block in iter(lambda: file.read(_BLOCK), b""):
                if _MAPPED.search(rest + block):
                    return True
                rest = block[-256:]
    except OSError:
        pass
    return False


def _holds(pid: int) -> bool:
    """Whether it has a device open: not all that use one map it."""
    folder = "/proc/{}/fd".format(pid)
    try:
        return any(_HOLDS.match(os.readlink(os.path.join(folder, n))) for n in os.listdir(folder))
    except OSError:
        return False


def _has_ancestor(who: Stat, found: Set[int], everyone: Dict[int, Stat]) -> bool:
    parent: Optional[Stat] = everyone.get(who.parent)
    while parent is not None and parent.pid > 1:
        if parent.pid in found:
            return True
        parent = everyone.get(parent.parent)
    return False


def _seen(who: Stat) -> facts.RunSeen:
    command = masked(command_of(who.pid))
    return facts.RunSeen(
        id=str(who.pid),
        name=title_of(command),
        command=command,
        cwd=folder_of(who.pid),
        host=runs.hostname(),
        pid=who.pid,
        state="running",
        code=None,
        signal=None,
        cause="",
        started=started_of(who),
        ended=None,
        log="",
    )
