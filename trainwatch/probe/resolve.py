"""The words of the user -> what they mean on this machine.

The law of this file: it looks, it never changes anything. Each reading of a word is one function
that finds something or nothing; a word that could be two things is refused with both named.
"""

import fnmatch
import os
import pwd
import re
import stat
import time
from typing import List, NamedTuple, Optional, Tuple

from trainwatch import facts, wire
from trainwatch.probe import roots, runs
from trainwatch.probe.birth import birth
from trainwatch.probe.listing import Root, matcher

_LOGS = matcher(["*.log", "log", "log.txt", "*.out", "nohup.out", "stdout*", "train*.txt"])
_WEIGHTS = (
    ".safetensors",
    ".pt",
    ".pth",
    ".ckpt",
    ".bin",
    ".gguf",
    ".keras",
    ".h5",
    ".npz",
    ".tar",
)
_SCHEME = re.compile(r"(tmux|slurm|docker|k8s):")


class TargetError(Exception):
    """The target cannot be watched: one sentence why, and what the user can do about it."""

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class Found(NamedTuple):
    """What there is to follow."""

    fact: facts.Target
    words: str  # what it is, for a person
    streams: List[Tuple[str, str]]  # name, path
    roots: List[Root]
    run: Optional[runs.Run] = None


def resolve(watch: facts.Watch) -> Found:
    """What the target of ``watch`` means here. Raises TargetError."""
    word = watch.target
    found = [one for one in (_run(word), _path(word, watch)) if one is not None]
    if len(found) > 1:
        both = " or ".join(one.words for one in found)
        raise TargetError("{} could be {}".format(word, both), "for the file say ./{}".format(word))
    if not found:
        raise _nothing(word)
    extra = [Root(os.path.abspath(path)) for path in watch.roots if "\0" not in path]
    known = {root.path for root in extra}
    merged = [root for root in found[0].roots if root.path not in known] + extra
    return found[0]._replace(roots=roots.apart(merged))


def _nothing(word: str) -> TargetError:
    if not word:
        return TargetError("there is no run here yet", "start one: trainwatch run python train.py")
    scheme = _SCHEME.match(word)
    if scheme:
        return TargetError("{}: is not supported yet".format(scheme.group(1)), "attach to its log")
    if word.isdigit():
        return TargetError("there is no run called {}".format(word), "attach to its log or folder")
    if "\0" not in word and os.path.lexists(os.path.expanduser(word)):
        return TargetError("{} is a link to nothing".format(word))
    what = "file or folder" if _is_plainly_a_path(word) else "run and no file"
    return TargetError("there is no {} called {}".format(what, word), "see: trainwatch list")


def _is_plainly_a_path(word: str) -> bool:
    return "/" in word or word.startswith((".", "~"))


# --- a run that was started by trainwatch ---------------------------------------------------------


def _run(word: str) -> Optional[Found]:
    if _is_plainly_a_path(word):
        return None
    known = runs.find(word)
    if len(known) > 1:
        names = ", ".join("{} ({})".format(run.id, run.name or "no name") for run in known[:5])
        raise TargetError(
            "{} could be any of the runs {}".format(word, names), "give more of the id"
        )
    return _of_run(known[0]) if known else None


def _of_run(run: runs.Run) -> Found:
    meta = run.meta
    folders = roots.of_command(meta.command, meta.cwd, meta.started) if meta else []
    fact = facts.Target(
        kind="run",
        id=run.id,
        name=run.name,
        command=meta.command if meta else [],
        cwd=meta.cwd if meta else "",
        host=meta.host if meta else os.uname().nodename,
        user=meta.user if meta else "",
        pid=meta.pid if meta else None,
        started=run.started or None,
        streams=[runs.LOG],
        roots=[root.path for root in folders],
        note=run.damage,
        at=time.time(),
    )
    return Found(fact, "the run {}".format(run.id), [(runs.LOG, run.log)], folders, run)


# --- a path ---------------------------------------------------------------------------------------


def _path(word: str, watch: facts.Watch) -> Optional[Found]:
    if not word:
        return None
    path = os.path.abspath(os.path.expanduser(word))
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL byte is in no path
        return None
    except OSError as error:
        raise TargetError("{} cannot be looked at: {}".format(word, error.strerror)) from None
    if os.path.dirname(os.path.dirname(path)) == runs.runs_folder():
        return _of_run(runs.load(os.path.dirname(path)))
    if stat.S_ISDIR(status.st_mode):
        return _of_folder(path, watch)
    if not stat.S_ISREG(status.st_mode):
        text = "{} is a pipe or a device: reading it would take from whoever reads it now"
        raise TargetError(text.format(word), "attach to the file that its reader writes")
    return _of_file(path, watch)


def _of_folder(path: str, watch: facts.Watch) -> Found:
    if os.path.dirname(path) == runs.runs_folder():
        return _of_run(runs.load(path))
    try:
        log = _newest_log(path)
    except OSError as error:
        raise TargetError("{} cannot be read: {}".format(path, error.strerror)) from None
    parent, name = os.path.split(path)
    if matcher(watch.folders).match(name) and re.search(r"\d", name):
        return _found(
            "folder", path, "the checkpoint {}".format(name), [], [Root(parent, only=name)]
        )
    streams = [(os.path.basename(log), log)] if log else []
    return _found("folder", path, "the folder ./{}".format(name), streams, [Root(path)])


def _newest_log(folder: str) -> str:
    """The log that was written last in ``folder``; "" when there is none. Raises OSError."""
    with os.scandir(folder) as names:
        logs = [e for e in names if _LOGS.match(e.name) and e.is_file() and e.stat().st_size]
    return max(logs, key=lambda entry: entry.stat().st_mtime).path if logs else ""


def _of_file(path: str, watch: facts.Watch) -> Found:
    parent, name = os.path.split(path)
    try:
        with open(path, "rb") as file:
            head = file.read(len(wire.MAGIC))
    except OSError as error:
        raise TargetError("{} cannot be read: {}".format(path, error.strerror)) from None
    if head == wire.MAGIC:
        raise TargetError("{} is a recorded journal".format(path), "trainwatch replay " + path)
    words = "the file ./{}".format(name)
    if name.endswith(_WEIGHTS) or any(_wants(want, name) for want in watch.wants):
        return _found("file", path, words, [], [Root(parent, only=name)])
    beside = Root(parent, since=birth(path) or 0.0, sparse=True)
    return _found("log", path, words, [(name, path)], [beside])


def _wants(want: facts.Want, name: str) -> bool:
    """Whether the file of this very name is asked for; "*.json" says nothing about a single one."""
    pattern = want.pattern.rpartition("/")[2]
    return not pattern.startswith("*") and fnmatch.fnmatch(name, pattern)


def _found(
    kind: str, path: str, words: str, streams: List[Tuple[str, str]], folders: List[Root]
) -> Found:
    fact = facts.Target(
        kind=kind,
        id="",
        name=os.path.basename(path),
        command=[],
        cwd=os.path.dirname(path),
        host=os.uname().nodename,
        user=_owner(path),
        pid=None,
        started=None,
        streams=[name for name, _ in streams],
        roots=[root.path for root in folders],
        note="",
        at=time.time(),
    )
    return Found(fact, words, streams, folders)


def _owner(path: str) -> str:
    try:
        return pwd.getpwuid(os.stat(path).st_uid).pw_name
    except (OSError, KeyError):
        return ""
