"""NeMo: a folder of ``weights/`` and ``context/``, or one ``.nemo`` archive.

The law of this file: while NeMo 2 saves, a file ``<name>-unfinished`` lies beside the folder; a
``.nemo`` file is a tar and ends with two empty blocks. Sources: NVIDIA-NeMo
``nemo/lightning/ckpt_utils.py``, ``pytorch/callbacks/model_checkpoint.py``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part, whole
from trainwatch.read.headers import DamagedError
from trainwatch.read.integrity import check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.layouts.dcp import METADATA, check_sharded
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

FOLDERS = ("checkpoints", "*step=*")
WANTS = (Want("*.nemo", 512, 1024),)
_BLOCK = 512


def recognise(folder: Folder) -> Iterator[Offer]:
    """A NeMo 2 folder, or every NeMo 1 archive in any folder."""
    if {"weights", "context"} <= folder.folders.keys():
        yield whole(partial(_checkpoint, folder))
        return
    for name, file in folder.files.items():
        if name.endswith(".nemo"):
            yield part([name], partial(_archive, folder, file))


def _part(path: str) -> Part:
    return "weights" if path.startswith("weights/") or path.endswith(".nemo") else "other"


def _name_told(draft: Draft, name: str) -> None:
    told = told_by(name)
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "nemo")
    draft.add(folder.walk(), _part)
    _name_told(draft, folder.name)
    beside = folder.parent.files if folder.parent else {}
    if folder.name + "-unfinished" in beside:
        draft.find("incomplete", f"{folder.name}-unfinished still lies beside it", "mark")
    check_sharded(draft, folder.folders["weights"])
    check_links(draft, folder)
    return draft.claim(True)


def _archive(folder: Folder, file: File) -> Claim:
    draft = Draft(folder, "nemo", file)
    draft.add([file], _part)
    _name_told(draft, file.name.removesuffix(".nemo"))
    draft.check(file, _tar_end, "weights")
    return draft.claim(False)


def _tar_end(source: Source) -> None:
    if source.read(257, 5) != b"ustar":
        raise DamagedError("it does not begin like a tar archive")
    last = source.read(source.size - 2 * _BLOCK, 2 * _BLOCK)
    if source.size % _BLOCK or last != bytes(2 * _BLOCK):
        raise DamagedError("it is cut: its end is missing")


SAMPLES = (
    Sample(
        {
            "default--val_loss=1.23-step=99-last/weights/.metadata": METADATA,
            "default--val_loss=1.23-step=99-last/weights/__0_0.distcp": b"data",
            "default--val_loss=1.23-step=99-last/context/io.json": b"{}",
        },
        (("default--val_loss=1.23-step=99-last", 99),),
    ),
    Sample({"model.nemo": bytes(257) + b"ustar" + bytes(250 + 1024)}, (("model.nemo", None),)),
)
