"""One safetensors file per checkpoint: MLX-LM's adapters, kohya's sd-scripts, one named as the target.

The law of this file: the number in the name counts, and what it counts is told by how it is
written. Sources: ml-explore/mlx-lm ``tuner/trainer.py``; kohya-ss/sd-scripts ``library/train_util.py``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import safetensors
from trainwatch.read.integrity import SMALL, check_file
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.tree import File, Folder

FOLDERS = ("adapters*",)
WANTS = (Want("*.safetensors", SMALL, 0),)
_MLX = re.compile(r"(?:(\d{7})_)?adapters\.safetensors")
_KOHYA = re.compile(r".+-(?:(\d{6})|step(\d{8}))\.safetensors")


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every numbered weights file in any folder."""
    for name, file in folder.files.items():
        mlx, kohya = _MLX.fullmatch(name), _KOHYA.fullmatch(name)
        if mlx:
            step = int(mlx[1]) if mlx[1] else None
            yield part([name], partial(_file, folder, file, "mlx", step, None))
        elif kohya and kohya[2]:
            yield part([name], partial(_file, folder, file, "kohya", int(kohya[2]), None))
        elif kohya:
            yield part([name], partial(_file, folder, file, "kohya", None, float(kohya[1])))
        elif name.endswith(".safetensors") and _is_alone(folder):
            told = told_by(name.removesuffix(".safetensors"))
            yield part([name], partial(_file, folder, file, "weights", told.step, told.epoch))


def _is_alone(folder: Folder) -> bool:
    """Whether there is nothing else at the target: the file itself was named, most likely."""
    return folder.parent is None and len(folder.entries) == 1


def _file(folder: Folder, file: File, who: str, step: int | None, epoch: float | None) -> Claim:
    draft = Draft(folder, f"safetensors-file:{who}", file)
    draft.step, draft.epoch = step, epoch
    draft.add([file], lambda _: "weights")
    check_file(draft, file, "weights")
    return draft.claim(False)


_FILE = safetensors.SAMPLES[1]
SAMPLES = (
    Sample(
        {"adapters/0000100_adapters.safetensors": _FILE, "adapters/adapters.safetensors": _FILE},
        (("0000100_adapters.safetensors", 100), ("adapters.safetensors", None)),
    ),
    Sample({"lora-step00001000.safetensors": _FILE}, (("lora-step00001000.safetensors", 1000),)),
    Sample({"tuned.safetensors": _FILE}, (("tuned.safetensors", None),)),
    Sample({"lora-000010.safetensors": _FILE}, (("lora-000010.safetensors", None),)),
)
