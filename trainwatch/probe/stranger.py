"""A process that nobody started through trainwatch -> its output, its folders, its tree.

The law of this file: a process id names nobody for long. What is found carries ``PID@START``, which
names one process and no other, also to a probe that comes later. It looks and changes nothing.
"""

import os
import re
import time
from typing import Dict, List, Optional

from trainwatch import facts
from trainwatch.probe import descriptors, identity, ours, panes, roots, runs
from trainwatch.probe.cmdline import (
    command_of,
    folder_of,
    is_interactive_shell,
    is_trainwatch,
    name_of,
    started_of,
    title_of,
    user_of,
)
from trainwatch.probe.found import Found, Source, TargetError
from trainwatch.probe.identity import Stat
from trainwatch.probe.listing import Root
from trainwatch.probe.masks import masked
from trainwatch.probe.process import Subject, Tree
from trainwatch.probe.voice import Voice

_WORD = re.compile(r"(\d+)(?:@(\d+))?$")
_RELATIVES = 64  # processes of a tree that are looked at
_KTHREADD = 2  # the parent of everything that runs inside the kernel
_SEE = "see: trainwatch list"


def names_process(word: str) -> bool:
    """Whether the word is a process id: ``4211``, or ``4211@START`` for that one and no later one."""
    return bool(_WORD.match(word))


def find(word: str, watch: facts.Watch) -> Found:
    """What the process that ``word`` names leads to.

    Raises TargetError where there is none, or none that can be watched.
    """
    match = _WORD.match(word)
    assert match is not None
    pid, start = int(match.group(1)), match.group(2)
    who = identity.stat(pid)
    if start is not None and (who is None or who.start != int(start)):
        return _gone(pid, int(start), watch)
    if who is None:
        raise TargetError("there is no process {}; it may have ended".format(pid), _SEE)
    if who.state in "ZX":
        raise TargetError("the process {} has ended".format(pid), _SEE)
    return _of_process(who)


def in_pane(pane: panes.Pane) -> Found:
    """What a tmux pane leads to: what it shows, and the process in its foreground.

    Raises TargetError for a pane in which trainwatch itself runs.
    """
    source = Source("tmux:" + pane.id, "", pane=pane)
    who = identity.stat(panes.foreground(pane))
    if who is not None and is_trainwatch(command_of(who.pid)):
        text = "{} shows trainwatch itself".format(pane.words)
        raise TargetError(text, "name the pane in which the training runs")
    try:
        found = _of_process(who) if who is not None else None
    except TargetError:  # a shell that waits, or somebody else's
        found = None
    if found is None:
        found = Found(_fact(identity.Identity(pane.pid, 0, "", ""), []), "", [], [])
        found = found._replace(fact=found.fact._replace(pid=None, name=pane.place))
    note = "what {} shows is read".format(pane.words)
    fact = found.fact._replace(kind="pane", id=source.name, streams=[source.name], note=note)
    return found._replace(fact=fact, words=pane.words, streams=[source], missing="", fix="")


def _refuse(who: Stat, command: List[str]) -> None:
    """Raise TargetError for a process that is no training."""
    pid = who.pid
    if pid == os.getpid() or is_trainwatch(command):
        raise TargetError("the process {} is trainwatch itself".format(pid), _SEE)
    if who.parent == _KTHREADD and not command:
        raise TargetError("the process {} is a part of the kernel".format(pid), _SEE)
    if is_interactive_shell(command):
        raise TargetError(
            "the process {} is a shell ({}), no training".format(pid, name_of(pid)), _children(pid)
        )


def _children(pid: int) -> str:
    """What to attach to instead of a shell."""
    found = [one for one in map(identity.stat, identity.pids()) if one and one.parent == pid]
    for child in sorted(found, key=lambda one: -one.start):
        words = command_of(child.pid)
        if child.state not in "ZX" and words and not is_trainwatch(words):
            told = " ".join(masked(words))[:60]
            return "it runs: {}; trainwatch attach {}".format(told, child.pid)
    return "attach to the process that it runs; " + _SEE


