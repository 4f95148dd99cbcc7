"""DeepSpeed: one folder per tag, one file per rank, and ``latest`` beside them, written last.

The law of this file: rank files are made empty and then filled, so an empty one is an unfinished
one; the ranks that must be there follow from the highest one seen. Sources: DeepSpeed 0.19
``runtime/engine.py``, ``checkpoint/constants.py``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive
from trainwatch.read.integrity import check_file, check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.pointer import pointed_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

FOLDERS = ("global_step*", "checkpoint*")
WANTS = (Want("*latest", 1024, 0), Want("*_states.pt", 64, archive.TAIL))
_RANK = re.compile(r"(?P<before>.*(?:zero_pp_rank|mp_rank)_)(?P<rank>\d{1,6})(?P<after>(?:_.*)?)")
_STEP = re.compile(r"(\d{1,18})$")


def recognise(folder: Folder) -> Iterator[Offer]:
    """A tag: a folder of ``*_states.pt`` files."""
    if any(name.endswith("_model_states.pt") for name in folder.files):
        yield whole(partial(_checkpoint, folder))


def _part(path: str) -> Part:
    if path.endswith("_optim_states.pt"):
        return "optimizer"
    return "weights" if path.endswith("_states.pt") else "other"


def _checkpoint(folder: Folder) -> Claim:
    draft = Draft(folder, "deepspeed")
    draft.add(folder.walk(), _part)
    number = _STEP.search(folder.name)
    draft.step = int(number[1]) if number else None
    latest = pointed_at(draft, folder.parent, "latest")
    newest = _STEP.search(latest or "")
    if newest and draft.step is not None and draft.step > int(newest[1]):
        draft.find("incomplete", f"the file latest, written last, still names {latest}", "mark")
    for missing in _missing(folder):
        draft.find("incomplete", f"{missing} is missing", _part(missing))
    for file in folder.walk():
        check_file(draft, file, _part(file.name))
    check_links(draft, folder)
    return draft.claim(any(file.part == "optimizer" for file in draft.files))


def _missing(folder: Folder) -> Iterator[str]:
    """Names of the ranks that are not there although a higher one is."""
    ranks: dict[tuple[str, str], set[int]] = defaultdict(set)
    width: dict[tuple[str, str], int] = {}
    for name in folder.files:
        found = _RANK.fullmatch(name)
        if found:
            kind = found["before"], found["after"]
            ranks[kind].add(int(found["rank"]))
            width[kind] = len(found["rank"])
    for (before, after), there in ranks.items():
        for rank in range(min(max(there), 1 << 16)):
            if rank not in there:
                yield f"{before}{rank:0{width[before, after]}}{after}"


_ARCHIVE = archive.SAMPLES[0]
SAMPLES = (
    Sample(
        {
            "latest": b"global_step40",
            "zero_to_fp32.py": b"",
            "global_step40/mp_rank_00_model_states.pt": _ARCHIVE,
            "global_step40/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt": _ARCHIVE,
            "global_step40/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt": _ARCHIVE,
        },
        (("global_step40", 40),),
    ),
)
