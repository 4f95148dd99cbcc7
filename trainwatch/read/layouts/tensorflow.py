"""TensorFlow: ``ckpt-N.index`` with its data files, and SavedModel folders.

The law of this file: the index is written after the data; every data file names how many there are.
Source: tensorflow ``python/checkpoint``, ``core/util/tensor_bundle``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part, whole
from trainwatch.read.headers import tensor_bundle
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FOLDERS = ("tf_ckpts", "training_checkpoints", "checkpoints", "saved_model*")
WANTS = (Want("*.index", tensor_bundle.LARGEST, 48),)
_DATA = re.compile(r"(.+)\.data-(\d{5})-of-(\d{5})")
_MOST_SHARDS = 10_000
_STEP = re.compile(r".*[-_](\d{1,18})")


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every checkpoint of a prefix, or a SavedModel."""
    if "saved_model.pb" in folder.files:
        yield whole(partial(_saved_model, folder))
        return
    prefixes = {match[1] for match in map(_DATA.fullmatch, folder.files) if match}
    prefixes |= {n.removesuffix(".index") for n in folder.files if n.endswith(".index")}
    for prefix in sorted(prefixes):
        names = [n for n in folder.files if n == f"{prefix}.index" or _belongs(n, prefix)]
        yield part(names, partial(_bundle, folder, prefix, names))


def _part(path: str) -> Part:
    return "weights" if ".data-" in path or path.endswith((".index", ".pb")) else "other"


def _bundle(folder: Folder, prefix: str, names: list[str]) -> Claim:
    files = [folder.files[name] for name in names]
    draft = Draft(folder, "tensorflow", files[0])
    draft.name, draft.path = prefix, f"{folder.absolute}/{prefix}"
    draft.add(files, _part)
    step = _STEP.fullmatch(prefix)
    draft.step = int(step[1]) if step else None
    _check(draft, folder, prefix)
    return draft.claim(True)


def _belongs(name: str, prefix: str) -> bool:
    found = _DATA.fullmatch(name)
    return found is not None and found[1] == prefix


def _check(draft: Draft, folder: Folder, prefix: str) -> None:
    index = folder.files.get(f"{prefix}.index")
    least: dict[int, int] = {}
    if index is None:
        draft.find("incomplete", f"{prefix}.index, written last, is missing", "mark")
    else:
        least = draft.check(index, tensor_bundle.lengths, "weights") or {}
    shards = [match for match in map(_DATA.fullmatch, folder.files) if match and match[1] == prefix]
    count = min(max((int(match[3]) for match in shards), default=1), _MOST_SHARDS)
    for number in range(count):
        name = f"{prefix}.data-{number:05}-of-{count:05}"
        size = folder.files[name].size if name in folder.files else None
        needed = max(least.get(number, 1), 1)
        if size is None:
            draft.find("incomplete", f"{name} is missing", "weights")
        elif size < needed:
            draft.find("corrupt", f"{name} is cut at {100 * size // needed} %", "weights")


def _saved_model(folder: Folder) -> Claim:
    draft = Draft(folder, "tensorflow")
    draft.add(folder.walk(), _part)
    if folder.files["saved_model.pb"].size == 0:
        draft.find("corrupt", "saved_model.pb is empty", "weights")
    variables = folder.folders.get("variables")
    if variables is None:
        draft.find("incomplete", "variables is missing", "weights")
    else:
        _check(draft, variables, "variables")
    return draft.claim(False)


_INDEX = tensor_bundle.SAMPLES[0]
SAMPLES = (
    Sample(
        {
            "tf_ckpts/checkpoint": b'model_checkpoint_path: "ckpt-12"',
            "tf_ckpts/ckpt-12.index": _INDEX,
            "tf_ckpts/ckpt-12.data-00000-of-00001": b"data",
        },
        (("ckpt-12", 12),),
    ),
    Sample(
        {
            "saved_model/saved_model.pb": b"graph",
            "saved_model/variables/variables.index": _INDEX,
            "saved_model/variables/variables.data-00000-of-00001": b"data",
        },
        (("saved_model", None),),
    ),
)
