"""Keras: ``*.keras`` archives, ``*.weights.h5`` and ``*.h5`` files, and the backup of BackupAndRestore.

The law of this file: the file's own end or superblock says whether it is whole; the name is the
only place for epoch and metric. Source: keras 3.15 ``saving/saving_lib.py``, ``callbacks``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import archive, hdf5
from trainwatch.read.integrity import check_file, json_object
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.tree import File, Folder

FOLDERS = ("checkpoints", "backup*")
WANTS = (
    Want("*.keras", 64, archive.TAIL),
    Want("*.h5", hdf5.HEAD, 0),
    Want("*training_metadata.json", 4096, 0),
)
_ENDS = (".keras", ".h5", ".hdf5")
_EPOCH_FIRST = re.compile(r"(?:.*[-_])?(\d{2,4})(?:-(-?\d+\.\d+))?")  # "{epoch:02d}-{val_loss:.2f}"


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every model or weights file in any folder."""
    for name, file in folder.files.items():
        if name.endswith(_ENDS):
            yield part([name], partial(_file, folder, file))


def _file(folder: Folder, file: File) -> Claim:
    draft = Draft(folder, "keras", file)
    draft.add([file], lambda _: "weights")
    stem = re.sub(r"(\.weights)?\.(keras|h5|hdf5)$", "", file.name)
    told = told_by(stem)
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics
    first = _EPOCH_FIRST.fullmatch(stem)
    if first and draft.step is None and draft.epoch is None:
        draft.epoch = float(first[1])
        draft.facts += [("in its name", first[2])] if first[2] else []
    check_file(draft, file, "weights")
    backup = folder.files.get("training_metadata.json")
    if backup and file.name == "latest.weights.h5":
        match draft.check(backup, json_object, "other"):
            case {"epoch": int(epoch)}:
                draft.epoch = float(epoch)
    return draft.claim(not file.name.endswith(".weights.h5") or backup is not None)


SAMPLES = (
    Sample({"02-9.76.keras": archive.SAMPLES[0]}, (("02-9.76.keras", None),)),
    Sample(
        {
            "backup/latest.weights.h5": hdf5.SAMPLES[0],
            "backup/training_metadata.json": b'{"epoch": 2, "batch": 0}',
        },
        (("latest.weights.h5", None),),
    ),
)