def _gone(pid: int, start: int, watch: facts.Watch) -> Found:
    """A process that was watched and has ended meanwhile: its files may hold more than was read."""
    if not watch.resume:
        raise TargetError("the process {} has ended".format(pid), _SEE)
    names = [one.stream for one in watch.resume if os.path.isfile(one.stream)]
    who = identity.Identity(pid, start, identity.boot_id(), identity.namespace())
    fact = _fact(who, names)
    return Found(fact, "", [Source(name, name) for name in names], [], subject=Subject(who))


def _of_process(who: Stat) -> Found:
    pid, command = who.pid, command_of(who.pid)
    run = _supervised(who)
    if run is not None:
        return run
    _refuse(who, command)
    subject = Subject(identity.Identity(pid, who.start, identity.boot_id(), identity.namespace()))
    others = [one for one in Tree(subject).scan() if one.pid != pid]
    tree = [who, *others[:_RELATIVES]]
    try:
        voice = Voice(tree)
    except PermissionError:
        text = "the process {} belongs to {}: where its output goes cannot be seen from here"
        fix = "attach to its log or its output folder, or watch as that user"
        raise TargetError(text.format(pid, user_of(pid) or "somebody else"), fix) from None
    folders = _folders(tree, voice.files)
    fact = _fact(subject.root, [source.name for source in voice.sources])._replace(
        name=title_of(command) or str(pid),
        command=masked(command),
        cwd=folder_of(pid),
        user=user_of(pid),
        started=started_of(who),
        roots=[root.path for root in folders],
        guessed=[root.path for root in folders if root.sparse],
        note=voice.words,
    )
    words = "the process {}".format(pid)
    return Found(fact, words, voice.sources, folders, None, subject, voice.missing, voice.fix)


def _fact(who: identity.Identity, streams: List[str]) -> facts.Target:
    """What is known of a process by its identity alone."""
    return facts.Target(
        kind="process",
        id="{}@{}".format(who.pid, who.start),
        name=str(who.pid),
        command=[],
        cwd="",
        host=runs.hostname(),
        user="",
        pid=who.pid,
        started=None,
        streams=streams,
        roots=[],
        note="",
        at=time.time(),
    )


def _supervised(who: Stat) -> Optional[Found]:
    """The run that the process supervises, or whose output.log it writes."""
    for run in runs.every():
        if run.meta and (run.meta.supervisor, run.meta.supervisor_start) == (who.pid, who.start):
            return ours.of_run(run)
    try:
        out = descriptors.one(who.pid, 1)
    except PermissionError:
        return None
    folder = os.path.dirname(out.path) if out and out.kind == "file" else ""
    is_ours = os.path.dirname(folder) == runs.runs_folder() and os.path.isdir(folder)
    return ours.of_run(runs.load(folder)) if is_ours else None


def _folders(tree: List[Stat], files: List[str]) -> List[Root]:
    """Where the processes of a tree may write to, by their words and their open files."""
    found: Dict[str, Root] = {}
    said = set()
    since = started_of(tree[0]) or 0.0
    for one in tree:
        command, cwd = command_of(one.pid), folder_of(one.pid)
        key = (" ".join(command), cwd)
        if key in said or not cwd.strip("/"):  # where daemons are: everything lies below it
            continue
        said.add(key)
        for root in roots.of_command(command, cwd, since):
            if root.path not in found or found[root.path].sparse:
                found[root.path] = root
    for path in files:
        folder = os.path.dirname(path)
        inside = any(folder == known or folder.startswith(known + "/") for known in found)
        if not inside:
            found[folder] = Root(folder, since=max(since - roots.FILE_CLOCK, 0.0), sparse=True)
    sure = sorted(found.values(), key=lambda root: root.sparse)
    return roots.apart(sure[: roots.MAX_ROOTS])
