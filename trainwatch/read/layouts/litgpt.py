"""LitGPT: ``step-00001000/lit_model.pth`` and ``final/``.

The law of this file: the folder's name counts the step; the model file's own end says whether it is
whole. Source: Lightning-AI/litgpt 0.5 ``pretrain.py``, ``finetune/``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive
from trainwatch.read.integrity import check_file, check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FOLDERS = ("step-*", "final", "evaluate")
WANTS = (Want("*lit_model.pth*", 64, archive.TAIL),)
_MODELS = ("lit_model.pth", "lit_model.pth.lora", "lit_model.pth.adapter")


def recognise(folder: Folder) -> Iterator[Offer]:
    """A folder with LitGPT's model in it, and one that belongs to a step but has none yet."""
    if any(name in folder.files for name in _MODELS):
        yield whole(partial(_checkpoint, folder))


def _part(path: str) -> Part:
    return "weights" if path.startswith("lit_model.pth") else "other"


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "litgpt")
    draft.step = told_by(folder.name).step
    draft.add(folder.walk(), _part)
    for name, file in folder.files.items():
        if name in _MODELS:
            draft.check(file, _end, "weights")
        else:
            check_file(draft, file, "other")
    check_links(draft, folder)
    return draft.claim("lit_model.pth" in folder.files and folder.name.startswith("step-"))


_end = archive.check_end
SAMPLES = (
    Sample(
        {
            "step-00001000/lit_model.pth": archive.SAMPLES[0],
            "step-00001000/model_config.yaml": b"name: tiny",
        },
        (("step-00001000", 1000),),
    ),
)
