"""Orbax (JAX, Flax, MaxText): a folder per step, renamed or marked when it is committed.

The law of this file: a name that still carries ``.orbax-checkpoint-tmp`` is not committed; every data
file that the manifests refer to must be there. Sources: google/orbax
``checkpoint/_src/path/{atomicity,step,temporary_paths}.py``, ``_src/metadata/checkpoint.py``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import ocdbt
from trainwatch.read.integrity import check_links, check_usual, json_end, json_object
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

FOLDERS = ("[0-9]*", "step_*", "checkpoint_*", "checkpoints", "*.orbax-checkpoint-tmp*")
WANTS = (
    Want("*_CHECKPOINT_METADATA", 64 << 10, 0),
    Want("*metrics/metrics", 64 << 10, 0),
    Want("*/_METADATA", 64 << 10, 8),
    Want("*manifest.ocdbt", ocdbt.HEAD, 0),
    Want("*/d/*", ocdbt.HEAD, 0),
    Want("*_sharding", 64 << 10, 8),
    Want("*array_metadatas/*", 64 << 10, 8),
)
_NAME = re.compile(r"(?:[A-Za-z][\w.-]*_)?(\d{1,18})(\.orbax-checkpoint-tmp.*)?")
_MARKS = {"_CHECKPOINT_METADATA", "commit_success.txt", "_METADATA"}
Metrics: TypeAlias = tuple[tuple[str, float], ...]
_MOST_NODES = 10_000
_ITEMS = ("default", "state", "params", "items")


def recognise(folder: Folder) -> Iterator[Offer]:
    """One step, committed or not."""
    named = _NAME.fullmatch(folder.name)
    if named and (named[2] or _MARKS & folder.files.keys()):
        yield whole(partial(_checkpoint, folder, int(named[1]), bool(named[2])))


def _part(path: str) -> Part:
    top = path.partition("/")[0]
    return (
        "weights" if ("/" in path and top in _ITEMS) or top in ("d", "ocdbt.process_0") else "other"
    )


def _checkpoint(folder: Folder, step: int, temporary: bool) -> Claim:
    draft = Draft(folder, "orbax")
    draft.step = step
    draft.add(folder.walk(), _part)
    if "metrics" in folder.folders:
        metrics = folder.folders["metrics"].files.get("metrics")
        if metrics is None:
            draft.find("incomplete", "metrics/metrics is missing", "other")
        else:
            draft.metrics = draft.check(metrics, _numbers, "other") or ()
    told = folder.files.get("_CHECKPOINT_METADATA")
    if told is None and any("array_metadatas" in item.folders for item in folder.folders.values()):
        draft.find("incomplete", "_CHECKPOINT_METADATA is missing", "mark")
    commit = draft.check(told, _commit, "mark") if told else None
    if commit:
        draft.metrics = draft.metrics or commit.metrics
        if commit.took is not None:
            draft.facts.append(("saving took", f"{commit.took:.1f} s"))
        for name in commit.items - folder.folders.keys():
            draft.find("incomplete", f"{name} is missing", "weights")
    if temporary:
        draft.find("incomplete", "it is not committed: its name is still a temporary one", "mark")
    for item in folder.folders.values():
        _check_item(draft, item)
    check_links(draft, folder)
    if not draft.findings:
        check_usual(draft, folder, "_CHECKPOINT_METADATA", _part)
        check_usual(draft, folder, "commit_success.txt", _part)
    return draft.claim(True)


def _check_item(draft: Draft, item: Folder) -> None:
    """An item of arrays must have its tree and its manifest, and what those refer to."""
    if item.name not in _ITEMS:
        return
    tree = item.files.get("_METADATA")
    if tree is None:
        draft.find("incomplete", f"{item.name}/_METADATA is missing", "weights")
    else:
        draft.check(tree, json_end, "weights")
    for file in item.walk():
        if "/d/" in file.path:
            draft.check(file, ocdbt.check_data, "weights")
        elif file.name == "_sharding" or "/array_metadatas/" in file.path:
            draft.check(file, json_end, "other")
        elif file.size == 0:
            draft.find("incomplete", f"{draft.folder.within(file)} is empty", "weights")
    for place in (item, *item.folders.values()):
        manifest = place.files.get("manifest.ocdbt")
        if manifest:
            _check_tree(draft, place, draft.check(manifest, ocdbt.roots, "weights") or ())
        elif "d" in place.folders:
            name = f"{place.path[len(draft.folder.path) :].strip('/')}/manifest.ocdbt"
            draft.find("incomplete", f"{name} is missing", "weights")


def _check_tree(draft: Draft, top: Folder, roots: tuple[ocdbt.Place, ...]) -> None:
    """Every data file that is referred to must be there, and long enough."""
    waiting, seen = list(roots), set(roots)
    missing: set[str] = set()
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        place = waiting.pop()
        file = _below(top, place.path)
        if file is None:
            missing.add(place.path)
            if len(missing) == 1:
                draft.find("incomplete", f"{place.path} is missing", "weights")
        elif file.size < place.offset + place.length:
            draft.find("corrupt", f"{draft.folder.within(file)}: it is cut", "weights")
        elif place.height is not None:
            found = draft.check(file, ocdbt.Node(place), "weights") or ()
            waiting += [each for each in found if each not in seen]
            seen.update(found)


def _below(folder: Folder, path: str) -> File | None:
    *above, name = path.split("/")
    place: Folder | None = folder
    for each in above:
        place = place.folders.get(each) if place else None
    return place.files.get(name) if place else None


def _numbers(source: Source) -> Metrics:
    return _metrics(json_object(source))


def _metrics(told: object) -> Metrics:
    return tuple(
        (str(key), float(value))
        for key, value in (told.items() if isinstance(told, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    )


class Commit(NamedTuple):
    """What ``_CHECKPOINT_METADATA`` tells."""

    took: float | None  # seconds from its first time stamp to its last
    metrics: Metrics
    items: frozenset[str]  # the folders that belong to it


def _commit(source: Source) -> Commit:
    told = json_object(source)
    took = None
    match told.get("init_timestamp_nsecs"), told.get("commit_timestamp_nsecs"):
        case int(began), int(ended) if 0 < began <= ended:
            took = (ended - began) / 1e9
    items = told.get("item_handlers")
    names = frozenset(n for n in items if n) if isinstance(items, dict) else frozenset()
    return Commit(took, _metrics(told.get("metrics")), names)


SAMPLES = (
    Sample(
        {
            "100/_CHECKPOINT_METADATA": b"{}",
            "100/default/_METADATA": b"{}",
            "100/default/manifest.ocdbt": ocdbt.SAMPLES[0],
            "100/default/d/0": ocdbt.SAMPLES[1],
            "100/default/d/v": b"ab",
            "100/metrics/metrics": b'{"loss": 0.25}',
        },
        (("100", 100),),
    ),
    Sample(
        {"step_200.orbax-checkpoint-tmp-17/default/_METADATA": b"{}"},
        (("step_200.orbax-checkpoint-tmp-17", 200),),
    ),
)
