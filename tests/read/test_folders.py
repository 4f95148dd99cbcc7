"""Folders become checkpoints: what is looked at, what is left alone, and what it costs."""

from __future__ import annotations

import json
import os
import shutil
import struct
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.read.disk import Disk, age, lay, weights
from tests.read.test_hf_trainer import checkpoint
from trainwatch import facts
from trainwatch.probe import listing, parts
from trainwatch.read import layouts
from trainwatch.read.reader import Reader
from trainwatch.read.records import CheckpointsSeen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainwatch.read.tree import Folder


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def odd(disk: Disk) -> dict[str, str]:
    disk.look()
    assert disk.last is not None
    return dict(disk.last.odd)


# --- strangers --------------------------------------------------------------------------------


def test_what_only_looks_like_a_checkpoint_is_listed_as_odd(disk: Disk) -> None:
    os.mkfifo(disk.root / "checkpoint-1")
    (disk.root / "checkpoint-2").symlink_to("/")
    (disk.root / "checkpoint-3").symlink_to("checkpoint-3")
    (disk.root / "a").symlink_to(".")
    lay(disk.root, {"checkpoint-4\x1b[31m\n/config.json": b"{}", "checkpoint-\u202e5/a": b""})
    told = odd(disk)
    assert [told.pop(f"checkpoint-{number}") for number in (1, 2, 3)] == [
        "no folder", "a link, which is not followed", "a link, which is not followed",
    ]  # fmt: skip
    assert list(told.values()) == ["its name holds invisible characters"] * 2
    assert all(name.isprintable() for name in told)
    assert disk.seen == {}


def test_a_header_bomb_is_damage_and_costs_nothing(disk: Disk) -> None:
    lay(disk.root, checkpoint(model__safetensors=struct.pack("<Q", 1 << 60) + b"{"))
    age(disk.root, 1000)
    seen = disk.look()["checkpoint-10"]
    assert seen.state == "corrupt"
    assert seen.reason == (
        "model.safetensors: its header claims to be 1152921504606846976 bytes long"
    )


def test_a_listing_that_is_cut_says_so(disk: Disk) -> None:
    [seen] = disk.folders.feed(facts.Listing("/out", [], False, 1.0))
    assert seen.odd == (("…", "there is more in this folder than could be listed"),)


def test_a_text_that_grows_is_no_model_because_its_head_is_not_here_yet(disk: Disk) -> None:
    empty = facts.FileBytes(f"{disk.root}/out.txt", 0, b"", 0, disk.now, disk.now)
    disk.take(empty)
    (disk.root / "out.txt").write_text("step 1 loss 0.5\n")
    entries = listing.look(
        listing.Root(str(disk.root)), listing.matcher([]), listing.matcher(["*"])
    ).entries
    disk.take(facts.Listing(str(disk.root), entries, True, disk.now))
    disk.take(empty)
    disk.note(disk.folders.caught_up(disk.now))
    assert disk.seen == {}


# --- coming and going -------------------------------------------------------------------------


def test_no_checkpoints_is_an_answer_too(disk: Disk) -> None:
    assert disk.look() == {}
    assert disk.last is not None


def test_a_deleted_checkpoint_goes(disk: Disk) -> None:
    lay(disk.root, checkpoint(10) | checkpoint(20))
    assert list(disk.look()) == ["checkpoint-10", "checkpoint-20"]
    shutil.rmtree(disk.root / "checkpoint-10")
    assert list(disk.look()) == ["checkpoint-20"]


def test_a_folder_that_vanishes_between_listing_and_reading_is_no_error(disk: Disk) -> None:
    lay(disk.root, checkpoint(10))
    disk.look()
    path = str(disk.root / "checkpoint-10/optimizer.pt")
    shutil.rmtree(disk.root / "checkpoint-10")
    disk.look()
    late = facts.FileBytes(path, 0, b"PK", 2, 0.0, disk.now)
    assert disk.folders.feed(late) == []


def test_half_deleted_checkpoints_are_incomplete(disk: Disk) -> None:
    lay(disk.root, checkpoint(10))
    disk.look()
    for name in ("model.safetensors", "trainer_state.json"):
        (disk.root / "checkpoint-10" / name).unlink()
    disk.look(after=1)
    disk.note(disk.folders.tick(disk.now + 100))
    assert disk.seen["checkpoint-10"].state == "incomplete"


def test_a_checkpoint_written_anew_is_read_anew(disk: Disk) -> None:
    lay(disk.root, checkpoint(10))
    assert disk.look()["checkpoint-10"].epoch == 0.5
    told = json.dumps({"global_step": 10, "epoch": 7.0, "log_history": []}).encode()
    lay(disk.root, checkpoint(10, trainer_state__json=told))
    assert disk.look(after=5)["checkpoint-10"].epoch == 7.0


