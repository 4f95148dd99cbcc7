"""verl: ``global_step_<n>`` with a folder per role and a file per rank.

The law of this file: every file name tells how many ranks there are, so a missing one shows.
Source: volcengine/verl ``docs/advance/checkpoint.rst``, ``verl/utils/checkpoint``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, whole
from trainwatch.read.headers import archive
from trainwatch.read.integrity import check_file, check_links
from trainwatch.read.layouts import Sample
from trainwatch.read.pointer import check_tracker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.draft import Claim, Offer, Part
    from trainwatch.read.tree import Folder

TRACKER = "latest_checkpointed_iteration.txt"
FOLDERS = ("global_step_*", "checkpoints")
WANTS = (Want("*" + TRACKER, 1024, 0), Want("*_world_size_*_rank_*.pt", 64, archive.TAIL))
_NAME = re.compile(r"global_step_(\d{1,18})")
_RANK = re.compile(r"(model|optim|extra_state)_world_size_(\d{1,6})_rank_(\d{1,6})\.pt")
_MOST_RANKS = 1 << 14


def recognise(folder: Folder) -> Iterator[Offer]:
    """One step, with at least one role in it."""
    named = _NAME.fullmatch(folder.name)
    if not named:
        return
    roles = [f for f in folder.folders.values() if any(map(_RANK.fullmatch, f.files))]
    if roles:
        yield whole(partial(_checkpoint, folder, int(named[1]), roles))


def _part(path: str) -> Part:
    name = path.rpartition("/")[2]
    if name.startswith(("optim_", "extra_state_")):
        return "optimizer"
    return "weights" if name.endswith((".pt", ".safetensors")) else "other"


def _checkpoint(folder: Folder, step: int, roles: list[Folder]) -> Claim:
    draft = Draft(folder, "verl")
    draft.step = step
    draft.add(folder.walk(), _part)
    check_tracker(draft, folder, TRACKER, step)
    for role in roles:
        found = [match for match in map(_RANK.fullmatch, role.files) if match]
        ranks = min(max(int(match[2]) for match in found), _MOST_RANKS)
        for kind in ("model", "optim", "extra_state"):
            for rank in range(ranks):
                name = f"{kind}_world_size_{ranks}_rank_{rank}.pt"
                if name not in role.files:
                    draft.find("incomplete", f"{role.name}/{name} is missing", _part(name))
    for file in folder.walk():
        check_file(draft, file, _part(folder.within(file)))
    check_links(draft, folder)
    return draft.claim(True)


_FILE = "global_step_40/actor/{}_world_size_2_rank_{}.pt"
SAMPLES = (
    Sample(
        {
            TRACKER: b"40",
            **{
                _FILE.format(kind, rank): archive.SAMPLES[0]
                for kind in ("model", "optim", "extra_state")
                for rank in (0, 1)
            },
        },
        (("global_step_40", 40),),
    ),
)
