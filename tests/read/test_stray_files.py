"""What a file is, is told by what it holds, not by its name: folders and files that could be anything."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tests.read.disk import Disk, age, lay
from trainwatch.probe import parts
from trainwatch.read.headers import archive
from trainwatch.read.records import CheckpointSeen


def seen(root: Path, tree: dict[str, bytes]) -> dict[str, CheckpointSeen]:
    age(lay(root, tree), 1000)
    return Disk(root).look()


def saved(**held: object) -> bytes:
    """What ``torch.save`` makes of a dict without tensors."""
    return archive.stored(b"a/data.pkl", pickle.dumps(held, 2))


def test_a_file_in_a_numbered_folder_tells_whether_it_holds_an_optimizer(tmp_path: Path) -> None:
    both = saved(model={"w": 1}, optimizer={"state": 1}, step=7)
    found = seen(tmp_path, {"step_7/m.pt": both, "step_8/m.pt": saved(model={"w": 1})})
    assert {name: one.resumable for name, one in found.items()} == {
        "step_7": "full", "step_8": "weights",
    }  # fmt: skip


def test_its_counts_are_told_where_the_name_tells_none(tmp_path: Path) -> None:
    tree = {
        "epoch_2/m.pt": saved(model=1),
        "best/m.bin": saved(),
        "best/x.pt": saved(model=1, step=9),
    }
    assert seen(tmp_path, tree)["epoch_2"].epoch == 2.0


def test_a_cut_file_in_a_numbered_folder_is_corrupt(tmp_path: Path) -> None:
    one = seen(tmp_path, {"step_7/m.pt": saved(model={"w": 1})[:-9]})["step_7"]
    assert (one.state, one.resumable) == ("corrupt", "no")


def test_a_whole_module_is_a_model_as_well(tmp_path: Path) -> None:
    class_ = b"ctorch.nn.modules.linear\nLinear\n)\x81}X\x08\0\0\0_modules}sb."
    tree = {"model_500.pt": archive.stored(b"a/data.pkl", b"\x80\x02" + class_)}
    assert seen(tmp_path, tree)["model_500.pt"].resumable == "weights"


def test_what_torch_save_did_not_write_is_left_alone(tmp_path: Path) -> None:
    assert seen(tmp_path, {"best.pt": archive.stored(b"a/constants.pkl", b"x")}) == {}


def test_a_text_is_a_model_by_its_first_line_alone(tmp_path: Path) -> None:
    assert seen(tmp_path, {"notes_10.txt": b"tree\nof life", "x.txt": b""}) == {}


def test_a_text_that_cannot_be_read_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(parts, "ends", refuse)
    assert seen(tmp_path, {"notes_10.txt": b"x", "model.json": b"y"}) == {}
    assert seen(tmp_path, {"model_10.ubj": b"z"})["model_10.ubj"].state == "unreadable"