def test_nothing_new_says_nothing(disk: Disk) -> None:
    lay(disk.root, checkpoint(10))
    disk.look()
    disk.last = None
    listing = facts.Listing(str(disk.root), [], True, disk.now)
    disk.folders.feed(listing)
    assert disk.folders.feed(listing) == []
    assert disk.folders.tick(disk.now + 1e6) == []


def test_file_bytes_of_elsewhere_are_none_of_ours(disk: Disk) -> None:
    disk.look()
    assert disk.folders.feed(facts.FileBytes("/etc/checkpoint-1/x", 0, b"", 0, 0.0, 1.0)) == []


def test_two_roots_are_told_apart(tmp_path: Path) -> None:
    lay(tmp_path / "a", checkpoint(10))
    lay(tmp_path / "ab", checkpoint(20))
    first = Disk(tmp_path / "a")
    second = Disk(tmp_path / "ab")
    second.folders = first.folders
    first.look()
    assert list(second.look()) == ["checkpoint-20"]
    assert list(first.look()) == ["checkpoint-10"]


# --- bytes that do not come by themselves -----------------------------------------------------


def test_a_long_header_is_asked_for(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    model = weights(*[(1,)] * 2000)
    assert int.from_bytes(model[:8], "little") > 64 << 10
    lay(disk.root, checkpoint(model__safetensors=model))
    asked: list[facts.Read] = []
    requests = disk.folders.requests

    def noted() -> list[facts.Read]:
        found = requests()
        asked.extend(found)
        return found

    monkeypatch.setattr(disk.folders, "requests", noted)
    assert disk.look()["checkpoint-10"].state == "complete"
    path = str(disk.root / "checkpoint-10/model.safetensors")
    assert [(read.path, read.offset) for read in asked] == [(path, 8)]


def test_bytes_that_never_come_are_not_waited_for(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(disk.root, checkpoint(model__safetensors=weights(*[(1,)] * 2000)))
    age(disk.root, 1000)
    monkeypatch.setattr(disk, "answer", lambda: None)
    disk.look()
    disk.note(disk.folders.tick(disk.now + 11))
    assert disk.seen["checkpoint-10"].state == "unreadable"


# --- the reader -------------------------------------------------------------------------------


def test_the_reader_asks_the_probe_for_what_the_layouts_need() -> None:
    watch = Reader().watch("x")
    assert set(watch.folders) >= set(layouts.folders())
    assert [want for want in watch.wants if want.pattern.endswith("*.safetensors")]


def test_the_reader_hands_folders_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, checkpoint(10))
    reader = Reader()
    disk = Disk(tmp_path)
    sent: list[facts.Listing | facts.FileBytes] = []
    monkeypatch.setattr(disk, "take", sent.append)
    disk.last = CheckpointsSeen("", (), (), 0.0)
    disk.look()
    heard = [record for fact in sent for record in reader.feed(fact)]
    seen = [record for record in heard if isinstance(record, CheckpointsSeen)][-1]
    assert [one.state for one in seen.checkpoints] == ["complete"]


# --- cost -------------------------------------------------------------------------------------


def test_a_change_in_one_of_many_checkpoints_costs_one(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(disk.root, {path: data for step in range(1, 41) for path, data in checkpoint(step).items()})
    age(disk.root, 1000)
    disk.look()
    (disk.root / "checkpoint-7/config.json").write_bytes(b'{"model_type": "other"}')
    looked: set[str] = set()

    def spy(real: Callable[[Folder], object], folder: Folder) -> object:
        looked.add(folder.name)
        return real(folder)

    for layout in layouts.layouts():
        monkeypatch.setattr(layout, "recognise", partial(spy, layout.recognise))
    disk.look()
    assert looked == {"checkpoint-7", disk.root.name}


def test_a_file_that_may_not_be_read_is_told_in_its_row(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(disk.root, checkpoint(10))
    age(disk.root, 1000)
    for name in ("ends", "part"):
        monkeypatch.setattr(parts, name, partial(_refused, getattr(parts, name)))
    disk.look()
    path = f"{disk.root}/checkpoint-10/model.safetensors"
    text = f"{path} cannot be read: Permission denied"
    disk.note(disk.folders.denied(facts.Trouble(f"file:{path}", text, "", disk.now)) or [])
    seen = disk.seen["checkpoint-10"]
    assert (seen.state, seen.reason) == ("unreadable", "model.safetensors: permission denied")


def _refused(whole: Callable[..., object], path: str, *more: object) -> object:
    if path.endswith("model.safetensors"):
        raise PermissionError(13, "Permission denied")
    return whole(path, *more)


def test_a_trouble_with_a_file_of_nobody_goes_on(disk: Disk) -> None:
    fact = facts.Trouble("file:/elsewhere", "it cannot be read", "", 1.0)
    assert Reader().feed(fact) == [fact]
