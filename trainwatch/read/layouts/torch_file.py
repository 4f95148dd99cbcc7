"""One file of ``torch.save`` per checkpoint: nanoGPT, ultralytics, mmengine, fairseq, timm, detectron2.

The law of this file: a family is a row of a table: how its files are named, which key gives it away,
where it keeps its counts. A file that fits no row but holds a model and counts is "torch-file".
Sources: karpathy/nanoGPT ``train.py``; ultralytics ``engine/trainer.py``; mmengine
``hooks/checkpoint_hook.py``; fairseq ``checkpoint_utils.py``; timm ``utils/checkpoint_saver.py``;
fvcore ``common/checkpoint.py``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.facts import Want
from trainwatch.read import pickles
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import DamagedError, TooLargeError, archive, torch_zip
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

FALLBACK = True
FOLDERS = ("weights", "checkpoints", "runs", "out", "out-*", "ckpt*")
WANTS = tuple(
    Want(f"*{end}", torch_zip.LOOKS[0], archive.TAIL) for end in (".pt", ".pth", ".pth.tar")
)


class Family(NamedTuple):
    """How one trainer saves."""

    name: str
    files: str  # a full match of the file name
    key: str  # a key that gives it away
    step: tuple[str, ...]  # the path to its step, through dicts
    epoch: tuple[str, ...]
    optimizer: str


FAMILIES = (
    Family("nanogpt", r"ckpt.*\.pt", "model_args", ("iter_num",), (), "optimizer"),
    Family("ultralytics", r"(last|best|epoch\d+)\.pt", "train_args", (), ("epoch",), "optimizer"),
    Family(
        "mmengine", r"((epoch|iter)_\d+|best_.+)\.pth", "message_hub", ("meta", "iter"),
        ("meta", "epoch"), "optimizer",
    ),
    Family(
        "fairseq", r"checkpoint.*\.pt", "extra_state", ("extra_state", "num_updates"),
        ("extra_state", "train_iterator", "epoch"), "last_optimizer_state",
    ),
    Family(
        "timm", r"(checkpoint-\d+|last|model_best|recovery-\d+-\d+|tmp)\.pth\.tar", "arch", (),
        ("epoch",), "optimizer",
    ),
    Family("detectron2", r"model_(\d{7}|final)\.pth", "iteration", ("iteration",), (), "optimizer"),
)  # fmt: skip
_OTHER = Family("torch-file", "", "", (), (), "")
_COUNTED = re.compile(r"(?:^|[A-Za-z_-])(\d{3,12})\.[a-z.]+$")  # "model010000.pt", "G_1000.pth"
_LIKELY = re.compile(r".*(best|last|latest|final|model|net|ckpt|checkpoint|epoch|step|iter|\d).*")
_MODELS = (
    "model",
    "state_dict",
    "model_state_dict",
    "model_state",
    "net",
    "module",
    "ema",
    "weights",
)
_STEPS = ("global_step", "step", "steps", "iter_num", "iteration", "iter", "num_updates")
_OPTIMIZERS = ("optimizer", "optimizer_state_dict", "optimizer_states", "optim", "opt")
_NO_MODEL = re.compile(r"(optimizer|optim|scheduler|scaler|rng_state|training_args|tokenizer).*")


class Inside(NamedTuple):
    """What the pickle tells."""

    problem: str  # "" where the file is whole
    family: Family | None
    step: int | None
    epoch: float | None
    has_optimizer: bool
    optimizer_bytes: int


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every checkpoint file in any folder."""
    for name, file in folder.files.items():
        if name.endswith((".pt", ".pth", ".pth.tar")) and not _NO_MODEL.match(name):
            named = _named(name)
            if named or _LIKELY.fullmatch(name):
                yield part([name], partial(_file, folder, file, named))


def _named(name: str) -> Family | None:
    return next((family for family in FAMILIES if re.fullmatch(family.files, name)), None)


