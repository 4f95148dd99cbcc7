"""Deleting, with half a minute to think better of it.

The law of this file: what is deleted first moves as a whole into ``.trainwatch-trash`` beside it, on
the same file system, where neither a training nor its clean-up looks, and is removed after UNDO
seconds or when the client leaves. When we die in between, the next probe removes it: the name of
each thing in the trash tells since when it is there, and our state folder which folders have one.
"""

import errno
import os
import shutil
import time
import zlib
from contextlib import suppress
from typing import Dict, List, Optional, Tuple

from trainwatch import facts
from trainwatch.probe import runs
from trainwatch.probe.jobs import guards, keep, tree
from trainwatch.probe.jobs.progress import Progress, RefusedError

UNDO = 30.0  # seconds
FOLDER = ".trainwatch-trash"


class Trash:
    """What this client threw away."""

    def __init__(self) -> None:
        self._due: Dict[str, float] = {}  # place in the trash -> when it is removed
        self._origin: Dict[str, Tuple[str, List[str]]] = {}

    def patience(self) -> Optional[float]:
        """Seconds until something is due; None when nothing is."""
        return max(min(self._due.values()) - time.time(), 0.0) if self._due else None

    def empty(self, now: Optional[float] = None) -> None:
        """Remove what is due; everything when the client leaves."""
        for place, due in list(self._due.items()):
            if now is None or due <= now:
                del self._due[place]
                _remove(place)

    def discard(self, job: facts.Job, progress: Progress) -> facts.JobEnded:
        """Move the checkpoint, or some files of it, into the trash. Raises RefusedError, OSError."""
        path = job.path.rstrip("/")
        found = tree.items(path)
        guards.check(path)
        names = _names(job, found)
        progress.check()
        going = found if not job.names else [one for one in found if one.path in names]
        freed = tree.freed(going)
        place = _place(path)
        _remember(os.path.dirname(path))
        if names:
            _move_some(path, place, names, found)
        else:
            _move(path, place)
        self._due[place] = time.time() + UNDO
        self._origin[place] = path, names
        name = os.path.basename(path)
        what = "{} files of {} are in the trash" if names else "{1} is in the trash"
        return facts.JobEnded(job.id, True, what.format(len(names), name), place, freed, 0.0)

    def restore(self, job: facts.Job) -> facts.JobEnded:
        """Put it back. Raises RefusedError, OSError."""
        if job.path not in self._due:
            raise RefusedError("it is gone for good")
        path, names = self._origin[job.path]
        if not names and os.path.lexists(path):
            name = os.path.basename(path)
            raise RefusedError("there is a new {} now: the old one is not put over it".format(name))
        if names:
            _move_back(job.path, path, names)
        else:
            os.rename(job.path, path)
        del self._due[job.path]
        _tidy(os.path.dirname(job.path))
        text = "{} is back".format(os.path.basename(path))
        return facts.JobEnded(job.id, True, text, path, 0, 0.0)

    def remove(self, job: facts.Job, progress: Progress) -> facts.JobEnded:
        """The same as discard without a way back. Raises RefusedError, OSError."""
        done = self.discard(job, progress)
        self._due.pop(done.path)
        left = _remove(done.path)
        name = os.path.basename(job.path.rstrip("/"))
        if left:
            raise RefusedError("{} could not be removed whole: {}".format(name, left))
        what = "{} files of {} are deleted" if job.names else "{1} is deleted"
        return done._replace(text=what.format(len(job.names), name), path="")


def _names(job: facts.Job, found: List[tree.Item]) -> List[str]:
    """The files that are meant. Raises RefusedError when one of them is not there."""
    files = {one.path for one in tree.files(found)}
    missing = [name for name in job.names if name not in files or not name]
    if missing:
        raise RefusedError("{} is not there any more".format(missing[0]))
    return list(job.names)


