"""``torch.distributed.checkpoint``: torchtitan, FSDP2, and whoever calls ``dcp.save``.

The law of this file: ``.metadata`` is renamed into place as the very last step, and it tells how
long every data file must be. Sources: torch 2.13 ``distributed/checkpoint/filesystem.py``;
torchtitan ``components/checkpointer/dcp.py``.
"""

from __future__ import annotations

import re
from functools import partial
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.facts import Want
from trainwatch.read import pickles
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import DamagedError
from trainwatch.read.integrity import check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by
from trainwatch.read.pickles import Global, Made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import Folder

LARGEST = 8 << 20
FOLDERS = ("checkpoint", "checkpoints", "step-*", "step_*", "epoch_*", "iter_*")
WANTS = (Want("*/.metadata", LARGEST, 0), Want(".metadata", LARGEST, 0))


def recognise(folder: Folder) -> Iterator[Offer]:
    """A folder of ``*.distcp`` files, or what is left of one, that is not part of a larger layout."""
    told = told_by(folder.name)
    data = any(name.endswith(".distcp") for name in folder.files)
    left = ".metadata" in folder.files and (told.step is not None or told.epoch is not None)
    if (data or left) and not _belongs(folder):
        yield whole(partial(_checkpoint, folder))


def _belongs(folder: Folder) -> bool:
    """Megatron, Lightning and NeMo put the same files among others of their own."""
    beside = folder.parent.folders if folder.parent else {}
    return (
        folder.name.startswith("iter_")
        or folder.name.endswith(".ckpt")
        or not folder.files.keys().isdisjoint({"common.pt", "meta.pt"})
        or (folder.name == "weights" and "context" in beside)
    )


def _part(path: str) -> Part:
    return "weights" if path.endswith(".distcp") else "other"


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "dcp")
    draft.add(folder.walk(), _part)
    told = told_by(folder.name)
    draft.step, draft.epoch = told.step, told.epoch
    complete = check_sharded(draft, folder)
    check_links(draft, folder)
    return draft.claim(complete)


class Told(NamedTuple):
    """What ``.metadata`` tells."""

    lengths: tuple[tuple[str, int], ...]  # how long each data file must be at least
    has_optimizer: bool
    optimizer_bytes: int


_NOTHING = Told((), False, 0)
_OPTIMIZER = re.compile(r"(^|\.)optim(izer)?s?([._]|$)")
_WIDTHS = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "uint8": 1,
    "int8": 1,
}


def check_sharded(draft: Draft, folder: Folder) -> bool:
    """The data files against ``.metadata``; whether it holds optimizer states as well."""
    file = folder.files.get(".metadata")
    if file is None:
        draft.find("incomplete", ".metadata, written last, is missing", "mark")
        return False
    told = draft.check(file, _told, "mark") or _NOTHING
    for name, least in told.lengths:
        data = folder.files.get(name)
        if data is None:
            draft.find("incomplete", f"{name} is missing", "weights")
        elif data.size < least:
            share = 100 * data.size // least
            draft.find("corrupt", f"{name} is cut at {share} %", "weights")
    draft.inside = told.optimizer_bytes
    return told.has_optimizer


def _told(source: Source) -> Told:
    if source.size > LARGEST:
        return _NOTHING
    told = pickles.attributes(pickles.load(source.read(0, source.size))[0])
    if "storage_data" not in told:
        raise DamagedError("it is no metadata of a checkpoint")
    lengths: dict[str, int] = {}
    for info in pickles.pairs(told["storage_data"]).values():
        place = pickles.attributes(info)
        match place.get("relative_path"), place.get("offset"), place.get("length"):
            case str(name), int(offset), int(length):
                lengths[name] = max(lengths.get(name, 0), offset + length)
    stored = pickles.pairs(told.get("state_dict_metadata"))
    states = [v for name, v in stored.items() if isinstance(name, str) and _OPTIMIZER.search(name)]
    size = min(sum(map(_bytes, states)), sum(lengths.values()))
    return Told(tuple(sorted(lengths.items())), bool(states), size)


def _bytes(stored: object) -> int:
    """How many a tensor holds; 0 for what is none."""
    told = pickles.attributes(stored)
    kind, shape = told.get("properties"), told.get("size")
    if not isinstance(kind, Made) or not isinstance(shape, Made):
        return 0
    match kind.state, list(shape.arguments):
        case (Global(_, dtype), *_), [[*sizes] | (*sizes,)]:
            count = prod(size for size in sizes if isinstance(size, int))
            return count * _WIDTHS.get(dtype, 4)
    return 0


METADATA = (
    b"\x80\x02ctorch.distributed.checkpoint.metadata\nMetadata\n)\x81}(X\x0c\0\0\0storage_data"
    b"}X\x01\0\0\0ictorch.distributed.checkpoint.filesystem\n_StorageInfo\n)\x81}("
    b"X\x0d\0\0\0relative_pathX\x0c\0\0\0__0_0.distcpX\x06\0\0\0offsetK\0X\x06\0\0\0lengthK\x04ubs"
    b"X\x13\0\0\0state_dict_metadata}X\x0a\0\0\0optim.stepNsub."
)
SAMPLES = (
    Sample(
        {"checkpoint/step-10/.metadata": METADATA, "checkpoint/step-10/__0_0.distcp": b"data"},
        (("step-10", 10),),
    ),
)
