"""A checkpoint put where the training's own clean-up does not look: ``kept/<name>`` beside it.

The law of this file: no byte and no modification time of the live checkpoint changes. A folder is
cloned where the file system can, else hard-linked: trainings write each such folder once. A single
file is written again in place by many trainings, so it is cloned or copied, never linked. What
stands under its final name is whole.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from typing import List, Set

from trainwatch import facts
from trainwatch.probe.jobs import tree
from trainwatch.probe.jobs.archives import BLOCK
from trainwatch.probe.jobs.progress import Progress, RefusedError

FOLDER = "kept"
_CLONE = 0x40049409  # FICLONE of linux/fs.h


def keep(job: facts.Job, progress: Progress) -> facts.JobEnded:
    """Make the copy. Raises RefusedError, OSError, CancelledError."""
    path = job.path.rstrip("/")
    above, name = os.path.split(path)
    if os.path.basename(above) == FOLDER:
        raise RefusedError("{} is kept already".format(name))
    final = os.path.join(above, FOLDER, name)
    if os.path.lexists(final):
        raise RefusedError("{} exists already".format(final))
    before = tree.items(path)
    progress.begin(sum(one.size for one in tree.files(before)))
    partial = os.path.join(above, FOLDER, ".partial-" + name)
    try:
        os.makedirs(os.path.dirname(partial), exist_ok=True)
        _forget(partial)
        maker = _Maker(path, partial, progress, link=_is_written_once(job, before))
        maker.make(before)
        if tree.items(path) != _relinked(before, tree.items(path)):
            raise RefusedError("{} changed meanwhile: it is still being written".format(name))
        os.rename(partial, final)
    except OSError as error:
        raise _told(error, above) from error
    finally:
        _forget(partial)
        with suppress(OSError):
            os.rmdir(os.path.join(above, FOLDER))  # only when nothing is in it
    return facts.JobEnded(job.id, True, "kept as {}, {}".format(final, maker.how), final, 0, 0.0)


def _is_written_once(job: facts.Job, found: List[tree.Item]) -> bool:
    """A folder named after its step; others are written again in place."""
    named = any(character.isdigit() for character in os.path.basename(job.path))
    return job.action == "keep" and found[0].kind == "folder" and named


def _relinked(before: List[tree.Item], after: List[tree.Item]) -> List[tree.Item]:
    """What must be there still: links are counted otherwise by now, and nothing else."""
    links = {one.path: one.links for one in after}
    return [one._replace(links=links.get(one.path, one.links)) for one in before]


def _told(error: OSError, above: str) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RefusedError("the disk is full: nothing was kept, and nothing was left behind")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RefusedError("{} cannot be written: {}".format(above, error.strerror))
    return error


class _Maker:
    def __init__(self, path: str, copy: str, progress: Progress, *, link: bool) -> None:
        self._path, self._copy = path, copy
        self._progress = progress
        self._link = link
        self._ways: Set[str] = set()

    @property
    def how(self) -> str:
        """In words."""
        if self._ways <= {"cloned"}:
            return "sharing its bytes until one of the two changes"
        if "copied" in self._ways:
            return "as a copy"
        return "sharing its bytes (hard links)"

    def make(self, found: List[tree.Item]) -> None:
        """Everything, the times of folders last."""
        self._check_room(found)
        for one in found:
            self._one(one)
        for one in reversed(found):
            if one.kind == "folder":
                os.utime(self._to(one), ns=(one.mtime, one.mtime))

    def _to(self, one: tree.Item) -> str:
        return os.path.join(self._copy, one.path) if one.path else self._copy

    def _check_room(self, found: List[tree.Item]) -> None:
        """Refuse before the disk is full, where bytes have to be copied."""
        probe = next((one for one in tree.files(found) if one.size), None)
        if self._link or probe is None:
            return
        needed = sum(one.stored for one in tree.files(found))
        room = os.statvfs(os.path.dirname(self._copy))
        free = room.f_bavail * room.f_frsize
        if needed > free:
            text = "a copy takes {:,} bytes and {:,} are free: nothing was kept"
            raise RefusedError(text.format(needed, free))

    def _one(self, one: tree.Item) -> None:
        source = os.path.join(self._path, one.path) if one.path else self._path
        target = self._to(one)
        if one.kind == "folder":
            os.mkdir(target)
        elif one.kind == "link":
            os.symlink(os.readlink(source), target)
        elif one.kind == "file":
            self._progress.about(one.path)
            self._file(source, target, one)

    def _file(self, source: str, target: str, one: tree.Item) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(source, flags), "rb") as data:
            mode = stat.S_IMODE(os.fstat(data.fileno()).st_mode)
            with open(target, "xb") as copy:
                if _clone(data.fileno(), copy.fileno()):
                    self._ways.add("cloned")
                    self._progress.add(one.size)
                elif self._link:
                    os.unlink(target)
                else:
                    self._ways.add("copied")
                    self._copied(data.fileno(), copy.fileno())
        if not os.path.exists(target):
            os.link(source, target, follow_symlinks=False)
            self._ways.add("linked")
            self._progress.add(one.size)
            return
        os.chmod(target, mode)
        os.utime(target, ns=(one.mtime, one.mtime))

    def _copied(self, source: int, target: int) -> None:
        while True:
            block = os.read(source, BLOCK)
            if not block:
                os.fsync(target)
                return
            while block:
                block = block[os.write(target, block) :]
            self._progress.add(BLOCK)


def _clone(source: int, target: int) -> bool:
    """Let both share their bytes until one is written to; False where that cannot be had."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.ioctl(target, _CLONE, source)
    except (ImportError, OSError):
        return False
    return True


def _forget(partial: str) -> None:
    """Remove what an interrupted attempt left."""
    if os.path.isdir(partial) and not os.path.islink(partial):
        shutil.rmtree(partial, ignore_errors=True)
    elif os.path.lexists(partial):
        os.unlink(partial)
