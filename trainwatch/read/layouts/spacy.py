"""spaCy: ``model-last`` and ``model-best``, with the scores in ``meta.json``.

The law of this file: ``model-best`` is a copy of ``model-last`` and is missing for a moment while it
is made; neither can be resumed. ``vocab`` is saved last. Weights are msgpack without a length: they
are only seen to be there, and not to be empty. Source: explosion/spaCy ``training/loop.py``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.integrity import SMALL, check_links, json_end, json_object
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import Folder

FOLDERS = ("model-best", "model-last")
WANTS = (Want("*meta.json", SMALL, 8), Want("*vocab/strings.json", SMALL, 8))


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
        if file.name == "model" and file.size == 0:
            draft.find("corrupt", f"{folder.within(file)} is empty", "weights")
    check_links(draft, folder)
    return draft.claim(False)


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
            "model-best/tokenizer": b"x",
            "model-best/meta.json": b'{"pipeline": ["ner"], "performance": {"ents_f": 0.5}}',
            "model-best/ner/model": b"x",
            "model-best/vocab/strings.json": b'["x"]',
        },
        (("model-best", None),),
    ),
)