def _place(path: str) -> str:
    """A new place in the trash beside ``path``. Raises RefusedError, OSError."""
    above, name = os.path.split(path)
    folder = os.path.join(above, FOLDER)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if os.path.islink(folder) or not os.path.isdir(folder):
            raise RefusedError("{} is no folder of ours".format(folder)) from None
    except OSError as error:
        raise RefusedError("{} cannot be changed: {}".format(above, error.strerror)) from error
    return os.path.join(folder, "{:.0f}-{}".format(time.time() * 1000, name))


def _move(path: str, place: str) -> None:
    try:
        os.rename(path, place)
    except OSError as error:
        _tidy(os.path.dirname(place))
        if error.errno == errno.EXDEV:
            raise RefusedError("{} lies on a disk of its own".format(path)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            above = os.path.dirname(path)
            raise RefusedError("{} cannot be changed: {}".format(above, error.strerror)) from error
        raise


def _move_some(path: str, place: str, names: List[str], found: List[tree.Item]) -> None:
    """Files out of a folder; rotation goes by the folder's time, so that stays what it was."""
    moved: List[str] = []
    try:
        for name in names:
            os.makedirs(os.path.dirname(os.path.join(place, name)), 0o700, exist_ok=True)
            os.rename(os.path.join(path, name), os.path.join(place, name))
            moved.append(name)
    except OSError as error:
        _move_back(place, path, moved)
        raise RefusedError("{} cannot be changed: {}".format(path, error.strerror)) from error
    finally:
        _set_times(path, found)


def _move_back(place: str, path: str, names: List[str]) -> None:
    found = tree.items(path)
    for name in names:
        os.rename(os.path.join(place, name), os.path.join(path, name))
    _set_times(path, found)
    shutil.rmtree(place, ignore_errors=True)


def _set_times(path: str, found: List[tree.Item]) -> None:
    for one in reversed(found):
        if one.kind == "folder":
            with suppress(OSError):
                os.utime(os.path.join(path, one.path), ns=(one.mtime, one.mtime))


def _remove(place: str) -> str:
    """Remove a thing in the trash; why not, where something of it is left."""
    assert os.path.basename(os.path.dirname(place)) == FOLDER
    try:
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        else:
            os.unlink(place)
    except FileNotFoundError:
        pass
    except OSError as error:
        return error.strerror or str(error)
    folder = os.path.dirname(place)
    _tidy(folder)
    if os.path.basename(os.path.dirname(folder)) == keep.FOLDER:
        _tidy(os.path.dirname(folder))
    return ""


def _tidy(folder: str) -> None:
    with suppress(OSError):
        os.rmdir(folder)  # only when nothing is in it


# --- what an earlier probe left -------------------------------------------------------------


def _remember(above: str) -> None:
    """Note that this folder has a trash. On a full disk it is deleted without the note."""
    folder = _notes()
    with suppress(OSError):
        os.makedirs(folder, 0o700, exist_ok=True)
        data = above.encode("utf-8", "surrogateescape")
        runs.write_private(os.path.join(folder, "{:08x}".format(zlib.crc32(data))), data)


def remembered() -> List[str]:
    """The notes about folders that may have a trash."""
    try:
        return [os.path.join(_notes(), name) for name in os.listdir(_notes())]
    except OSError:
        return []


def sweep_remembered() -> None:
    """Remove what earlier probes left in any trash for longer than it can be undone."""
    for note in remembered():
        with suppress(OSError):
            with open(note, "rb") as file:
                above = file.read(1 << 16).decode("utf-8", "surrogateescape")
            if _sweep(os.path.join(above, FOLDER)):
                os.unlink(note)


def _sweep(folder: str) -> bool:
    """Whether nothing is left in this trash."""
    try:
        names = os.listdir(folder) if not os.path.islink(folder) else []
    except FileNotFoundError:
        return True
    for name in names:
        stamp = name.partition("-")[0]
        if stamp.isdigit() and time.time() - int(stamp) / 1000 > 2 * UNDO:
            _remove(os.path.join(folder, name))
    return not os.path.isdir(folder) or not os.listdir(folder)


def _notes() -> str:
    return os.path.join(runs.state_folder(), "trash")
