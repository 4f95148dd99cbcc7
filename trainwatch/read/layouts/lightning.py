"""PyTorch Lightning: ``*.ckpt``, a file of ``torch.save`` or, with a sharded strategy, a folder.

The law of this file: what the file holds is told by its pickle, which is read and never run; when
that cannot be read, the name tells. Sources: lightning 2.6 ``callbacks/model_checkpoint.py``,
``trainer/connectors/checkpoint_connector.py``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.facts import Want
from trainwatch.read import pickles
from trainwatch.read.draft import Draft, part, whole
from trainwatch.read.headers import DamagedError, archive, torch_zip
from trainwatch.read.integrity import check_file, check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.layouts.dcp import METADATA, check_sharded
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

FOLDERS = ("lightning_logs", "version_*", "checkpoints", "*.ckpt")
WANTS = (Want("*.ckpt", torch_zip.LOOKS[0], archive.TAIL), Want("*.ckpt/*.pt", 64, archive.TAIL))
_NAME = re.compile(r"(.*(epoch|step)=\d+.*|last(-v\d+)?|hpc_ckpt_\d+)\.ckpt")


class Inside(NamedTuple):
    """What the pickle tells."""

    problem: str
    is_lightning: bool
    step: int | None
    epoch: float | None
    best: str | None
    monitor: str | None
    has_optimizer: bool
    optimizer_bytes: int


def recognise(folder: Folder) -> Iterator[Offer]:
    """A sharded checkpoint, or every checkpoint file in any folder."""
    if folder.name.endswith(".ckpt") and (folder.folders or "meta.pt" in folder.files):
        yield whole(partial(_sharded, folder))
        return
    for name, file in folder.files.items():
        if name.endswith(".ckpt"):
            yield part([name], partial(_file, folder, file))


def _part(path: str) -> Part:
    return "weights" if path.endswith((".ckpt", ".distcp", ".pt")) else "other"


def _file(folder: Folder, file: File) -> Claim | None:
    draft = Draft(folder, "lightning", file)
    draft.add([file], _part)
    told = told_by(file.name.removesuffix(".ckpt"))
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics
    inside = draft.check(file, _inside, "weights")
    if not inside or inside.problem:
        named = _NAME.fullmatch(file.name) is not None
        if not named and not (inside and inside.is_lightning):
            return None
        if inside:
            draft.find("corrupt", f"{file.name}: {inside.problem}", "weights")
    elif not inside.is_lightning:
        return None
    if inside and inside.is_lightning:
        draft.step = inside.step if inside.step is not None else draft.step
        draft.epoch = inside.epoch if inside.epoch is not None else draft.epoch
        draft.claims_best = inside.best
        draft.inside = inside.optimizer_bytes
        draft.facts += [("monitor", inside.monitor)] if inside.monitor else []
    return draft.claim(inside is not None and inside.has_optimizer)


def _inside(source: Source) -> Inside:
    """All in one look: the bytes are here once. A file without its end may still tell what it is."""
    problem = torch_zip.damage(source)
    try:
        held = pickles.pairs(torch_zip.contents(source))
    except DamagedError as error:
        held, problem = {}, problem or str(error)
    step, epoch = held.get("global_step"), held.get("epoch")
    saver = next(_savers(held.get("callbacks")), {})
    best, monitor = saver.get("best_model_path"), saver.get("monitor")
    return Inside(
        problem,
        "pytorch-lightning_version" in held,
        step if isinstance(step, int) else None,
        float(epoch) if isinstance(epoch, int) and abs(epoch) < 1 << 53 else None,
        re.split(r"[/\\]", best)[-1] if isinstance(best, str) and best else None,
        monitor if isinstance(monitor, str) else None,
        bool(held.get("optimizer_states")),
        min(torch_zip.held_bytes(held.get("optimizer_states")), source.size),
    )


def _savers(callbacks: object) -> Iterator[dict[object, object]]:
    for name, state in pickles.pairs(callbacks).items():
        if isinstance(name, str) and name.startswith("ModelCheckpoint"):
            yield pickles.pairs(state)


def _sharded(folder: Folder) -> Claim:
    draft = Draft(folder, "lightning")
    draft.add(folder.walk(), _part)
    told = told_by(folder.name.removesuffix(".ckpt"))
    draft.step, draft.epoch, draft.metrics = told.step, told.epoch, told.metrics
    if any(file.name.endswith(".distcp") for file in folder.walk()) or "meta.pt" in folder.files:
        check_sharded(draft, folder)
        if "meta.pt" not in folder.files:
            draft.find("incomplete", "meta.pt is missing", "mark")
    for file in folder.walk():
        check_file(draft, file, _part(folder.within(file)))
        if file.size == 0:
            draft.find("incomplete", f"{folder.within(file)} is empty", "weights")
    check_links(draft, folder)
    return draft.claim(True)


SAMPLES = (
    Sample(
        {"lightning_logs/version_0/checkpoints/epoch=2-step=24-val_loss=0.026.ckpt": archive.stored(
            b"archive/data.pkl",
            b"\x80\x02}(X\x0b\0\0\0global_stepK\x18X\x19\0\0\0pytorch-lightning_versionX\3\0\0\0"
            b"2.6X\x10\0\0\0optimizer_states]Nau.",
        )},
        (("epoch=2-step=24-val_loss=0.026.ckpt", 24),),
    ),
    Sample(
        {
            "epoch=0-step=5.ckpt/meta.pt": archive.SAMPLES[0],
            "epoch=0-step=5.ckpt/.metadata": METADATA,
            "epoch=0-step=5.ckpt/__0_0.distcp": b"data",
        },
        (("epoch=0-step=5.ckpt", 5),),
    ),
)  # fmt: skip
