"""Megatron-LM: ``iter_0000100``, and a tracker file beside it that is written after the save.

The law of this file: an iteration above the tracker's is not saved yet. Sources: Megatron-LM
``megatron/training/checkpointing.py``, ``megatron/core/dist_checkpointing``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive
from trainwatch.read.integrity import check_file, check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.layouts.dcp import METADATA, check_sharded
from trainwatch.read.pointer import check_tracker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

TRACKER = "latest_checkpointed_iteration.txt"
FOLDERS = ("iter_*", "checkpoints")
WANTS = (
    Want("*" + TRACKER, 1024, 0),
    Want("*metadata.json", 64 << 10, 1),
    Want("*model_optim_rng.pt", 64, archive.TAIL),
    Want("*common.pt", 64, archive.TAIL),
)
_NAME = re.compile(r"iter_(\d{7,18})")
_RANK = re.compile(r"mp_rank_(\d{2,4})(?:_(\d{3}))?")


def recognise(folder: Folder) -> Iterator[Offer]:
    """One iteration."""
    named = _NAME.fullmatch(folder.name)
    if named and (folder.files or any(map(_RANK.fullmatch, folder.folders))):
        yield whole(partial(_checkpoint, folder, int(named[1])))


def _part(path: str) -> Part:
    if "optim" in path and not path.endswith("model_optim_rng.pt"):
        return "optimizer"
    return "weights" if path.endswith((".distcp", ".pt")) else "other"


def _checkpoint(folder: Folder, step: int) -> Claim:
    draft = Draft(folder, "megatron")
    draft.step = step
    draft.add(folder.walk(), _part)
    check_tracker(draft, folder, TRACKER, step)
    if folder.files.keys() & {".metadata", "metadata.json", "common.pt"} or not folder.folders:
        check_sharded(draft, folder)
        for name in ("common.pt", "metadata.json"):
            if name not in folder.files:
                draft.find("incomplete", f"{name} is missing", "mark")
    ranks = sorted(int(found[1]) for found in map(_RANK.fullmatch, folder.folders) if found)
    for rank in sorted(set(range(ranks[-1] if ranks else 0)) - set(ranks)):
        draft.find("incomplete", f"mp_rank_{rank:02} is missing", "weights")
    for name, below in folder.folders.items():
        if _RANK.fullmatch(name) and "model_optim_rng.pt" not in below.files:
            draft.find("incomplete", f"{name}/model_optim_rng.pt is missing", "weights")
    for file in folder.walk():
        check_file(draft, file, _part(folder.within(file)))
    check_links(draft, folder)
    return draft.claim(True)


_ARCHIVE = archive.SAMPLES[0]
SAMPLES = (
    Sample(
        {
            TRACKER: b"100",
            "iter_0000100/mp_rank_00/model_optim_rng.pt": _ARCHIVE,
            "iter_0000100/mp_rank_01/model_optim_rng.pt": _ARCHIVE,
        },
        (("iter_0000100", 100),),
    ),
    Sample(
        {
            TRACKER: b"200",
            "iter_0000200/__0_0.distcp": b"data",
            "iter_0000200/.metadata": METADATA,
            "iter_0000200/common.pt": _ARCHIVE,
            "iter_0000200/metadata.json": b'{"sharded_backend": "torch_dist"}',
        },
        (("iter_0000200", 200),),
    ),
)