def _file(folder: Folder, file: File, named: Family | None) -> Claim | None:
    draft = Draft(folder, "torch-file", file)
    draft.add([file], lambda _: "weights")
    inside = draft.check(file, inside_of, "weights")
    family = inside.family if inside else None
    if family is None:
        if named is None or (inside and not inside.problem):
            return None
        family = named  # damaged, and named like one
    draft.layout = f"torch-file:{family.name}" if family is not _OTHER else "torch-file"
    told = told_by(re.sub(r"\.(pt|pth|pth\.tar)$", "", file.name))
    if told.step is None and told.epoch is None:
        told = told_by(folder.name)
    number = _COUNTED.search(file.name)
    draft.step, draft.epoch = told.step, told.epoch
    if number and told.step is None and told.epoch is None:
        draft.step = int(number[1])
    if inside:
        draft.inside = inside.optimizer_bytes
        draft.step = inside.step if inside.step is not None else draft.step
        draft.epoch = inside.epoch if inside.epoch is not None else draft.epoch
        if inside.problem:
            draft.find("corrupt", f"{file.name}: {inside.problem}", "weights")
    if file.name.startswith("tmp."):
        draft.find("incomplete", "it is renamed when the save is finished", "mark")
    return draft.claim(inside is not None and inside.has_optimizer)


def inside_of(source: Source) -> Inside:
    """All in one look: the bytes are here once. A file without its end may still tell what it is."""
    problem = torch_zip.damage(source)
    try:
        value = torch_zip.contents(source)
    except torch_zip.OtherFormatError:  # TorchScript, say
        return Inside(problem, None, None, None, False, 0)
    except TooLargeError:
        if not problem:
            raise
        return Inside(problem, None, None, None, False, 0)
    except DamagedError as error:
        return Inside(problem or str(error), None, None, None, False, 0)
    held = pickles.pairs(value)
    if "_modules" in pickles.attributes(value):
        held = {"model": value}  # a whole module
    family = next((f for f in FAMILIES if f.key in held), _OTHER if _is_model(held) else None)
    if family is None:
        return Inside(problem, None, None, None, False, 0)
    step = _count(held, family.step) if family.step else _first(held, _STEPS)
    epoch = _count(held, family.epoch or ("epoch",))
    if epoch is not None and epoch < 0:
        epoch = None  # ultralytics strips what it keeps for good
    keys = (family.optimizer,) if family.optimizer else _OPTIMIZERS
    states = [held[key] for key in keys if held.get(key) is not None]
    size = min(torch_zip.held_bytes(states), source.size)
    told = None if epoch is None else float(epoch)
    return Inside(problem, family, step, told, bool(states), size)


def _is_model(held: Mapping[object, object]) -> bool:
    """A dict with a model in it, or a state dict: nothing but tensors by name."""
    if any(key in held for key in _MODELS):
        return True
    tensors = [value for value in held.values() if torch_zip.is_tensor(value)]
    return bool(tensors) and len(tensors) == len(held)


def _first(held: Mapping[object, object], keys: tuple[str, ...]) -> int | None:
    return next((count for key in keys if (count := _count(held, (key,))) is not None), None)


def _count(held: Mapping[object, object], path: tuple[str, ...]) -> int | None:
    value: object = held
    for key in path:
        value = pickles.pairs(value).get(key)
    return value if isinstance(value, int) and abs(value) < 1 << 53 else None


def _sample(**held: int) -> bytes:
    pairs = b"".join(
        b"X" + len(key).to_bytes(4, "little") + key.encode() + b"M" + value.to_bytes(2, "little")
        for key, value in held.items()
    )
    return archive.stored(b"a/data.pkl", b"\x80\x02}(" + pairs + b"u.")


SAMPLES = (
    Sample({"out/ckpt.pt": _sample(model=0, model_args=0, iter_num=2000)}, (("ckpt.pt", 2000),)),
    Sample(
        {
            "runs/detect/train3/weights/last.pt": _sample(epoch=7, train_args=0, optimizer=0),
            "runs/detect/train3/weights/best.pt": _sample(epoch=5, train_args=0),
        },
        (("best.pt", None), ("last.pt", None)),
    ),
    Sample({"model_0004999.pth": _sample(model=0, iteration=4999)}, (("model_0004999.pth", 4999),)),
    Sample({"last.pth.tar": _sample(epoch=3, arch=0, state_dict=0)}, (("last.pth.tar", None),)),
    Sample({"step_400.pt": _sample(model=0, optimizer=0)}, (("step_400.pt", 400),)),
)
