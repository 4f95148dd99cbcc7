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
from typing import List, Optional

from trainwatch import facts, wire
from trainwatch.probe import ours, panes, roots, runs, stranger, writer
from trainwatch.probe.birth import birth
from trainwatch.probe.found import Found, Source, TargetError
from trainwatch.probe.listing import Root, matcher
from trainwatch.probe.newest import newest
from trainwatch.probe.outlet import LOGS
from trainwatch.probe.panes import TmuxError

__all__ = ["Found", "Source", "TargetError", "resolve"]

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
_ONE = re.compile(r"\d|-(best|last)$")
"""In the name of a folder that is one checkpoint and holds not many."""
_TMUX = "tmux:"
_SLURM = "slurm:"
_PART = "slurm-part:"
_SCHEME = re.compile(r"(docker|k8s):")


def resolve(watch: facts.Watch) -> Found:
    """What the target of ``watch`` means here. Raises TargetError."""
    word = watch.target
    if word.startswith(_TMUX):
        return _with_roots(_pane(word[len(_TMUX) :]), watch)
    if word.startswith(_PART):
        return _part_of_a_job(word[len(_PART) :], watch)
    if word.startswith(_SLURM):
        return _with_roots(_job(word[len(_SLURM) :]), watch)
    run = None if _is_plainly_a_path(word) else ours.find(word)
    found = [one for one in (run, _path(word, watch)) if one is not None]
    if len({one.fact.id for one in found}) == 1:  # in the folder of the runs both are the same
        found = found[:1]
    if stranger.names_process(word):
        found = _with_process(word, watch, found)
    if len(found) > 1:
        both = " or ".join(one.words for one in found)
        raise TargetError("{} could be {}".format(word, both), "for the file say ./{}".format(word))
    if not found:
        raise _nothing(word)
    return _with_roots(found[0], watch)


def _job(word: str) -> Found:
    from trainwatch.probe import batch  # noqa: PLC0415 - most targets are no jobs

    return batch.find(word)


def _part_of_a_job(word: str, watch: facts.Watch) -> Found:
    from trainwatch.probe import batch  # noqa: PLC0415 - as above

    return batch.part(word, bool(watch.folders))


def _with_roots(found: Found, watch: facts.Watch) -> Found:
    """What was found, and the folders that were asked for beside it."""
    paths = (os.path.join(found.fact.cwd, os.path.expanduser(path)) for path in watch.roots)
    asked = [_root(path) for path in paths if "\0" not in path]
    whole = {root.path: root for root in asked if not root.only}
    merged = [root for root in found.roots if root.path not in whole] + list(whole.values())
    known = {root.path for root in merged if not root.only}
    single = [root for root in asked if root.only and root.path not in known]
    return found._replace(roots=roots.apart(merged + single))


def _root(path: str) -> Root:
    """A folder that was asked for, or the folder of a file that was, with nothing else in it."""
    path = os.path.abspath(path)
    if os.path.isfile(path):
        parent, name = os.path.split(path)
        return Root(parent, only=name)
    return Root(path)


def _pane(word: str) -> Found:
    try:
        found = panes.named(word)
    except TmuxError as error:
        raise TargetError(str(error), "attach to a log file or a process id") from None
    if len(found) > 1:
        several = ", ".join(pane.known_as for pane in found[:5])
        raise TargetError(
            "{} could be any of the panes {}".format(word, several), "name one by its %id"
        )
    if found:
        return stranger.in_pane(found[0])
    known = ["tmux:" + pane.known_as for pane in panes.every()[:5]]
    here = "; here are: {}".format(", ".join(known)) if known else "; no tmux server runs here"
    raise TargetError("there is no tmux pane {}{}".format(word, here), "see: tmux list-panes -a")


def _with_process(word: str, watch: facts.Watch, found: List[Found]) -> List[Found]:
    """A number is the process of a run, another process, or the name of a file."""
    own = [one.run for one in found if one.run is not None]
    if any(run.state == "running" for run in own):
        return found
    try:
        process = stranger.find(word, watch)
    except TargetError:
        if found:
            return found
        raise
    if own:
        text = (
            "{} was the process of the run {}, which has ended; another process has the number now"
        )
        fix = "for the run: trainwatch attach {}; for the process: trainwatch attach {}"
        raise TargetError(text.format(word, own[0].id), fix.format(own[0].id, process.fact.id))
    return [process, *found]


