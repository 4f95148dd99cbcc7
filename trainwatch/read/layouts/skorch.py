"""skorch: the parts of a net in files that share a prefix: ``best_params.pt``, ``best_optimizer.pt``, ...

The law of this file: the parameters are the checkpoint and the files of the same prefix belong to
it; epoch and losses are those of the last row of its history, or of the row that its name counts.
Source: skorch 1.4 ``callbacks/training.py``, ``net.py``.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import DamagedError, archive
from trainwatch.read.integrity import check_file
from trainwatch.read.layouts import Sample
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

LARGEST = 4 << 20
FOLDERS = ("exp*",)
WANTS = (
    Want("*history.json", LARGEST, 0),
    *(Want(f"*{name}.pt", 64, archive.TAIL) for name in ("params", "optimizer", "criterion")),
    Want("*params.safetensors", 64 << 10, 0),
)
_PARAMS = re.compile(r"(.*?)params\.(pt|safetensors|pkl)")
_NUMBERS = re.compile(r"(train|valid)_[a-z]\w*")


def recognise(folder: Folder) -> Iterator[Offer]:
    """The parameters in any folder that also holds a history of theirs."""
    for name, file in folder.files.items():
        named = _PARAMS.fullmatch(name)
        if named:
            prefix = named[1]
            history = folder.files.get(f"{prefix}history.json")
            own = {n: f for n, f in folder.files.items() if _is_of(n, prefix)} if history else {}
            history = history or folder.files.get("history.json")
            if history:
                files = {**own, name: file}
                yield part(files, partial(_net, folder, file, files, history))


def _is_of(name: str, prefix: str) -> bool:
    rest = name.removeprefix(prefix) if name.startswith(prefix) else ""
    return re.fullmatch(r"(params|optimizer|criterion|history)\.\w+", rest) is not None


def _part(path: str) -> Part:
    kind = re.search(r"(params|optimizer)\.\w+$", path)
    return "other" if kind is None else "weights" if kind[1] == "params" else "optimizer"


def _net(folder: Folder, file: File, files: dict[str, File], history: File) -> Claim | None:
    draft = Draft(folder, "skorch", file)
    draft.add(files.values(), _part)
    rows = draft.check(history, _rows, "other")
    if rows is None and history.name not in files:
        return None  # the history is another's, and none at all
    for each in files.values():
        if each is not history:
            check_file(draft, each, _part(each.name))
    kinds = {name.removesuffix(".pt").rpartition("_")[2] for name in files}
    if len(kinds & {"optimizer", "criterion"}) == 1:  # it saves both, unless told to save neither
        lost = "criterion" if "optimizer" in kinds else "optimizer"
        draft.find("incomplete", f"the file of the {lost} is missing", "optimizer")
    counted = told_by(file.name.removesuffix(".pt")).epoch
    told = rows or ()
    at = [row for row in told if counted is None or row.get("epoch") == counted]
    best = [row for row in told if row.get("valid_loss_best") is True]
    if file.name.startswith("best") and best:
        at = best
    draft.epoch = counted
    if at and isinstance(at[-1].get("epoch"), int):
        draft.epoch = float(at[-1]["epoch"])
        draft.metrics = tuple(sorted(_numbers(at[-1])))
    return draft.claim(any(_part(name) == "optimizer" for name in files))


def _numbers(row: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in row.items():
        if _NUMBERS.fullmatch(key) and isinstance(value, float) and not key.endswith("batch_size"):
            yield key, value


def _rows(source: Source) -> tuple[dict[str, Any], ...]:
    """The rows of a history, each one epoch, without their batches."""
    if source.size > LARGEST:
        return ()
    try:
        told = json.loads(source.read(0, source.size))
    except (ValueError, RecursionError):
        raise DamagedError("it is cut or no JSON") from None
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        raise DamagedError("it is no history")
    return tuple({k: v for k, v in row.items() if k != "batches"} for row in told)


SAMPLES = (
    Sample(
        {
            "exp1/best_params.pt": archive.SAMPLES[0],
            "exp1/best_optimizer.pt": archive.SAMPLES[0],
            "exp1/best_criterion.pt": archive.SAMPLES[0],
            "exp1/best_history.json": b'[{"epoch": 1, "valid_loss": 0.5, "valid_loss_best": true}]',
        },
        (("best_params.pt", None),),
    ),
)
