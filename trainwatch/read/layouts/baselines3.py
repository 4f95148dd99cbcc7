"""Stable-Baselines3: one zip per checkpoint, with the replay buffer beside it.

The law of this file: the zip's first entry, ``data``, is JSON and counts the steps. Source:
DLR-RM/stable-baselines3 2.9 ``common/save_util.py``, ``common/callbacks.py``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import archive
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

_HEAD = 64 << 10
FOLDERS = ("best_model", "checkpoints")
WANTS = (Want("*_steps.zip", _HEAD, archive.LISTED), Want("*model.zip", _HEAD, archive.LISTED))
_NAME = re.compile(r".*_\d+_steps\.zip|(best_model|final_model|.*_model)\.zip")
_COUNT = re.compile(rb'"num_timesteps":\s*(\d{1,18})[,\s}]')


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every model in any folder."""
    for name, file in folder.files.items():
        if _NAME.fullmatch(name):
            yield part([name], partial(_file, folder, file))


def _file(folder: Folder, file: File) -> Claim | None:
    draft = Draft(folder, "baselines3", file)
    told = draft.check(file, _inside, "weights")
    if told == _OTHER:
        return None
    counted, draft.inside = told or (None, 0)
    named = told_by(file.name.removesuffix(".zip"))
    draft.step = named.step if named.step is not None else counted
    draft.add([file], lambda _: "weights")
    return draft.claim(True)


_OTHER = -1, 0


def _inside(source: Source) -> tuple[int | None, int]:
    """(steps it has seen, bytes of its optimizers); steps are -1 when it is another's zip."""
    sizes = archive.entries(source)
    head = source.read(0, _HEAD)
    if head[30:34] != b"data":
        return _OTHER
    counted = _COUNT.search(head)
    optimizers = sum(size for name, size in sizes.items() if name.endswith(".optimizer.pth"))
    return int(counted[1]) if counted else None, min(optimizers, source.size)


SAMPLES = (
    Sample(
        {
            "rl_model_128_steps.zip": archive.stored(b"data", b'{"num_timesteps": 128}'),
            "best_model.zip": archive.stored(b"data", b'{"num_timesteps": 64}'),
        },
        (("best_model.zip", 64), ("rl_model_128_steps.zip", 128)),
    ),
)
