"""Folders that somebody made to do harm, or that change under the hands that look at them."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import shutil
import struct
import threading
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.read.disk import Disk, age, lay
from tests.read.test_hf_trainer import checkpoint


def bomb(megabytes: int) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", bytes(megabytes << 20))
    return held.getvalue()


class Trap:
    """Pickled, it would run a command when it is loaded."""

    def __init__(self, sign: Path) -> None:
        self.sign = str(sign)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.sign,)


def test_claims_and_bombs_are_refused_in_little_memory(tmp_path: Path) -> None:
    spaces = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}' + b" " * 74_000_000 + b"}"
    long = struct.pack("<Q", len(spaces)) + spaces + bytes(4)
    lay(
        tmp_path,
        {
            "checkpoint-1/model.safetensors": struct.pack("<Q", 1 << 60) + b"{",
            "checkpoint-2/trainer_state.json": b'{"global_step": 2, "log_history": []}',
            "checkpoint-2/model.safetensors": long,
            "checkpoint-3/trainer_state.json": b"[" * 200_000,
            "checkpoint-4/config.json": b'{"a":' * 10_000,
            "step_5.pt": bomb(64),
            "last.ckpt": bomb(64),
            "model.gguf": b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60),
            "x.ubj": b"{L" + struct.pack(">Q", 1 << 60) + b"\x07learner",
        },
    )
    age(tmp_path, 1000)
    tracemalloc.start()
    seen = Disk(tmp_path).look()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    assert {one.state for one in seen.values()} == {"corrupt", "incomplete", "unreadable"}
    assert (seen["checkpoint-2"].state, seen["checkpoint-2"].reason) == (
        "unreadable", "model.safetensors: its header is 70 MB long, too much to look into",
    )  # fmt: skip
    assert all(one.reason for one in seen.values())


def test_nothing_is_ever_run(tmp_path: Path) -> None:
    sign = tmp_path / "it ran"
    trap = pickle.dumps({"model": Trap(sign), "step": 5})
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a/data.pkl", trap)
    names = ("evil_step_5.pt", "last.ckpt", "ckpt.pt", "checkpoint-1/training_args.bin")
    lay(tmp_path, {name: held.getvalue() for name in names})
    lay(tmp_path, {"checkpoint-2/training_args.bin": trap, "step-3/.metadata": trap})
    Disk(tmp_path).look()
    assert not sign.exists()


def test_an_index_leads_nowhere_outside(tmp_path: Path) -> None:
    told = {"weight_map": {"a": "../secret.safetensors", "b": "/etc/passwd", "c": "..", "d": "x/y"}}
    lay(tmp_path, checkpoint(model__safetensors=b""))
    lay(tmp_path, {"checkpoint-10/model.safetensors.index.json": json.dumps(told).encode()})
    age(tmp_path, 1000)
    [seen] = Disk(tmp_path).look().values()
    assert seen.state != "complete"
    assert all(".." not in file.path for file in seen.files)


@pytest.mark.parametrize("error", [errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOENT])
def test_a_folder_that_answers_with_an_error_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    lay(tmp_path, checkpoint(10) | checkpoint(20))
    age(tmp_path, 1000)
    scandir = os.scandir

    def fails(path: str) -> Any:
        if str(path).endswith("checkpoint-10"):
            raise OSError(error, os.strerror(error))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fails)
    seen = Disk(tmp_path).look()
    assert seen["checkpoint-20"].state == "complete"
    assert "checkpoint-10" not in seen or seen["checkpoint-10"].state != "complete"


def test_a_rotation_racing_the_look_is_no_error(tmp_path: Path) -> None:
    """Checkpoints come and go as fast as they can while they are looked at."""
    over = threading.Event()

    def rotate() -> None:
        step = 0
        while not over.is_set():
            step += 10
            lay(tmp_path, checkpoint(step))
            shutil.rmtree(tmp_path / f"checkpoint-{step - 20}", ignore_errors=True)

    (tmp_path / "checkpoint-0").mkdir()
    training = threading.Thread(target=rotate)
    training.start()
    try:
        disk = Disk(tmp_path)
        for _ in range(30):
            disk.look(after=0.1)
    finally:
        over.set()
        training.join()
    age(tmp_path, 1000)
    seen = Disk(tmp_path).look()
    assert [one.state for one in seen.values() if one.name != "checkpoint-0"] == ["complete"] * 2


def test_the_folder_itself_goes_while_it_is_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "out"
    lay(root, checkpoint(10))
    disk = Disk(root)
    disk.look()
    shutil.rmtree(root)
    with pytest.raises(FileNotFoundError):  # the watch of a folder says that as an empty listing
        disk.look()
