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
from trainwatch.read.headers import safetensors
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
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FALLBACK = True
FOLDERS = ("*best*", "*last*", "*latest*", "*final*", "*step*", "*epoch*", "*iter*", "*ckpt*")
WANTS = (Want("*.safetensors", SMALL, 0), Want("*.json", SMALL, 8))
_NAME = re.compile(r"(?i).*(best|last|latest|final|checkpoint|ckpt|step|epoch|iter).*")
_WEIGHTS = re.compile(r".*\.(safetensors|bin)")
_OPTIMIZER = re.compile(
    r".*(optim|scheduler|scaler|rng|random_states|trainer_state|training_args).*"
)


def recognise(folder: Folder) -> Iterator[Offer]:
    """A folder by its name and its weights."""
    if _NAME.fullmatch(folder.name) and any(_part(name) == "weights" for name in folder.files):
        yield whole(partial(_checkpoint, folder))


def _part(path: str) -> Part:
    if _OPTIMIZER.fullmatch(path):
        return "optimizer"
    return "weights" if _WEIGHTS.fullmatch(path) else "other"


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "generic")
    told = told_by(folder.name)
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics
    draft.add(folder.walk(), _part)
    names = needed(draft, folder, lambda name: _part(name) == "weights")
    check_needed(draft, folder, names)
    for name, file in folder.files.items():
        if TEMPORARY.fullmatch(name):
            check_temporary(draft, file)
        elif name not in names and not name.endswith(".index.json"):
            check_file(draft, file, _part(name))
    check_links(draft, folder)
    return draft.claim(any(file.part == "optimizer" for file in draft.files))


SAMPLES = (
    Sample({"model_best/weights.safetensors": safetensors.SAMPLES[1]}, (("model_best", None),)),
    Sample({"my-step-300/net.safetensors": safetensors.SAMPLES[1]}, (("my-step-300", 300),)),
)
