"""Boosted trees: XGBoost, LightGBM and CatBoost models, and CatBoost's snapshots.

The law of this file: each format has an end of its own, and it is looked for. Sources: dmlc/xgboost
``doc/tutorials/saving_model.rst``; LightGBM ``src/boosting/gbdt_model_text.cpp``; CatBoost
``libs/model/model.cpp``, ``libs/helpers/progress_helper.h`` (a snapshot ends with the count of its
rounds and the seconds they took, which a cut one hardly does).
"""

from __future__ import annotations

import re
import struct
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import DamagedError
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

_Check: TypeAlias = "Callable[[Source], bool | int]"
_HEAD, _TAIL = 256, 512
FOLDERS = ()
WANTS = (
    Want("*.ubj", _HEAD, _TAIL),
    Want("*.cbm", _HEAD, 0),
    Want("*.cbsnapshot", _HEAD, _TAIL),
    Want("*.txt", _HEAD, _TAIL),
    Want("*.snapshot_iter_*", _HEAD, _TAIL),
)
_XGBOOST_END = re.compile(rb'"version":\[\d+,\d+,\d+\]\}\s*$')
_LIGHTGBM_END = re.compile(rb"\npandas_categorical:[^\n]*\n$")
_JSON = re.compile(r"(?!.*index)(.*(xgb|boost).*|model.*|booster.*|\d+)\.json")
_OWN = (".ubj", ".cbm", ".cbsnapshot")
"""Endings that no other file has; of any other the content must tell."""
_ROUND = re.compile(r"(?:.*[^\d])?(\d{1,9})$")


_ROUNDS = struct.Struct("<Qd")
_MOST_ROUNDS, _MOST_SECONDS = 10_000_000, 1e8


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every model file in any folder."""
    for name, file in folder.files.items():
        check = _kind(name)
        if check:
            yield part([name], partial(_file, folder, file, *check))


def _kind(name: str) -> tuple[str, _Check] | None:
    if name.endswith(".ubj") or _JSON.fullmatch(name):
        return "xgboost", _xgboost
    if name.endswith(".cbm"):
        return "catboost", _catboost
    if name.endswith(".cbsnapshot"):
        return "catboost", _snapshot
    if name.endswith(".txt") or ".snapshot_iter_" in name:
        return "lightgbm", _lightgbm
    return None


def _file(folder: Folder, file: File, who: str, check: _Check) -> Claim | None:
    draft = Draft(folder, f"boosting:{who}", file)
    told = draft.check(file, check, "weights")
    unknown = any(finding.state == "unreadable" for finding in draft.findings)
    if told is False or (unknown and not file.name.endswith(_OWN)):
        return None
    number = _ROUND.fullmatch(re.sub(r"\.(json|ubj|cbm|txt)$", "", file.name))
    draft.step = int(number[1]) if number else None
    if draft.step is None and told is not True:
        draft.step = told
    draft.add([file], lambda _: "weights")
    return draft.claim(True)


def _xgboost(source: Source) -> bool:
    """Whether it is a model; the version stands last in it."""
    head = source.read(0, _HEAD)
    if b'"learner"' not in head[:64] and b"\x07learner" not in head[:64]:
        return False
    tail = source.read(max(0, source.size - _TAIL), _TAIL)
    text = _XGBOOST_END.search(tail) is not None
    binary = tail.endswith(b"}") and b"version[" in tail[-64:]
    if not text and not binary:
        raise DamagedError("it is cut")
    return True


def _lightgbm(source: Source) -> bool:
    if not source.read(0, _HEAD).startswith(b"tree\nversion="):
        return False
    if not _LIGHTGBM_END.search(source.read(max(0, source.size - _TAIL), _TAIL)):
        raise DamagedError("it is cut")
    return True


def _snapshot(source: Source) -> int:
    """How many rounds a snapshot stands on."""
    if b"CPU" not in source.read(0, 16) and b"GPU" not in source.read(0, 16):
        raise DamagedError("it does not begin like a snapshot" if source.size else "it is empty")
    tail = source.read(max(0, source.size - _TAIL), _TAIL)[-_ROUNDS.size :]
    rounds, seconds = _ROUNDS.unpack(tail) if len(tail) == _ROUNDS.size else (0, 0.0)
    if not 0 < rounds <= _MOST_ROUNDS or not 0 < seconds <= _MOST_SECONDS or seconds < 1e-9:
        raise DamagedError("it is cut")
    return int(rounds)


def _catboost(source: Source) -> bool:
    head = source.read(0, 8)
    if head[:4] != b"CBM1":
        raise DamagedError("it does not begin like a CatBoost model")
    if source.size < 8 + int.from_bytes(head[4:8], "little"):
        raise DamagedError("it is cut")
    return True


SAMPLES = (
    Sample({"model_200.ubj": b"{L\0\0\0\0\0\0\0\x07learner{}L\0\0\0\0\0\0\0\x07version[#i\x03i\3i\2i\0}"},
           (("model_200.ubj", 200),)),
    Sample({"xgb.json": b'{"learner":{},"version":[3,2,0]}'}, (("xgb.json", None),)),
    Sample({"lgb.txt": b"tree\nversion=v4\n\nend of trees\n\npandas_categorical:null\n"},
           (("lgb.txt", None),)),
    Sample(
        {"experiment.cbsnapshot": b"\3\0\0\0CPU\2\0\0\0{}" + _ROUNDS.pack(12, 0.5)},
        (("experiment.cbsnapshot", 12),),
    ),
    Sample({"cat.cbm": b"CBM1\4\0\0\0core"}, (("cat.cbm", None),)),
)  # fmt: skip
