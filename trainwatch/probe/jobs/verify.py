"""A checkpoint read to its last byte.

The law of this file: what can be checked of a kind of file is checked; of every other kind every
byte is read, which finds what the disk lost. A file that changes while it is read proves nothing,
and that is said.
"""

import errno
import json
import os
import time
import zlib
from contextlib import suppress
from typing import IO, List, Tuple

from trainwatch import facts
from trainwatch.probe.jobs import archives, gguf, hdf5, safetensors, shards, tree
from trainwatch.probe.jobs.archives import BLOCK, DamagedError
from trainwatch.probe.jobs.progress import Progress

TENSORS = 1000  # told at a time
_LARGEST_JSON = 4 << 20
_COLD = 256 << 20  # larger files are not left in memory: the training may need that

_Content = Tuple[int, List[facts.TensorChecked], str]


def verify(job: facts.Job, progress: Progress) -> facts.JobEnded:
    """Read every file. Raises OSError when the checkpoint itself is gone."""
    found = tree.items(job.path)
    files = tree.files(found)
    if job.names:
        files = [one for one in files if one.path in job.names]
    progress.begin(sum(one.size for one in files))
    faults = 0
    for one in files:
        progress.about(one.path or os.path.basename(job.path))
        told = _file(job, one, progress)
        faults += bool(told[0].fault)
        for fact in told:
            progress.send(fact)
    missing = set(job.names) - {one.path for one in files}
    if missing or (not job.names and len(tree.items(job.path)) != len(found)):
        return facts.JobEnded(job.id, False, "files came or went while it was read", "", 0, 0.0)
    text = "{} of {} files are damaged".format(faults, len(files))
    if not faults:
        text = "{} files read to the last byte".format(len(files))
    return facts.JobEnded(job.id, not faults, text, "", 0, 0.0)


def _file(job: facts.Job, one: tree.Item, progress: Progress) -> List[facts.FileChecked]:
    path = os.path.join(job.path, one.path) if one.path else job.path
    fault, content = "", (0, [], "")  # type: Tuple[str, _Content]
    try:
        content = _content(path, one, progress)
    except DamagedError as error:
        fault = str(error)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESTALE):
            os.lstat(job.path)  # when the checkpoint is gone that is the news
            fault = "it was deleted while the checkpoint was read"
        else:
            fault = "it cannot be read: {}".format(error.strerror)
    crc, tensors, proven = content
    about = job.id, one.path, one.size, crc, fault
    told = [facts.FileChecked(*about, tensors[:TENSORS], time.time(), proven)]
    for start in range(TENSORS, len(tensors), TENSORS):
        told.append(told[0]._replace(tensors=tensors[start : start + TENSORS]))
    return told


def _content(path: str, one: tree.Item, progress: Progress) -> _Content:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags), "rb") as file:
        try:
            return _checked(file, path, one, progress)
        finally:
            if one.size > _COLD:
                with suppress(AttributeError, OSError):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _checked(file: IO[bytes], path: str, one: tree.Item, progress: Progress) -> _Content:
    size = os.fstat(file.fileno()).st_size
    content = _by_kind(file, path, size, progress)
    after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (one.size, one.mtime):
        raise DamagedError("it changed while it was read")
    return content


def _by_kind(file: IO[bytes], path: str, size: int, progress: Progress) -> _Content:
    """What the kind of file allows: checksums, a header that must fit, or only reading."""
    head = file.read(len(hdf5.MAGIC))
    file.seek(0)
    if path.endswith(".safetensors"):
        return (*safetensors.check(file, size, progress), "form")
    if path.endswith(".distcp"):
        crc, tensors, covered = shards.check(file, path, size, progress)
        return crc, tensors, "checksums" if covered else ""
    if head.startswith(archives.MAGIC):
        return (*archives.check(file, size, progress), "checksums")
    if path.endswith(".gguf"):
        return (*gguf.check(file, size, progress), "form")
    if path.endswith((".h5", ".hdf5")) or head == hdf5.MAGIC:
        return hdf5.check(file, size, progress), [], "form"
    is_json = path.endswith(".json")
    return _plain(file, is_json, progress), [], "form" if is_json else ""


def _plain(file: IO[bytes], is_json: bool, progress: Progress) -> int:
    crc, kept, size = 0, b"", 0
    while True:
        block = file.read(BLOCK)
        if not block:
            break
        crc = zlib.crc32(block, crc)
        size += len(block)
        if is_json and size <= _LARGEST_JSON:
            kept += block
        progress.add(len(block))
    if is_json and size <= _LARGEST_JSON:
        try:
            json.loads(kept.decode("utf-8"))
        except (ValueError, RecursionError):
            raise DamagedError("it is cut or no JSON") from None
    return crc
