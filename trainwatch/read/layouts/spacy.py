"""spaCy: ``model-last`` and ``model-best``, with the scores in ``meta.json``.

The law of this file: ``model-best`` is a copy of ``model-last`` and is missing for a moment while it
is made; neither can be resumed. ``vocab`` is saved last. Weights are MessagePack, stepped over to
their end. ``config.cfg`` has no end of its own: it is held against that of the other folder. Source:
explosion/spaCy ``training/loop.py``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import msgpack, npy
from trainwatch.read.integrity import SMALL, check_links, json_end, json_object
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

FOLDERS = ("model-best", "model-last")
WANTS = (
    Want("*meta.json", SMALL, 8),
    Want("*vocab/strings.json", SMALL, 8),
    Want("*vocab/vectors", npy.HEAD, 0),
    Want("*vocab/lookups.bin", msgpack.HEAD, 0),
    Want("*vocab/key2row", msgpack.HEAD, 0),
    Want("*/tokenizer", msgpack.HEAD, 0),
    Want("*/model", msgpack.HEAD, 0),
    Want("*/moves", msgpack.HEAD, 0),
    Want("*/cfg", SMALL, 8),
    Want("*/vectors.cfg", SMALL, 8),
)
_PACKED = ("model", "tokenizer", "moves", "lookups.bin", "key2row")
_JSON = ("cfg", "vectors.cfg")


def recognise(folder: Folder) -> Iterator[Offer]:
    """A pipeline."""
    if "config.cfg" in folder.files and {"meta.json", "tokenizer"} & folder.files.keys():
        yield whole(partial(_checkpoint, folder))


def _part(path: str) -> Part:
    return "weights" if path.endswith("/model") else "other"


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "spacy")
    draft.add(folder.walk(), _part)
    meta = folder.files.get("meta.json")
    if meta is None:
        draft.find("incomplete", "meta.json is missing", "mark")
    else:
        told = draft.check(meta, _meta, "mark")
        scores, pipeline = told or ((), ())
        draft.metrics = scores
        for name in pipeline:
            if name not in folder.folders:
                draft.find("incomplete", f"{name} is missing", "weights")
    for name in ("tokenizer", "config.cfg"):
        if name not in folder.files or folder.files[name].size == 0:
            draft.find("incomplete", f"{name} is missing", "other")
    vocab = folder.folders.get("vocab")
    strings = vocab.files.get("strings.json") if vocab else None
    if strings is None:
        draft.find("incomplete", "vocab/strings.json is missing", "mark")
    else:
        draft.check(strings, json_end, "mark")
    for file in folder.walk():
        _check(draft, file)
    _check_beside(draft, folder)
    check_links(draft, folder)
    return draft.claim(False)


def _check(draft: Draft, file: File) -> None:
    part = _part(file.path)
    if file.name in _PACKED:
        draft.check(file, msgpack.check_end, part)
    elif file.name in _JSON:
        draft.check(file, json_end, part)
    elif file.name == "vectors":
        draft.check(file, npy.check_end, part)


def _check_beside(draft: Draft, folder: Folder) -> None:
    """Both folders of one training hold the same files and the same configuration."""
    beside = folder.parent.folders if folder.parent else {}
    own = {folder.within(file): file for file in folder.walk()}
    for name in FOLDERS:
        if name not in beside or name == folder.name:
            continue
        others = {beside[name].within(file): file for file in beside[name].walk()}
        if not beside[name].files.keys() >= {"meta.json", "config.cfg"}:
            continue  # it is being made
        for path in sorted(others.keys() - own.keys()):
            draft.find("incomplete", f"{path} is missing; {name} has it", _part(path))
        if "config.cfg" in own and own["config.cfg"].size < others["config.cfg"].size:
            draft.find("corrupt", f"config.cfg is shorter than that of {name}", "other")


def _meta(source: Source) -> tuple[tuple[tuple[str, float], ...], tuple[str, ...]]:
    """The scores, and the components that must have a folder: not all of them have weights."""
    meta = json_object(source)
    performance = meta.get("performance")
    scores = performance.items() if isinstance(performance, dict) else ()
    numbers = tuple(
        (key, float(value))
        for key, value in scores
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    )
    pipeline = meta.get("pipeline")
    names = pipeline if isinstance(pipeline, list) else []
    return numbers, tuple(name for name in names if isinstance(name, str))


SAMPLES = (
    Sample(
        {
            "model-best/config.cfg": b"[nlp]",
            "model-best/tokenizer": msgpack.SAMPLES[1],
            "model-best/meta.json": b'{"pipeline": ["ner"], "performance": {"ents_f": 0.5}}',
            "model-best/ner/model": msgpack.SAMPLES[0],
            "model-best/vocab/strings.json": b'["x"]',
        },
        (("model-best", None),),
    ),
)
