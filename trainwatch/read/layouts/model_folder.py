"""A model as ``save_pretrained`` writes it: transformers, PEFT, sentence-transformers, diffusers.

The law of this file: a description beside weights makes a model, never weights alone; what other
folders below belong to it is told by the description. It holds nothing to go on training from.
Sources: transformers 5.23 ``modeling_utils.py``; peft 0.21 ``peft_model.py``; sentence-transformers
6.2 ``modules.json``; diffusers 0.42 ``model_index.json``.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import safetensors
from trainwatch.read.integrity import (
    SMALL,
    TEMPORARY,
    check_file,
    check_index,
    check_links,
    check_needed,
    check_temporary,
    json_value,
    needed,
)
from trainwatch.read.layouts import Sample, folders
from trainwatch.read.layouts.hf_trainer import described
from trainwatch.read.likeness import note_twin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import Folder

FOLDERS = ("[0-9]_[A-Z]*", "unet", "unet_ema", "vae", "text_encoder*")
WANTS = (
    Want("*.safetensors", SMALL, 0),
    Want("*.json", SMALL, 8),
)
_SAVED = re.compile(r"checkpoint-\d{1,18}")
_OTHERS = re.compile(r"(tmp-)?checkpoint[-_]\d+|epoch_\d+|model-(best|last)")
_WEIGHTS = re.compile(
    r"((diffusion_)?(pytorch_)?model|adapter_model|pytorch_lora_weights|consolidated)"
    r"(\.(fp16|bf16|ema|non_ema|8bit))?(-\d{5}-of-\d{5})?\.(safetensors|bin)"
)
_INDEX = re.compile(r".*\.(safetensors|bin)\.index\.json")
_DESCRIBED = ("config.json", "adapter_config.json", "model_index.json", "modules.json")
_PIPELINES = ("model_index.json", "modules.json")
_OWN = re.compile(
    r".*\.(json|jinja|model|tiktoken|py)|(vocab|merges|spiece|sentencepiece).*|README\.md"
    r"|training_args\.bin|\.tmp\w{6}"
)
_NO_CONFIG = re.compile(r".*(Scheduler|Tokenizer(Fast)?|Processor(Fast)?|Extractor)|Normalize")
_NO_WEIGHTS = re.compile(rf"Pooling|{_NO_CONFIG.pattern}")
_SENTENCES = "config_sentence_transformers.json"


def recognise(folder: Folder) -> Iterator[Offer]:
    """A model in this folder, beside whatever else lies here."""
    elsewhere = "trainer_state.json" in folder.files or _OTHERS.fullmatch(folder.name)
    if elsewhere or folder.files.keys().isdisjoint(_DESCRIBED) or _is_part(folder):
        return
    saved = any(_is_weights(name) or _INDEX.fullmatch(name) for name in folder.files)
    if saved or "adapter_config.json" in folder.files or _pipeline(folder):
        names = {name for name in folder.files if _is_weights(name) or _OWN.fullmatch(name)}
        inner = {
            name for name in folder.folders if _pipeline(folder) and not _SAVED.fullmatch(name)
        }
        yield part(names | inner, partial(_model, folder, frozenset(names)))


def _is_weights(name: str) -> bool:
    return _WEIGHTS.fullmatch(name) is not None


def _pipeline(folder: Folder) -> str:
    """The file that names the folders of a model that consists of several; "" where there is none."""
    return next((name for name in _PIPELINES if name in folder.files), "")


def _is_part(folder: Folder) -> bool:
    """Whether it is a part of the model in the folder above."""
    return folder.parent is not None and bool(_pipeline(folder.parent))


def _part(path: str) -> Part:
    return "weights" if _is_weights(path.rpartition("/")[2]) else "other"


def _model(folder: Folder, names: frozenset[str]) -> Claim | None:
    draft = Draft(folder, "model-folder")
    if any(map(_SAVED.fullmatch, folder.folders)):
        draft.name = "final"  # what a training left beside its checkpoints
    draft.add([folder.files[name] for name in sorted(names)], _part)
    for place in _places(draft, folder):
        draft.add(place.walk(), _part)
        _check(draft, place, frozenset(place.files))
    if not _check(draft, folder, names) and not _pipeline(folder):
        if {"LoRA", "adapter"}.isdisjoint(name for name, _ in draft.facts):
            return None  # other tools call their descriptions of adapters alike
        draft.find("incomplete", "it holds no weights", "weights")
    if _SENTENCES in folder.files and "modules.json" not in folder.files:
        draft.find("incomplete", "modules.json is missing", "weights")
    if draft.name == "final" and not draft.findings:
        note_twin(draft, folder, _is_weights)
    check_links(draft, folder, _is_weights)
    return draft.claim(False)


def _check(draft: Draft, folder: Folder, names: frozenset[str]) -> bool:
    """Whether there are weights in this folder; what is not whole goes into the draft."""
    weights = needed(draft, folder, _is_weights)
    check_needed(draft, folder, weights)
    check_index(draft, folder, weights)
    for name in sorted(names - weights):
        file = folder.files[name]
        if TEMPORARY.fullmatch(name):
            check_temporary(draft, file)
        elif name.endswith("config.json"):
            draft.facts += draft.check(file, described, "other") or ()
        elif not name.endswith(".index.json") and name not in _PIPELINES:
            check_file(draft, file, "other")
    return bool(weights)


def _places(draft: Draft, folder: Folder) -> Iterator[Folder]:
    """The folders of a model's parts; a part that is not there, or is empty, goes into the draft."""
    pipeline = folder.files.get(_pipeline(folder))
    unseen = []
    for name, kind in (draft.check(pipeline, _parts, "mark") or ()) if pipeline else ():
        place = folder.folders.get(name) if name else folder
        if place is None or not place.entries[1:]:
            if not any(fnmatch(name, like) for like in folders()):
                unseen.append(name)  # the probe need not have named it
            elif place is None:
                draft.find("incomplete", f"{name} is missing", "weights")
            else:
                draft.find("incomplete", f"{name} is empty", "weights")
            continue
        if place is not folder:
            yield place
        if not any(map(_is_weights, place.files)) and not _NO_WEIGHTS.fullmatch(kind):
            draft.find("incomplete", f"{name or 'it'} holds no weights", "weights")
        if "config.json" not in place.files and not _NO_CONFIG.fullmatch(kind):
            where = f"{name}/" if name else ""
            draft.find("incomplete", f"{where}config.json is missing", "weights")
    if unseen:
        draft.facts.append(("not looked into", ", ".join(unseen)))


def _parts(source: Source) -> tuple[tuple[str, str], ...]:
    """(folder, class) of each part."""
    told = json_value(source)
    match told:
        case list():
            rows = [(row.get("path"), row.get("type")) for row in told if isinstance(row, dict)]
        case dict():
            rows = [(name, kind[1]) for name, kind in told.items() if _is_class(kind)]
        case _:
            rows = []
    return tuple(
        (name, kind.rpartition(".")[2])
        for name, kind in rows
        if isinstance(name, str) and isinstance(kind, str) and "/" not in name
    )


def _is_class(value: object) -> bool:
    """(library, class) of a part; (null, null) for one that is left out."""
    return isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)


_FILE = safetensors.SAMPLES[1]
_LORA = b'{"peft_type": "LORA", "r": 8, "lora_alpha": 16}'
SAMPLES = (
    Sample(
        {
            "model_final/config.json": b'{"model_type": "llama"}',
            "model_final/model.safetensors": _FILE,
        },
        (("model_final", None),),
    ),
    Sample(
        {"tuned_best/adapter_config.json": _LORA, "tuned_best/adapter_model.safetensors": _FILE},
        (("tuned_best", None),),
    ),
)
