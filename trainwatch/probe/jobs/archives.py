"""Zip archives read to their last byte: ``torch.save``, Keras, numpy, Stable-Baselines3.

The law of this file: the checksum of every entry is compared; what an entry claims to expand to is
checked against what it takes before a byte is expanded; nothing is written and nothing is unpickled.
"""

import zipfile
import zlib
from typing import IO, Dict, List, Tuple

from trainwatch.facts import TensorChecked
from trainwatch.probe.jobs import floats
from trainwatch.probe.jobs.progress import Progress
from trainwatch.probe.jobs.storages import Storage, storages

BLOCK = 1 << 20
MAGIC = b"PK\x03\x04"
_LARGEST_READ = 32 << 20  # of the directory; the archive decides how long that claims to be
_LARGEST_PICKLE = 16 << 20
_MOST_RATIO = 1100  # deflate cannot do more


class DamagedError(Exception):
    """The file cannot be whole; the message says why."""


class _Bounded:
    """A file that cannot be read in pieces of any size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def seekable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        if count > _LARGEST_READ:
            raise DamagedError("its directory claims to be {} bytes long".format(count))
        return self._file.read(count)


def check(file: IO[bytes], size: int, progress: Progress) -> Tuple[int, List[TensorChecked]]:
    """(checksum of the content, tensors). Raises DamagedError, OSError, CancelledError."""
    try:
        archive = zipfile.ZipFile(_Bounded(file))
        entries = archive.infolist()
        if sum(entry.compress_size for entry in entries) > size:
            raise DamagedError("its entries overlap")
        known = _storages(archive, entries, progress)
        crc, tensors = 0, []
        for entry in entries:
            name = entry.filename.partition("/")[2] or entry.filename
            nans, infinities = _entry(archive, entry, known.get(name), progress)
            crc = zlib.crc32("{} {}".format(name, entry.CRC).encode("utf-8", "replace"), crc)
            if name in known:
                tensors.append(_tensor(name, entry, known[name], (nans, infinities)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise DamagedError("its archive is damaged: {}".format(error)) from None
    return crc, tensors


def _storages(
    archive: zipfile.ZipFile, entries: List[zipfile.ZipInfo], progress: Progress
) -> Dict[str, Storage]:
    """Entry name -> what it holds; empty for what ``torch.save`` did not write."""
    pickles = [one for one in entries if one.filename.endswith("/data.pkl")]
    if not pickles or pickles[0].file_size > _LARGEST_PICKLE or pickles[0].compress_type:
        return {}
    try:
        found = storages(archive.read(pickles[0]), progress.check)
    except ValueError:
        raise DamagedError("its pickle is cut or no pickle") from None
    here = {one.filename.partition("/")[2] for one in entries}
    missing = [key for key in found if "data/" + key not in here]
    if missing:
        raise DamagedError("{} of its tensors are missing".format(len(missing)))
    return {"data/" + key: storage for key, storage in found.items()}


def _entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, storage: "Storage | None", progress: Progress
) -> Tuple[int, int]:
    """NaN and infinities of one entry; reading it compares its checksum."""
    if entry.file_size > _MOST_RATIO * entry.compress_size + BLOCK:
        raise DamagedError(
            "{} claims to expand to {} bytes".format(entry.filename, entry.file_size)
        )
    dtype = storage.dtype if storage is not None else ""
    if storage is not None and storage.size >= 0 and storage.size != entry.file_size:
        raise DamagedError("{} has not the size its pickle tells".format(entry.filename))
    nans = infinities = done = 0
    with archive.open(entry) as data:
        while True:
            block = data.read(BLOCK)
            if not block:
                break
            done += len(block)
            share = entry.compress_size * len(block) // max(entry.file_size, 1)
            progress.add(share)
            if len(block) % floats.width(dtype) == 0:
                found = floats.broken(dtype, block)
                nans, infinities = nans + found[0], infinities + found[1]
    if done != entry.file_size:
        raise DamagedError("{} is cut".format(entry.filename))
    return nans, infinities


def _tensor(
    name: str, entry: zipfile.ZipInfo, storage: Storage, odd: Tuple[int, int]
) -> TensorChecked:
    told = "{} ({})".format(storage.name, name) if storage.name else name
    return TensorChecked(told, storage.dtype, [storage.elements], entry.file_size, entry.CRC, *odd)
