"""Is a file whole? The checks that layouts share.

The law of this file: a check reads a header, a directory or an end, never a payload; what it finds
goes into the draft in words that name the file.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainwatch.read.headers import DamagedError, archive, gguf, hdf5, safetensors, torch_zip

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.read.draft import Draft, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

SMALL = 64 << 10
"""JSON files up to this size are read, larger ones only looked at from behind."""
TEMPORARY = re.compile(r"\.tmp\w{6}")
"""What safetensors 0.8 writes before it renames."""
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\..+)")
_MOST_SHARDS = 10_000
_LAST = 8
_LARGE = 1 << 20  # holes in small files say nothing: file systems store those in other ways
_ARCHIVES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".tar")
_ZIPS = (".zip", ".keras", ".npz")
_HDF5 = (".h5", ".hdf5")


def check_file(draft: Draft, file: File, part: Part) -> None:
    """Whatever shows damage by itself, by the kind of file that the name promises."""
    name = file.name
    if name.endswith(".safetensors"):
        header = draft.check(file, safetensors.read, part)
        if header:
            _measure(draft, file, header.size, part)
    elif name.endswith(".gguf"):
        least = draft.check(file, gguf.read, part)
        if least and file.size < least.size:  # it may be padded behind the last tensor
            _measure(draft, file, least.size, part)
    elif name.endswith(_ARCHIVES):
        draft.check(file, torch_zip.check_end, part)
    elif name.endswith(_ZIPS):
        draft.check(file, archive.check_end, part)
    elif name.endswith(_HDF5):
        draft.check(file, hdf5.check_end, part)
    elif name.endswith(".json"):
        draft.check(file, json_end, part)
    elif file.size == 0 and part != "other":
        draft.find("corrupt", f"{draft.folder.within(file)} is empty", part)


def _measure(draft: Draft, file: File, size: int, part: Part) -> None:
    draft.announce(file, size)
    name = draft.folder.within(file)
    if file.size < size:
        draft.find("corrupt", f"{name} is cut at {100 * file.size // size} %", part)
    elif file.size > size:
        draft.find("corrupt", f"{name} is longer than its header says", part)
    elif size > _LARGE and file.entry.stored < size // 4:
        share = 100 * file.entry.stored // size
        draft.find("corrupt", f"{name} has a hole: {share} % of it was ever written", part)


def check_temporary(draft: Draft, file: File) -> None:
    """A file that safetensors renames when it is finished."""
    with suppress(DamagedError):  # not even its header may be written
        draft.announce(file, file.digest(safetensors.read).size)
    draft.find("incomplete", f"{file.name} was left by an interrupted save", "mark")


def check_links(
    draft: Draft, folder: Folder, belongs: Callable[[str], bool] = lambda _: True
) -> None:
    """Links are not followed: what they stand for is unknown. Some names may belong to others."""
    for name, entry in folder.others.items():
        if belongs(name):
            kind = "a link, which is not followed" if entry.kind == "link" else "no regular file"
            draft.find("unreadable", f"{name} is {kind}", "weights")


def check_usual(draft: Draft, folder: Folder, mark: str, part_of: Callable[[str], Part]) -> None:
    """A file that all the other checkpoints beside this one have should be here as well.

    ``mark`` is a file that shows a finished save; at least two others must agree.
    """
    beside = folder.parent.names_below if folder.parent else {}
    enough = max(2, beside.get(mark, 0) - 1)
    for name, count in beside.items():
        if count >= enough and name not in folder.files and mark in folder.files:
            draft.find("incomplete", f"{name} is missing; the others have it", part_of(name))


def needed(draft: Draft, folder: Folder, is_weights: Callable[[str], bool]) -> set[str]:
    """Weight files that must be there: those that are, those an index lists, and their siblings."""
    names = {name for name in folder.files if is_weights(name)}
    for name, file in folder.files.items():
        if name.endswith((".safetensors.index.json", ".bin.index.json")):
            names |= draft.check(file, _indexed, "weights") or set()
    for name in list(names):
        shard = _SHARD.fullmatch(name)
        if shard and int(shard[3]) < _MOST_SHARDS:
            numbers = range(1, int(shard[3]) + 1)
            names |= {f"{shard[1]}-{i:05}-of-{shard[3]}{shard[4]}" for i in numbers}
    return names


def check_needed(draft: Draft, folder: Folder, names: set[str]) -> None:
    """Every weight file must be there and whole."""
    for name in sorted(names):
        if name in folder.files:
            check_file(draft, folder.files[name], "weights")
        elif name not in folder.others:
            draft.find("incomplete", f"{name} is missing", "weights")


def check_index(draft: Draft, folder: Folder, names: set[str]) -> None:
    """Shards cannot be loaded without the list of what lies in which."""
    stems = {(shard[1], shard[4]) for shard in map(_SHARD.fullmatch, names) if shard}
    for stem, end in sorted(stems):
        name, dot, variant = stem.partition(".")
        index = f"{name}{end}.index{dot}{variant}.json"
        if index not in folder.files:
            draft.find("incomplete", f"{index} is missing", "weights")


def json_object(source: Source) -> dict[str, Any]:
    """A JSON file that holds an object."""
    value = json_value(source)
    if not isinstance(value, dict):
        raise DamagedError("it is no JSON object")
    return value


def json_end(source: Source) -> None:
    """A small JSON file must be one; a large one must end like one."""
    if source.size <= SMALL:
        json_value(source)
    elif not source.read(source.size - _LAST, _LAST).rstrip().endswith(_closing(source)):
        raise DamagedError("it is cut")


def _closing(source: Source) -> tuple[bytes, ...]:
    """How a JSON file ends that begins like this; when it is indented, only one bracket is not."""
    return (b"\n}", b"\n]") if source.read(0, 2) in (b"{\n", b"[\n") else (b"}", b"]")


def json_value(source: Source) -> object:
    """What a JSON file holds."""
    try:
        return json.loads(source.read(0, source.size))
    except (ValueError, RecursionError):
        raise DamagedError("it is cut or no JSON") from None


def _indexed(source: Source) -> set[str]:
    files = json_object(source).get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise DamagedError("it lists no weights")
    return {name for name in files.values() if "/" not in name}
