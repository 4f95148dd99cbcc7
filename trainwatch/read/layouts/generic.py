"""A folder that is named like a checkpoint and holds weights, of whatever framework.

The law of this file: it speaks last and says little; a folder without a weights file it can check is
not called a checkpoint.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive, safetensors, torch_zip
from trainwatch.read.integrity import (
    SMALL,
    TEMPORARY,
    check_file,
    check_links,
    check_needed,
    check_temporary,
    needed,
)
from trainwatch.read.layouts import Sample
from trainwatch.read.layouts.torch_file import inside_of
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import File, Folder

FALLBACK = True
FOLDERS = ("*best*", "*last*", "*latest*", "*final*", "*step*", "*epoch*", "*iter*", "*ckpt*")
WANTS = (
    Want("*.safetensors", SMALL, 0),
    Want("*.json", SMALL, 8),
    *(Want(f"*{end}", torch_zip.LOOKS[0], archive.TAIL) for end in (".pt", ".pth")),
)
_NAME = re.compile(r"(?i).*(best|last|latest|final|checkpoint|ckpt|step|epoch|iter).*")
_WEIGHTS = re.compile(r".*\.(safetensors|bin)")
_SAVED = (".pt", ".pth")
_OPTIMIZER = re.compile(
    r".*(optim|sched|scaler|rng|random_state|trainer_state|train(ing|er)?[-_]state).*\.(pt|pth|bin|pkl|safetensors)"
)


def recognise(folder: Folder) -> Iterator[Offer]:
    """A folder by its name and its weights."""
    weights = [name for name in folder.files if _part(name) == "weights"]
    if _NAME.fullmatch(folder.name) and (weights or _holds_one(folder)):
        yield whole(partial(_checkpoint, folder))


def _holds_one(folder: Folder) -> bool:
    """A folder with a number, and files of ``torch.save`` without: they are its parts."""
    told = told_by(folder.name)
    files = [name for name in folder.files if name.endswith(_SAVED)]
    counted = any(told_by(name)[:2] != (None, None) or "best" in name for name in files)
    return told[:2] != (None, None) and bool(files) and not counted


def _part(path: str) -> Part:
    if _OPTIMIZER.fullmatch(path):
        return "optimizer"
    return "weights" if _WEIGHTS.fullmatch(path) else "other"


def _saved_part(path: str) -> Part:
    found = _part(path)
    return "weights" if found == "other" and path.endswith(_SAVED) else found


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "generic")
    part_of = _part if any(_part(name) == "weights" for name in folder.files) else _saved_part
    told = told_by(folder.name)
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics
    draft.add(folder.walk(), part_of)
    saved = [
        file
        for path, file in folder.files.items()
        if path.endswith(_SAVED) and part_of(path) == "weights"
    ]
    resumable = [_look_inside(draft, file) for file in saved]
    names = needed(draft, folder, lambda name: part_of(name) == "weights")
    check_needed(draft, folder, names - {file.name for file in saved})
    for name, file in folder.files.items():
        if TEMPORARY.fullmatch(name):
            check_temporary(draft, file)
        elif name not in names and not name.endswith(".index.json"):
            check_file(draft, file, part_of(name))
    check_links(draft, folder)
    return draft.claim(any(resumable) or any(file.part == "optimizer" for file in draft.files))


def _look_inside(draft: Draft, file: File) -> bool:
    """Whether a file of ``torch.save`` holds an optimizer beside the weights."""
    inside = draft.check(file, inside_of, "weights")
    if inside is None:
        return False
    if inside.problem:
        draft.find("corrupt", f"{file.name}: {inside.problem}", "weights")
    draft.inside += inside.optimizer_bytes
    if draft.step is None and draft.epoch is None:
        draft.step, draft.epoch = inside.step, inside.epoch
    return inside.has_optimizer


SAMPLES = (
    Sample({"model_best/weights.safetensors": safetensors.SAMPLES[1]}, (("model_best", None),)),
    Sample(
        {"epoch_2/weights.pt": archive.SAMPLES[0], "epoch_2/optim.pt": archive.SAMPLES[0]},
        (("epoch_2", None),),
    ),
    Sample({"my-step-300/net.safetensors": safetensors.SAMPLES[1]}, (("my-step-300", 300),)),
)
