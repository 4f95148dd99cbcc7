"""torchtune: ``epoch_<n>`` folders of weights and one ``recipe_state`` for the newest of them.

The law of this file: only the newest epoch can be resumed in full, with the recipe state beside it.
Source: pytorch/torchtune 0.6 ``training/checkpointing/_checkpointer.py``.
"""

from __future__ import annotations

import re
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
    check_needed,
    check_temporary,
    needed,
)
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FOLDERS = ("epoch_*", "recipe_state")
WANTS = (
    Want("*recipe_state.pt", 64, archive.TAIL),
    Want("*adapter_model.pt", 64, archive.TAIL),
    Want("*ft-model-*.safetensors", SMALL, 0),
)
_NAME = re.compile(r"epoch_(\d{1,9})")
_WEIGHTS = re.compile(r"(ft-model-|model-|adapter_model|hf_model_).*\.(safetensors|bin|pt)")


def recognise(folder: Folder) -> Iterator[Offer]:
    """One epoch."""
    named = _NAME.fullmatch(folder.name)
    states = any(name.startswith("random_states_") for name in folder.files)
    if named and not states and any(map(_WEIGHTS.fullmatch, folder.files)):
        yield whole(partial(_checkpoint, folder, int(named[1])))


def _part(path: str) -> Part:
    return "weights" if _WEIGHTS.fullmatch(path) else "other"


def _checkpoint(folder: Folder, epoch: int) -> Claim:
    draft = Draft(folder, "torchtune")
    draft.epoch = float(epoch)
    draft.add(folder.walk(), _part)
    names = needed(draft, folder, lambda name: _part(name) == "weights")
    check_needed(draft, folder, names)
    for name, file in folder.files.items():
        if TEMPORARY.fullmatch(name):
            check_temporary(draft, file)
        elif name not in names and not name.endswith(".index.json"):
            check_file(draft, file, "other")
    check_links(draft, folder)
    return draft.claim(_is_newest(folder, epoch) and _has_recipe(draft, folder))


def _is_newest(folder: Folder, epoch: int) -> bool:
    beside = folder.parent.folders if folder.parent else {}
    return all(int(match[1]) <= epoch for match in map(_NAME.fullmatch, beside) if match)


def _has_recipe(draft: Draft, folder: Folder) -> bool:
    beside = folder.parent.folders.get("recipe_state") if folder.parent else None
    file = beside.files.get("recipe_state.pt") if beside else None
    if file is not None:
        check_file(draft, file, "optimizer")
    return file is not None


SAMPLES = (
    Sample(
        {
            "epoch_1/ft-model-00001-of-00001.safetensors": safetensors.SAMPLES[0],
            "epoch_1/config.json": b"{}",
            "recipe_state/recipe_state.pt": archive.SAMPLES[0],
        },
        (("epoch_1", None),),
    ),
)
