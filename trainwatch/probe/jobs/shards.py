"""``*.distcp`` read to its last byte: the parts that ``.metadata`` beside it addresses.

The law of this file: what ``torch.distributed.checkpoint`` writes for one item is a file of
``torch.save`` of its own; where it lies stands in the pickle ``.metadata``, whose opcodes are read and
never run. Every part is checked as an archive, what no part covers is only read. Source: torch 2.13
``distributed/checkpoint/filesystem.py``.
"""

import os
import pickletools
import zlib
from contextlib import suppress
from functools import lru_cache
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, cast

from trainwatch.facts import TensorChecked
from trainwatch.probe.jobs import archives, blocks
from trainwatch.probe.jobs.archives import DamagedError
from trainwatch.probe.jobs.progress import Progress

METADATA = ".metadata"
_LARGEST = 32 << 20
_EVERY = 4096
_PLACE = ("relative_path", "offset", "length")


class Part(NamedTuple):
    """Where one item lies."""

    begin: int
    size: int
    name: str


def check(
    file: IO[bytes], path: str, size: int, progress: Progress
) -> Tuple[int, List[TensorChecked], bool]:
    """(checksum, tensors, whether checksums cover every part). Raises DamagedError, OSError."""
    crc = at = 0
    covered = True
    tensors: List[TensorChecked] = []
    for part in sorted(set(_parts(path, progress))):
        if part.begin < at:
            raise DamagedError("its metadata lets parts overlap")
        if part.begin + part.size > size:
            raise DamagedError("it is cut: {} ends behind it".format(part.name or "a part"))
        crc = blocks.checksum(file, part.begin - at, crc, progress)
        at = part.begin + part.size
        file.seek(part.begin)
        if file.read(4) != archives.MAGIC:
            file.seek(part.begin)
            crc, covered = blocks.checksum(file, part.size, crc, progress), False
            continue
        own, found = _archive(file, part, progress)
        crc = zlib.crc32("{}".format(own).encode(), crc)
        tensors += [one._replace(name=part.name or one.name) for one in found]
        file.seek(at)
    file.seek(at)
    return blocks.checksum(file, size - at, crc, progress), tensors, covered and at == size


def _archive(file: IO[bytes], part: Part, progress: Progress) -> Tuple[int, List[TensorChecked]]:
    try:
        return archives.check(cast("IO[bytes]", _Slice(file, part)), part.size, progress)
    except DamagedError as error:
        raise DamagedError("{}: {}".format(part.name or "a part", error)) from None


class _Slice:
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], part: Part) -> None:
        self._file, self._begin, self._size, self._at = file, part.begin, part.size, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """The file belongs to somebody else."""

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, self._size)[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._begin + self._at)
        data = self._file.read(left if count < 0 else min(count, left))
        self._at += len(data)
        return data


def _parts(path: str, progress: Progress) -> List[Part]:
    """What ``.metadata`` says of this file; nothing where it cannot be had."""
    folder, name = os.path.split(path)
    place = os.path.join(folder, METADATA)
    try:
        status = os.lstat(place)
    except OSError:
        return []
    stamp = status.st_mtime_ns, status.st_size, status.st_ino
    return _by_file(place, stamp, progress.check).get(name, [])


@lru_cache(maxsize=1)  # one checkpoint has many files and one of these
def _by_file(
    place: str, _stamp: Tuple[int, int, int], check: Callable[[], None]
) -> Dict[str, List[Part]]:
    data = b""
    with suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(place, flags), "rb") as file:
            data = file.read(_LARGEST + 1)
    found: Dict[str, List[Part]] = {}
    if not data or len(data) > _LARGEST:
        return found
    try:
        for name, part in _places(data, check):
            found.setdefault(name, []).append(part)
    except (ValueError, IndexError):
        raise DamagedError(".metadata is cut or no pickle") from None
    return found


def _places(data: bytes, check: Callable[[], None]) -> Iterator[Tuple[str, Part]]:
    """(file, part) of every item, told by the names that stand before the values."""
    memo: Dict[int, Any] = {}
    last = None  # type: Any
    key, item = "", ""
    told: Dict[str, Any] = {}
    for number, (opcode, value, _) in enumerate(pickletools.genops(data)):
        if number % _EVERY == 0:
            check()
        last = _pushed(opcode.name, value, last, memo)
        if not isinstance(last, (str, int)) or opcode.name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            continue
        if last == _PLACE[0]:
            told = {}  # an item may have an "offset" of its own before
        elif key == "fqn" and isinstance(last, str):
            item = last
        elif key in _PLACE:
            told[key] = last
        key = str(last) if last in (*_PLACE, "fqn") and (told or last in (_PLACE[0], "fqn")) else ""
        if len(told) == len(_PLACE):
            part = _part(told, item)
            if part is not None:
                yield str(told["relative_path"]), part
            told = {}


def _pushed(name: str, value: Any, last: Any, memo: Dict[int, Any]) -> Any:
    """What stands on top now, as far as it is a text or a number."""
    if name in ("BINPUT", "LONG_BINPUT"):
        memo[value] = last
    elif name == "MEMOIZE":
        memo[len(memo)] = last
    elif name in ("BINGET", "LONG_BINGET"):
        return memo.get(value)
    elif name in ("PROTO", "FRAME") or not isinstance(value, (str, int)):
        return None
    else:
        return value
    return last


def _part(told: Dict[str, Any], item: str) -> Optional[Part]:
    begin, size = told["offset"], told["length"]
    if type(begin) is int and type(size) is int and 0 <= begin < 1 << 62 and 0 <= size < 1 << 62:
        return Part(begin, size, item[:400])
    return None
