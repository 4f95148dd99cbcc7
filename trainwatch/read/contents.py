"""What is inside one checkpoint: its tensors, and the arguments it was trained with.

The law of this file: only headers and small files are asked for, when a person wants to see them;
what does not come or makes no sense is told beside what does. Nothing is unpickled.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.facts import Read
from trainwatch.read import pickles
from trainwatch.read.clean import clean
from trainwatch.read.headers import DamagedError, WaitingError, safetensors, torch_zip
from trainwatch.read.integrity import json_object
from trainwatch.read.pickles import Global, Made, Persistent
from trainwatch.read.records import ContentsSeen, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainwatch.facts import FileBytes
    from trainwatch.read.headers import Source
    from trainwatch.read.records import CheckpointSeen

_FIRST = 64 << 10
_MOST = 20_000
"""Tensors; what has more is cut, and says so."""
_ARCHIVES = (".pt", ".pth", ".bin", ".ckpt", ".tar")
_ARGUMENTS = ("adapter_config.json", "args.json", "hyperparameters.json")
_LARGEST = 1 << 20
_DEEPEST = 6
_LONGEST = 300


class _Found(NamedTuple):
    """What one file holds."""

    tensors: tuple[Tensor, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()


class _Part:
    """One file of which some bytes are here."""

    def __init__(self, path: str, name: str, size: int) -> None:
        self.path, self.name, self.size = path, name, size
        self.wanted: list[Read] = []
        self.found: _Found | None = None
        self.fault = ""
        self._parts: dict[int, bytes] = {}

    def read(self, offset: int, length: int) -> bytes:
        """These bytes. Raises WaitingError, and asks for them."""
        length = max(0, min(length, self.size - offset))
        for start, data in self._parts.items():
            if start <= offset and offset + length <= start + len(data):
                return data[offset - start : offset - start + length]
        self.wanted.append(Read(self.path, offset, max(length, min(_FIRST, self.size - offset))))
        raise WaitingError(self.path)

    def put(self, fact: FileBytes) -> None:
        """Bytes have come, or none because they cannot be had."""
        if self.found is not None:
            return
        if not fact.data and self.size:
            self.fault = "it cannot be read"
        elif fact.size != self.size:
            self.fault = "it is being written"
        self._parts[fact.offset] = fact.data
        self.understand()

    def understand(self) -> None:
        """Make what can be made of what is here."""
        if self.fault or self.found is not None:
            return
        self.wanted.clear()
        try:
            self.found = _reader(self.name)(self, self.name)
            self._parts.clear()
        except WaitingError:
            return
        except DamagedError as error:
            self.fault = str(error)


class Contents:
    """One checkpoint being looked into."""

    def __init__(self, seen: CheckpointSeen) -> None:
        self.path = seen.path
        self._parts = {part.path: part for part in _parts(seen)}
        for part in self._parts.values():
            part.understand()

    def requests(self) -> list[Read]:
        """Bytes that are needed to go on; each is told once."""
        told = [read for part in self._parts.values() for read in part.wanted]
        for part in self._parts.values():
            part.wanted = []
        return told

    def feed(self, fact: FileBytes) -> ContentsSeen | None:
        """What is known after these bytes; None when they are of another file."""
        part = self._parts.get(fact.path)
        if part is None:
            return None
        part.put(fact)
        return self.seen(fact.at)

    def seen(self, at: float) -> ContentsSeen:
        """Everything known now."""
        parts = self._parts.values()
        tensors = [t for part in parts if part.found for t in part.found.tensors]
        arguments = [a for part in parts if part.found for a in part.found.arguments]
        faults = [(clean(part.name), clean(part.fault)) for part in parts if part.fault]
        if len(tensors) > _MOST:
            faults.append(("…", f"only the first {_MOST:,} of {len(tensors):,} tensors are shown"))
        done = all(part.fault or part.found for part in parts)
        return ContentsSeen(
            self.path, tuple(tensors[:_MOST]), tuple(arguments), tuple(faults), done, at
        )


def _parts(seen: CheckpointSeen) -> Iterator[_Part]:
    for file in seen.files:
        whole = seen.path.endswith("/" + file.path) or file.path == seen.name
        path = seen.path if whole else f"{seen.path}/{file.path}"
        named = file.path.rpartition("/")[2]
        weights = file.part == "weights" and named.endswith((".safetensors", *_ARCHIVES))
        told = named == "training_args.bin" or named in _ARGUMENTS
        if weights or (told and file.size <= _LARGEST):
            yield _Part(path, named, file.size)


def _reader(name: str) -> Callable[[Source, str], _Found]:
    if name.endswith(".safetensors"):
        return _safetensors
    if name == "training_args.bin":
        return _training_args
    return _json if name.endswith(".json") else _archive


def _safetensors(source: Source, name: str) -> _Found:
    return _Found(
        tuple(
            Tensor(clean(one.name, _LONGEST), clean(one.dtype, 20), one.shape, one.end - one.begin, name)
            for one in safetensors.tensors(source)
        )
    )  # fmt: skip


def _training_args(source: Source, _: str) -> _Found:
    told = pickles.attributes(torch_zip.contents(source))
    shown = ((str(k), _plain(v)) for k, v in told.items() if not str(k).startswith("_"))
    return _Found((), tuple((clean(k, 80), clean(v, _LONGEST)) for k, v in shown if v is not None))


def _json(source: Source, name: str) -> _Found:
    stem = name.removesuffix(".json").removesuffix("_config")
    told = ((k, _plain(v)) for k, v in json_object(source).items())
    return _Found((), tuple((clean(f"{stem}.{k}", 80), clean(v, _LONGEST)) for k, v in told if v))


def _plain(value: object) -> str | None:
    """A value as a person would type it; None where it is no plain value."""
    value = pickles.member(value)
    if isinstance(value, list | tuple | set) and all(isinstance(one, str | int) for one in value):
        return ", ".join(sorted(map(str, value)))
    return str(value) if value is None or isinstance(value, str | int | float) else None


def _archive(source: Source, name: str) -> _Found:
    return _Found(tuple(_tensors(torch_zip.contents(source), name)))


def _tensors(value: object, file: str) -> Iterator[Tensor]:
    """The tensors that stand in an object, by the names that lead to them."""
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    seen: set[int] = set()
    while waiting:
        name, each, depth = waiting.pop()
        if id(each) in seen or depth > _DEEPEST:
            continue
        seen.add(id(each))
        if torch_zip.is_tensor(each) and isinstance(each, Made):
            tensor = _tensor(name, each, file)
            if tensor is not None:
                yield tensor
                continue
        inside = pickles.pairs(each)
        prefix = name + "." if name else ""
        waiting += [(f"{prefix}{k}", v, depth + 1) for k, v in reversed(list(inside.items()))]


def _tensor(name: str, made: Made, file: str) -> Tensor | None:
    match list(made.arguments):
        case [Persistent(("storage", Global(_, kind), *_)), _, [*shape], *_]:
            sizes = tuple(one for one in shape if isinstance(one, int))
        case [Made() as inner, *_]:  # a Parameter around a tensor
            return _tensor(name, inner, file)
        case _:
            return None
    dtype = torch_zip.DTYPES.get(kind.removesuffix("Storage"), "?")
    width = torch_zip.width(kind.removesuffix("Storage"))
    return Tensor(clean(name, _LONGEST), dtype, sizes, prod(sizes) * width, file)
