"""GGUF files: models and adapters of llama.cpp.

The law of this file: the header tells how long the file must be. Format: docs/gguf.md of ggml.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import gguf
from trainwatch.read.integrity import check_file
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.tree import File, Folder

FOLDERS = ()
WANTS = (Want("*.gguf", gguf.LOOKS[0], 0),)


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every GGUF file in any folder."""
    for name, file in folder.files.items():
        if name.endswith(".gguf"):
            yield part([name], partial(_file, folder, file))


def _file(folder: Folder, file: File) -> Claim:
    draft = Draft(folder, "gguf-file", file)
    told = told_by(file.name.removesuffix(".gguf"))
    draft.step, draft.epoch = told.step, told.epoch
    draft.add([file], lambda _: "weights")
    check_file(draft, file, "weights")
    return draft.claim(False)


SAMPLES = (Sample({"tiny-lora-step-20.gguf": gguf.SAMPLES[0]}, (("tiny-lora-step-20.gguf", 20),)),)
