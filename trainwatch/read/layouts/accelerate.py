"""``Accelerator.save_state`` of Hugging Face accelerate, and the diffusers examples built on it.

The law of this file: the random states are written after model and optimizer; they are the mark of
a finished save. Sources: accelerate 1.15 ``accelerator.py``, ``checkpointing.py``,
``utils/constants.py``; the training examples of huggingface/diffusers.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive, safetensors
from trainwatch.read.integrity import (
    SMALL,
    TEMPORARY,
    check_file,
    check_links,
    check_temporary,
    check_usual,
    needed,
)
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FOLDERS = ("checkpoints", "checkpoint_*", "checkpoint-*", "step_*", "epoch_*")
WANTS = (
    Want("*random_states_*.pkl", 64, archive.TAIL),
    Want("*custom_checkpoint_*.pkl", 64, archive.TAIL),
    Want("*.bin", 64, archive.TAIL),
    Want("*.safetensors", SMALL, 0),
)
_NAME = re.compile(r"(checkpoint|step|epoch)[_-](\d{1,18})")
_STATES = re.compile(r"random_states_(\d{1,6})\.pkl")


def recognise(folder: Folder) -> Iterator[Offer]:
    """A folder that ``save_state`` filled."""
    ranks = sorted(int(m[1]) for m in map(_STATES.fullmatch, folder.files) if m)
    if ranks or (_NAME.fullmatch(folder.name) and _is_begun(folder)):
        yield whole(partial(_checkpoint, folder, ranks))


def _is_begun(folder: Folder) -> bool:
    """A save under way: the optimizer is named as only accelerate names it."""
    return "optimizer.bin" in folder.files and "training_args.bin" not in folder.files


def _part(path: str) -> Part:
    name = path.rpartition("/")[2]
    if fnmatch(name, "optimizer*.bin") or path.startswith("optimizer_"):
        return "optimizer"
    if name.endswith((".safetensors", ".distcp")) or fnmatch(name, "pytorch_model*.bin"):
        return "weights"
    if name.endswith((".bin", ".pkl")) or name == "scaler.pt":
        return "optimizer"
    return "other"


def _checkpoint(folder: Folder, ranks: list[int]) -> Claim:
    draft = Draft(folder, "accelerate")
    draft.add(folder.walk(), _part)
    told = told_by(folder.name)
    if folder.name.startswith("checkpoint_"):
        draft.facts.append(("save", str(told.step)))  # the number of the save, not of the step
    else:
        draft.step, draft.epoch = told.step, told.epoch
    if not ranks:
        draft.find("incomplete", "the random states, which are saved last, are missing", "mark")
    elif ranks != list(range(len(ranks))):
        draft.find("incomplete", "the random states of some ranks are missing", "other")
    _check(draft, folder)
    if not draft.findings:
        check_usual(draft, folder, "random_states_0.pkl", _part)
    return draft.claim("optimizer.bin" in folder.files or "optimizer_0" in folder.folders)


def _check(draft: Draft, folder: Folder) -> None:
    names = needed(draft, folder, lambda name: _part(name) == "weights")
    for name in sorted(names - set(folder.files)):
        draft.find("incomplete", f"{name} is missing", "weights")
    if not any(file.part == "weights" for file in draft.files):
        draft.find("incomplete", "it holds no weights", "weights")
    for file in folder.walk():
        if TEMPORARY.fullmatch(file.name):
            check_temporary(draft, file)
        elif not file.name.endswith(".index.json"):
            check_file(draft, file, _part(draft.folder.within(file)))
    for name, below in folder.folders.items():
        if fnmatch(name, "*_fsdp_*") and ".metadata" not in below.files:
            draft.find("incomplete", f"{name}/.metadata is missing", "weights")
    check_links(draft, folder)


_ARCHIVE, _WEIGHTS = archive.SAMPLES[0], safetensors.SAMPLES[0]
SAMPLES = (
    Sample(
        {
            "checkpoints/checkpoint_3/model.safetensors": _WEIGHTS,
            "checkpoints/checkpoint_3/optimizer.bin": _ARCHIVE,
            "checkpoints/checkpoint_3/scheduler.bin": _ARCHIVE,
            "checkpoints/checkpoint_3/random_states_0.pkl": _ARCHIVE,
        },
        (("checkpoint_3", None),),
    ),
    Sample(
        {
            "checkpoint-500/unet/diffusion_pytorch_model.safetensors": _WEIGHTS,
            "checkpoint-500/unet/config.json": b"{}",
            "checkpoint-500/optimizer.bin": _ARCHIVE,
            "checkpoint-500/random_states_0.pkl": _ARCHIVE,
        },
        (("checkpoint-500", 500),),
    ),
)
