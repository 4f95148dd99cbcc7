"""Boosted trees: XGBoost, LightGBM and CatBoost models.

The law of this file: each format has an end of its own, and it is looked for. Sources: dmlc/xgboost
``doc/tutorials/saving_model.rst``; LightGBM ``src/boosting/gbdt_model_text.cpp``; CatBoost
``libs/model/model.cpp``.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.draft import Draft, part
from trainwatch.read.headers import DamagedError
from trainwatch.read.layouts import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainwatch.read.draft import Claim, Offer
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

_HEAD, _TAIL = 256, 512
FOLDERS = ()
WANTS = (
    Want("*.ubj", _HEAD, _TAIL),
    Want("*.cbm", _HEAD, 0),
    Want("*.txt", _HEAD, _TAIL),
    Want("*.snapshot_iter_*", _HEAD, _TAIL),
)
_XGBOOST_END = re.compile(rb'"version":\[\d+,\d+,\d+\]\}\s*$')
_LIGHTGBM_END = re.compile(rb"\npandas_categorical:[^\n]*\n$")
_JSON = re.compile(r"(?!.*index)(.*(xgb|boost).*|model.*|booster.*|\d+)\.json")
_ROUND = re.compile(r"(?:.*[^\d])?(\d{1,9})$")


def recognise(folder: Folder) -> Iterator[Offer]:
    """Every model file in any folder."""
    for name, file in folder.files.items():
        check = _kind(name)
        if check:
            yield part([name], partial(_file, folder, file, *check))


def _kind(name: str) -> tuple[str, Callable[[Source], bool]] | None:
    if name.endswith(".ubj") or _JSON.fullmatch(name):
        return "xgboost", _xgboost
    if name.endswith(".cbm"):
        return "catboost", _catboost
    if name.endswith(".txt") or ".snapshot_iter_" in name:
        return "lightgbm", _lightgbm
    return None


def _file(folder: Folder, file: File, who: str, check: Callable[[Source], bool]) -> Claim | None:
    draft = Draft(folder, f"boosting:{who}", file)
    if draft.check(file, check, "weights") is False:
        return None
    number = _ROUND.fullmatch(re.sub(r"\.(json|ubj|cbm|txt)$", "", file.name))
    draft.step = int(number[1]) if number else None
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
    Sample({"cat.cbm": b"CBM1\4\0\0\0core"}, (("cat.cbm", None),)),
)  # fmt: skip
