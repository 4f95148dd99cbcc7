"""What the user's word means on this machine."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainwatch import facts, wire
from trainwatch.probe import runs
from trainwatch.probe.birth import birth
from trainwatch.probe.listing import Root
from trainwatch.probe.resolve import Found, Source, TargetError, resolve

WANTS = [facts.Want("trainer_state.json", 1000, 0), facts.Want("*/trainer_state.json", 1000, 0)]


def watch(word: object, roots: tuple[str, ...] = ()) -> Found:
    return resolve(
        facts.Watch(str(word), ["checkpoint-*", "version_*"], WANTS, [], False, list(roots))
    )


def refusal(word: object) -> TargetError:
    with pytest.raises(TargetError) as caught:
        watch(word)
    return caught.value


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("TRAINWATCH_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


MakeRun = Callable[..., runs.Run]


@pytest.fixture
def make_run() -> MakeRun:
    def make(
        name: str = "", started: float = 1000.0, command: tuple[str, ...] = ("python", "t.py")
    ) -> runs.Run:
        fresh = runs.fresh()
        meta = runs.Meta(
            fresh.id, name, list(command), "/work", runs.hostname(), "me", started, False, 1, 1, 1, 1, "", "", "0"
        )  # fmt: skip
        runs.publish(fresh, meta)
        return runs.load(runs.folder_of(fresh.id))

    return make


def test_a_run_by_id_prefix_name_or_none(make_run: MakeRun) -> None:
    old, new = make_run("first", 1000.0), make_run("second", 2000.0)
    for word, run in ((old.id, old), (old.id[:5], old), ("first", old), ("second", new), ("", new)):
        found = watch(word)
        assert (found.fact.kind, found.fact.id) == ("run", run.id)
        assert found.streams == [Source("output.log", run.log)]


def test_a_run_tells_what_it_is_and_where_it_writes(make_run: MakeRun) -> None:
    run = make_run("sft", command=("python", "t.py", "--output_dir", "out"))
    fact = watch("sft").fact
    assert (fact.name, fact.command, fact.cwd, fact.user, fact.started) == ("sft", run.meta and run.meta.command, "/work", "me", 1000.0)  # fmt: skip
    assert fact.streams == ["output.log"]
    assert fact.roots == ["/work/out", "/work"]


def test_a_run_by_its_folder_or_its_log(make_run: MakeRun) -> None:
    run = make_run()
    assert watch(run.folder).fact.id == run.id
    assert watch(run.log).fact.id == run.id


def test_a_damaged_run_is_followed_and_says_so(make_run: MakeRun) -> None:
    run = make_run()
    Path(run.folder, runs.META).write_text("{")
    found = watch(run.id)
    assert "cannot be read" in found.fact.note
    assert found.streams == [Source("output.log", run.log)]


def test_a_prefix_of_two_runs_is_refused_with_both_named(make_run: MakeRun) -> None:
    by_letter: dict[str, list[str]] = {}
    while not (shared := [ids for ids in by_letter.values() if len(ids) > 1]):
        run = make_run()
        by_letter.setdefault(run.id[0], []).append(run.id)
    said = refusal(shared[0][0][0]).text
    assert all(run in said for run in shared[0])


def test_a_word_that_is_a_run_and_a_file_is_refused_and_a_path_never(make_run: MakeRun) -> None:
    run = make_run("train")
    Path("train").write_text("step 1\n")
    said = refusal("train")
    assert run.id in said.text
    assert "./train" in said.text
    assert "./train" in said.fix
    assert watch("./train").fact.kind == "log"
    assert watch(os.path.abspath("train")).fact.kind == "log"


def test_digits_with_a_path_before_them_are_a_path() -> None:
    Path("123").write_text("step 1\n")
    assert watch("./123").streams == [Source("123", os.path.abspath("123"))]


def test_a_log_is_a_stream_and_its_folder_counts_for_what_matches() -> None:
    Path("train.log").write_text("step 1\n")
    found = watch("train.log")
    assert (found.fact.kind, found.fact.name, found.fact.streams) == (
        "log",
        "train.log",
        ["train.log"],
    )
    assert found.roots == [Root(os.getcwd(), since=birth("train.log") or 0.0, sparse=True)]


def test_a_file_knows_when_it_was_created() -> None:
    before = time.time()
    Path("train.log").write_text("step 1\n")
    created = birth("train.log")
    os.utime("train.log", (1000, 1000))
    assert created is not None
    assert before - 1 < created < time.time() + 1
    assert birth("train.log") == created
    assert birth("none") is None


def test_an_output_folder_is_listed_and_its_newest_log_followed() -> None:
    Path("out/checkpoint-4").mkdir(parents=True)
    assert watch("out").streams == []
    for age, name in enumerate(["train.log", "old.log", "notes.md"]):
        Path("out", name).write_text("x")
        os.utime(Path("out", name), (5000 - age, 5000 - age))
    found = watch("out")
    assert found.fact.kind == "folder"
    assert found.roots == [Root(os.path.abspath("out"))]
    assert found.streams == [Source("train.log", os.path.abspath("out/train.log"))]


def test_one_checkpoint_is_meant_alone() -> None:
    Path("out/checkpoint-4").mkdir(parents=True)
    assert watch("out/checkpoint-4").roots == [Root(os.path.abspath("out"), only="checkpoint-4")]


@pytest.mark.parametrize("name", ["trainer_state.json", "model.safetensors", "last.ckpt"])
def test_a_metric_file_or_a_weight_file_is_meant_alone(name: str) -> None:
    Path("out").mkdir()
    Path("out", name).write_text("{}")
    found = watch("out/" + name)
    assert (found.fact.kind, found.streams) == ("file", [])
    assert found.roots == [Root(os.path.abspath("out"), only=name)]


def test_folders_that_were_asked_for_are_listed_whole_and_once(make_run: MakeRun) -> None:
    make_run(command=("python", "t.py", "--output_dir", "out"))
    found = watch("", roots=("/work/out", "/elsewhere"))
    assert [(r.path, r.sparse) for r in found.roots] == [
        ("/work", True),
        ("/work/out", False),
        ("/elsewhere", False),
    ]


def _pipe() -> None:
    os.mkfifo("thing")


def _socket() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("thing")


def _link() -> None:
    Path("thing").symlink_to("nowhere")


def _journal() -> None:
    Path("thing").write_bytes(wire.MAGIC + b"x")


@pytest.mark.parametrize(
    ("make", "words", "fix"),
    [
        (lambda: None, "there is no run and no file called thing", "trainwatch list"),
        (_pipe, "is a pipe or a device", "attach to the file"),
        (_socket, "is a pipe or a device", "attach to the file"),
        (_link, "is a link to nothing", ""),
        (_journal, "is a recorded journal", "trainwatch replay"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_words(make: Any, words: str, fix: str) -> None:
    make()
    said = refusal("thing")
    assert words in said.text
    assert fix in said.fix


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("", "there is no run here yet"),
        ("4194305", "there is no process 4194305"),
        ("tmux:%99999", "there is no tmux pane %99999"),
        ("./none", "there is no file or folder called ./none"),
        ("a" * 300, "cannot be looked at: File name too long"),
        ("x\0y", "there is no run and no file"),
    ],
)
def test_words_that_mean_nothing(word: str, words: str) -> None:
    assert words in refusal(word).text