def _nothing(word: str) -> TargetError:
    if not word:
        fix = "start one: trainwatch run python train.py; what runs already: trainwatch list"
        return TargetError("there is no run here yet", fix)
    scheme = _SCHEME.match(word)
    if scheme:
        return TargetError("{}: is not supported yet".format(scheme.group(1)), "attach to its log")
    if "\0" not in word and os.path.lexists(os.path.expanduser(word)):
        return TargetError("{} is a link to nothing".format(word))
    what = "file or folder" if _is_plainly_a_path(word) else "run and no file"
    return TargetError("there is no {} called {}".format(what, word), "see: trainwatch list")


def _is_plainly_a_path(word: str) -> bool:
    return "/" in word or word.startswith((".", "~"))


# --- a path ---------------------------------------------------------------------------------------


def _path(word: str, watch: facts.Watch) -> Optional[Found]:
    if not word:
        return None
    try:
        path = os.path.abspath(os.path.expanduser(word))
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None  # also where our own folder is gone, or a NUL byte is in the word
    except OSError as error:
        if stranger.names_process(word):
            return None
        raise TargetError("{} cannot be looked at: {}".format(word, error.strerror)) from None
    if os.path.dirname(os.path.dirname(path)) == runs.runs_folder():
        return ours.of_run(runs.load(os.path.dirname(path)))
    if stat.S_ISDIR(status.st_mode):
        return _of_folder(path, watch)
    if not stat.S_ISREG(status.st_mode):
        text = "{} is a pipe or a device: reading it would take from whoever reads it now"
        raise TargetError(text.format(word), "attach to the file that its reader writes")
    return _of_file(path, watch)


def _of_folder(path: str, watch: facts.Watch) -> Found:
    if os.path.dirname(path) == runs.runs_folder():
        return ours.of_run(runs.load(path))
    try:
        log = _newest_log(path)
        if not (log or watch.deep or watch.live):  # what is watched live may still begin in it
            files = matcher([want.pattern for want in watch.wants])
            path = newest(path, matcher(watch.folders), files)
            log = _newest_log(path)
    except OSError as error:
        raise TargetError("{} cannot be read: {}".format(path, error.strerror)) from None
    parent, name = os.path.split(path)
    if matcher(watch.folders).match(name) and _ONE.search(name):
        return _found(
            "folder", path, "the checkpoint {}".format(name), [], [Root(parent, only=name)]
        )
    streams = [Source(os.path.basename(log), log)] if log else []
    return _found(
        "folder", path, "the folder ./{}".format(name), streams, [Root(path, deep=watch.deep)]
    )


def _newest_log(folder: str) -> str:
    """The log that was written last in ``folder``; "" when there is none. Raises OSError."""
    with os.scandir(folder) as names:
        logs = [e for e in names if LOGS.match(e.name) and e.is_file() and e.stat().st_size]
    logs = [e for e in logs if not e.name.startswith("debug")]  # a tracker's own, as wandb's
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
    if watch.deep and matcher(watch.folders).match(os.path.basename(parent)):
        above, folder = os.path.split(parent)
        if _ONE.search(folder):  # part of a checkpoint: that is what is meant
            words = "the checkpoint {}".format(folder)
            return _found("folder", parent, words, [], [Root(above, only=folder)])
    if name.endswith(_WEIGHTS) or any(_wants(want, name) for want in watch.wants):
        return _found("file", path, words, [], [Root(parent, only=name)])
    beside = Root(parent, since=birth(path) or 0.0, sparse=True)
    return _found("log", path, words, [Source(name, path)], [beside])


def _wants(want: facts.Want, name: str) -> bool:
    """Whether the file of this very name is asked for; "*.json" says nothing about a single one."""
    pattern = want.pattern.rpartition("/")[2]
    return not pattern.startswith("*") and fnmatch.fnmatch(name, pattern)


def _found(kind: str, path: str, words: str, streams: List[Source], folders: List[Root]) -> Found:
    fact = facts.Target(
        kind=kind,
        id="",
        name=os.path.basename(path) or path,
        command=[],
        cwd=os.path.dirname(path),
        host=os.uname().nodename,
        user=_owner(path),
        pid=None,
        started=None,
        streams=[source.name for source in streams],
        roots=[root.path for root in folders],
        guessed=[root.path for root in folders if root.sparse],
        note="",
        at=time.time(),
    )
    return writer.introduced(Found(fact, words, streams, folders))


def _owner(path: str) -> str:
    try:
        return pwd.getpwuid(os.stat(path).st_uid).pw_name
    except (OSError, KeyError):
        return ""
