"""Listing folders and sending the files that somebody wants."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from trainwatch.facts import FileBytes, Listing, Trouble, Want, Watch
from trainwatch.probe import folders, listing, parts
from trainwatch.probe.folders import FolderWatch
from trainwatch.probe.listing import Root, look, matcher

CHECKPOINTS = matcher(["checkpoint-*"])
NOTHING = matcher([])


def names(root: Root | Path, patterns: Any = CHECKPOINTS) -> list[str]:
    tree = look(root if isinstance(root, Root) else Root(str(root)), patterns, NOTHING)
    return [entry.path for entry in tree.entries]


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_only_matching_folders_are_looked_into_and_then_with_all_they_hold(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.txt",
        "data/1.bin",
        "checkpoint-1/w",
        "checkpoint-1/global_step1/deep/o",
        "x/checkpoint-2/w",
    )
    assert names(tmp_path) == [
        "a.txt", "checkpoint-1", "checkpoint-1/global_step1", "checkpoint-1/global_step1/deep",
        "checkpoint-1/global_step1/deep/o", "checkpoint-1/w", "data", "x",
    ]  # fmt: skip


def test_hidden_folders_and_environments_are_passed_over_and_hidden_files_are_not(
    tmp_path: Path,
) -> None:
    make(
        tmp_path,
        ".git/config",
        "venv/x",
        "node_modules/x",
        "checkpoint-1/.tmpX",
        "checkpoint-1/.cache/x",
    )
    assert names(tmp_path) == ["checkpoint-1", "checkpoint-1/.tmpX"]


def test_kinds_sizes_and_storage(tmp_path: Path) -> None:
    make(tmp_path, "file")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "loop").symlink_to(".")
    os.link(tmp_path / "file", tmp_path / "twin")
    found = {e.path: e for e in look(Root(str(tmp_path)), NOTHING, NOTHING).entries}
    assert {path: entry.kind for path, entry in found.items()} == {
        "file": "file", "sparse": "file", "pipe": "other", "link": "link", "loop": "link", "twin": "file",
    }  # fmt: skip
    assert found["sparse"].size == 1 << 30
    assert found["sparse"].stored < 1 << 20
    assert found["twin"].inode == found["file"].inode
    assert found["twin"].links == 2


def test_a_checkpoint_that_is_a_link_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-1").symlink_to("/")
    assert names(tmp_path) == ["checkpoint-1"]


def test_one_name_can_be_meant(tmp_path: Path) -> None:
    make(tmp_path, "checkpoint-1/w", "checkpoint-2/w", "odd/w")
    assert names(Root(str(tmp_path), only="checkpoint-2")) == ["checkpoint-2", "checkpoint-2/w"]
    assert names(Root(str(tmp_path), only="odd")) == ["odd", "odd/w"]


def test_what_is_older_than_the_run_is_not_its_own(tmp_path: Path) -> None:
    make(tmp_path, "old.txt", "new.txt", "checkpoint-1/w", "checkpoint-2/w", "checkpoint-2/old")
    for path in ("old.txt", "checkpoint-1/w", "checkpoint-1", "checkpoint-2/old", "checkpoint-2"):
        os.utime(tmp_path / path, (1000, 1000))
    assert names(Root(str(tmp_path), since=2000.0)) == ["checkpoint-2", "checkpoint-2/w", "new.txt"]


def test_a_sparse_root_names_only_what_matches_and_searches_where_something_was_put(
    tmp_path: Path,
) -> None:
    make(
        tmp_path, "readme.txt", "sft/checkpoint-1/w", "sft/notes", "runs/a/b/checkpoint-2/w", "checkpoint-3/w",
        "data/checkpoint-4/w", "src/x.py", "runs/old/checkpoint-5/w",
    )  # fmt: skip
    for path in (
        "data",
        "data/checkpoint-4",
        "data/checkpoint-4/w",
        "src",
        "runs",
        "runs/old/checkpoint-5/w",
    ):
        os.utime(tmp_path / path, (1000, 1000))
    os.utime(tmp_path / "runs/old/checkpoint-5", (1000, 1000))
    assert names(Root(str(tmp_path), since=2000.0, sparse=True)) == [
        "checkpoint-3", "checkpoint-3/w", "runs", "runs/a", "runs/a/b", "runs/a/b/checkpoint-2",
        "runs/a/b/checkpoint-2/w", "sft", "sft/checkpoint-1", "sft/checkpoint-1/w",
    ]  # fmt: skip
    assert names(Root(str(tmp_path), sparse=True)) == ["checkpoint-3", "checkpoint-3/w"]


def test_a_root_inside_another_is_left_to_itself(tmp_path: Path) -> None:
    make(tmp_path, "checkpoint-1/w", "checkpoint-2/w")
    root = Root(str(tmp_path), without=(str(tmp_path / "checkpoint-1"),))
    assert names(root) == ["checkpoint-2", "checkpoint-2/w"]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\x1b[2J"))).write_bytes(b"")
    assert [os.fsencode(name) for name in names(tmp_path)] == [b"\xff\n\x1b[2J"]


def test_limits_leave_out_the_least_important(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 4)
    make(tmp_path, *(f"a{i}" for i in range(9)), "checkpoint-1/w", "z.json")
    tree = look(Root(str(tmp_path)), CHECKPOINTS, matcher(["*.json"]))
    assert [entry.path for entry in tree.entries] == ["a0", "a1", "checkpoint-1", "z.json"]
    assert not tree.complete


def test_depth_is_limited(tmp_path: Path) -> None:
    make(tmp_path, "checkpoint-1/" + "d/" * 40 + "w")
    tree = look(Root(str(tmp_path)), CHECKPOINTS, NOTHING)
    assert not tree.complete
    assert len(tree.entries) < 10


def test_a_folder_that_may_not_be_read_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "checkpoint-1/w", "checkpoint-2/w")

    def scandir(path: str) -> Any:
        if path.endswith("checkpoint-1"):
            raise PermissionError
        return os_scandir(path)

    os_scandir = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    tree = look(Root(str(tmp_path)), CHECKPOINTS, NOTHING)
    assert [entry.path for entry in tree.entries] == [
        "checkpoint-1",
        "checkpoint-2",
        "checkpoint-2/w",
    ]
    assert not tree.complete
    with pytest.raises(FileNotFoundError):
        look(Root(str(tmp_path / "none")), CHECKPOINTS, NOTHING)


class Heard:
    """What a FolderWatch sends."""

    def __init__(self) -> None:
        self.facts: list[Any] = []
        self._more = threading.Condition()

    def __call__(self, fact: Any) -> None:
        with self._more:
            self.facts.append(fact)
            self._more.notify_all()

    def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        with self._more:
            assert self._more.wait_for(condition, seconds), self.facts

    def files(self, name: str) -> list[bytes]:
        return [f.data for f in self.facts if isinstance(f, FileBytes) and f.path.endswith(name)]

    def listings(self) -> list[list[str]]:
        return [[e.path for e in f.entries] for f in self.facts if isinstance(f, Listing)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def follow(tmp_path: Path, heard: Heard) -> Iterator[Callable[..., FolderWatch]]:
    started: list[FolderWatch] = []

    def start(
        *wants: Want, path: Path = tmp_path, guessed: bool = False, written: bool = False
    ) -> FolderWatch:
        watch = Watch("", ["checkpoint-*"], list(wants), [], False)
        root = Root(str(path), sparse=guessed)
        looked = FolderWatch(root, watch, heard, lambda: None, lambda: written)
        started.append(looked)
        return looked

    yield start
    for one in started:
        one.stop()


Follow = Callable[..., FolderWatch]


def test_a_wanted_file_comes_again_whenever_it_changed(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    make(tmp_path, "state.json", "other.json")
    follow(Want("state.json", 100, 0))
    heard.until(lambda: heard.files("state.json") == [b"state.json"])
    (tmp_path / "state.json").write_text("again")
    heard.until(lambda: heard.files("state.json")[-1] == b"again")
    assert heard.files("other.json") == []


@pytest.mark.parametrize("written", [False, True])
def test_while_the_process_of_a_run_is_known_to_live_its_folder_is_not_called_left(
    tmp_path: Path, heard: Heard, follow: Follow, written: bool
) -> None:
    make(tmp_path, "young.json")
    follow(path=tmp_path, written=written)
    heard.until(lambda: bool(heard.listings()))
    (listing,) = [fact for fact in heard.facts if isinstance(fact, Listing)]
    assert listing.alone != written


def test_a_file_rewritten_at_once_with_the_same_size_is_not_missed(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    make(tmp_path, "state.json")
    follow(Want("*.json", 100, 0))
    heard.until(lambda: heard.files("state.json") == [b"state.json"])
    before = (tmp_path / "state.json").stat()
    (tmp_path / "state.json").write_text("STATE.JSON")
    os.utime(tmp_path / "state.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    heard.until(lambda: heard.files("state.json")[-1] == b"STATE.JSON")


def test_a_large_file_comes_as_head_and_tail(tmp_path: Path, heard: Heard, follow: Follow) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(range(100)))
    follow(Want("*.bin", 10, 5))
    heard.until(lambda: len(heard.files("w.bin")) == 2)
    parts = [fact for fact in heard.facts if isinstance(fact, FileBytes)]
    assert [(p.offset, p.data, p.size) for p in parts] == [
        (0, bytes(range(10)), 100),
        (95, bytes(range(95, 100)), 100),
    ]


def test_new_checkpoints_are_listed_when_they_appear(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    follow()
    heard.until(lambda: heard.listings() == [[]])
    make(tmp_path, "checkpoint-1/w")
    heard.until(lambda: heard.listings()[-1] == ["checkpoint-1", "checkpoint-1/w"])
    make(tmp_path, "checkpoint-1/trainer_state.json")
    heard.until(lambda: "checkpoint-1/trainer_state.json" in heard.listings()[-1])


def test_a_folder_that_appears_later_and_goes_again(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    watch = follow(path=tmp_path / "out")
    heard.until(lambda: watch.looked or not heard.facts)
    make(tmp_path, "out/checkpoint-1/w")
    heard.until(lambda: bool(heard.listings()))
    (tmp_path / "out/checkpoint-1/w").unlink()
    (tmp_path / "out/checkpoint-1").rmdir()
    (tmp_path / "out").rmdir()
    heard.until(lambda: heard.listings()[-1] == [])


def test_pipes_devices_and_links_are_never_read(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    make(tmp_path, "a.json")
    os.mkfifo(tmp_path / "b.json")
    (tmp_path / "c.json").symlink_to("/dev/zero")
    (tmp_path / "d.json").symlink_to("a.json")
    watch = follow(Want("*.json", 100, 0))
    heard.until(lambda: bool(heard.files("a.json")))
    while not watch.looked:
        os.sched_yield()
    assert [f.path for f in heard.facts if isinstance(f, FileBytes)] == [str(tmp_path / "a.json")]


def test_a_quiet_folder_says_nothing_and_a_hanging_one_is_noticed(
    tmp_path: Path, heard: Heard, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, hold = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        begun.set()
        assert hold.wait(30)
        return look(*arguments)

    monkeypatch.setattr(folders, "look", slow)
    watch = follow()
    assert begun.wait(30)
    assert not watch.hangs(time.monotonic())
    assert watch.hangs(time.monotonic() + folders.PATIENCE + 1)
    hold.set()
    heard.until(lambda: heard.listings() == [[]])
    while watch.silence(time.monotonic()):
        os.sched_yield()


def test_an_unreadable_root_is_a_trouble(tmp_path: Path, heard: Heard, follow: Follow) -> None:
    make(tmp_path, "file")
    follow(path=tmp_path / "file")
    heard.until(
        lambda: any(isinstance(f, Trouble) and "cannot be listed" in f.text for f in heard.facts)
    )


def test_a_guess_that_is_no_folder_is_no_trouble(
    tmp_path: Path, heard: Heard, follow: Follow
) -> None:
    make(tmp_path, "torchrun")
    watch = follow(path=tmp_path / "torchrun", guessed=True)
    until(lambda: watch.looked)
    assert [fact for fact in heard.facts if isinstance(fact, Trouble) and fact.text] == []


def test_a_file_that_may_not_be_read_is_named_once_and_withdrawn(
    tmp_path: Path, heard: Heard, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "checkpoint-1/config.json")
    whole = parts.ends

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(parts, "ends", refused)
    follow(Want("*.json", 100, 0))
    told = f"{tmp_path}/checkpoint-1/config.json"

    def troubles() -> list[str]:
        return [f.text for f in heard.facts if isinstance(f, Trouble) and f.where == "file:" + told]

    heard.until(lambda: troubles() == [f"{told} cannot be read: Permission denied"])
    monkeypatch.setattr(parts, "ends", whole)
    os.utime(tmp_path / "checkpoint-1/config.json")
    heard.until(lambda: troubles()[1:] == [""])


def test_an_old_folder_of_which_no_name_changed_is_taken_from_memory(tmp_path: Path) -> None:
    make(tmp_path, "checkpoint-1/deep/w", "checkpoint-2/w")
    for path in [*tmp_path.rglob("*")][::-1]:
        os.utime(path, (1e9, 1e9))
    memory: listing.Memory = {}

    def sizes() -> dict[str, int]:
        tree = look(Root(str(tmp_path)), CHECKPOINTS, NOTHING, memory)
        assert tree.complete
        return {entry.path: entry.size for entry in tree.entries if entry.kind == "file"}

    first = sizes()
    (tmp_path / "checkpoint-2/w").write_text("")  # in place: no name changes
    assert sizes() == first
    make(tmp_path, "checkpoint-1/deep/new")
    assert sizes() == {**first, "checkpoint-1/deep/new": len("checkpoint-1/deep/new")}
    (tmp_path / "checkpoint-2/w").rename(tmp_path / "checkpoint-2/v")
    assert sizes()["checkpoint-2/v"] == 0
    memory.clear()
    assert sizes()["checkpoint-2/v"] == 0


def test_a_young_folder_is_never_taken_from_memory(tmp_path: Path) -> None:
    make(tmp_path, "checkpoint-1/w")
    memory: listing.Memory = {}
    look(Root(str(tmp_path)), CHECKPOINTS, NOTHING, memory)
    (tmp_path / "checkpoint-1/w").write_text("longer than it was before")
    tree = look(Root(str(tmp_path)), CHECKPOINTS, NOTHING, memory)
    assert [entry.size for entry in tree.entries if entry.kind == "file"] == [25]
