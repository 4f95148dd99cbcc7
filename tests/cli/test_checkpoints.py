"""``trainwatch checkpoints verify | diff | keep | delete | slim | prune``, from outside."""

from __future__ import annotations

import csv
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Sit
from tests.probe.test_jobs import safetensors, torch_bytes
from tests.read.disk import age, lay
from tests.read.test_hf_trainer import checkpoint


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Four checkpoints; 20 is the best, 40 the newest."""
    root = tmp_path / "out"
    for step, loss in ((10, 0.9), (20, 0.4), (30, 0.6), (40, 0.7)):
        row = {"step": step, "eval_loss": loss, "epoch": step / 10}
        told = {"global_step": step, "epoch": step / 10, "log_history": [row]}
        whole = torch_bytes()
        tree = checkpoint(
            step,
            trainer_state__json=json.dumps(told).encode(),
            optimizer__pt=whole,
            scheduler__pt=whole,
            rng_state__pth=whole,
        )
        name = next(iter(tree)).partition("/")[0]
        tree[f"{name}/model.safetensors"] = safetensors(loss, 2.0, name="a.weight")
        lay(root, tree)
    age(root, 1000)
    return root


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_verify_says_sound_and_exits_with_0(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "verify", "out", "checkpoint-20", "40")
    assert said.returncode == 0, said
    lines = said.stdout.splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [
        ["checkpoint-20", "sound"], ["checkpoint-40", "sound"],
    ]  # fmt: skip
    assert lines[1].startswith("  no checksums in ")
    assert "model.safetensors" in lines[1]
    assert lines[1].endswith("a turned bit there would not show")


def test_verify_says_which_checkpoint_the_final_model_is(trainwatch: Command, out: Path) -> None:
    for name, data in checkpoint(40).items():
        if "state" not in name and "optimizer" not in name and "scheduler" not in name:
            (out / Path(name).name).write_bytes(data)
    weights = (out / "checkpoint-20/model.safetensors").read_bytes()
    (out / "model.safetensors").write_bytes(weights)
    age(out, 1000)
    said = trainwatch("checkpoints", "verify", "out").stdout
    assert "  the same weights as checkpoint-20, byte for byte" in said.splitlines()


def test_verify_finds_a_nan_and_exits_with_1(trainwatch: Command, out: Path) -> None:
    (out / "checkpoint-30/model.safetensors").write_bytes(
        safetensors(float("nan"), 1.0, name="a.weight")
    )
    said = trainwatch("checkpoints", "verify", "out", "--json")
    assert said.returncode == 1
    told = {one["name"]: one for one in json.loads(said.stdout)}
    assert [name for name, one in told.items() if not one["sound"]] == ["checkpoint-30"]
    model = {f["path"]: f for f in told["checkpoint-30"]["files"]}["model.safetensors"]
    assert (model["nan"], model["inf"], model["fault"]) == (1, 0, None)
    assert model["numbers"] == "1 NaN in a.weight"


def test_verify_finds_what_a_header_cannot_show(trainwatch: Command, out: Path) -> None:
    path = out / "checkpoint-30/optimizer.pt"
    data = bytearray(path.read_bytes())
    data[60] ^= 0x40  # inside the first entry
    path.write_bytes(bytes(data))
    said = trainwatch("checkpoints", "verify", "out/checkpoint-30")
    assert said.returncode == 1
    assert "damaged" in said.stdout
    assert "optimizer.pt" in said.stdout


def test_diff_tells_what_changed(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "diff", "out/checkpoint-10", "out/checkpoint-20", "--json")
    assert said.returncode == 0, said
    told = json.loads(said.stdout)
    assert told["tensors"]["changed"] == ["a.weight"]
    assert told["metrics"]["eval_loss"] == [0.9, 0.4]
    said = trainwatch("checkpoints", "diff", "--target", "out", "10", "20")
    assert "a.weight" in said.stdout
    assert "−0.5000" in said.stdout


def test_a_kept_checkpoint_is_found_and_told_apart(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "keep", "20", "out")
    assert said.returncode == 0, said
    assert names(out / "kept") == ["checkpoint-20"]
    listed = json.loads(trainwatch("checkpoints", "out", "--json").stdout)
    assert {one["path"]: "kept" in one["marks"] for one in listed}[str(out / "kept/checkpoint-20")]
    assert trainwatch("checkpoints", "delete", "20", "out", "--yes").returncode == 1


@pytest.mark.parametrize(
    ("name", "why"), [("20", "it has the best eval loss"), ("40", "it is the newest that can be")]
)
def test_what_is_guarded_stays(trainwatch: Command, out: Path, name: str, why: str) -> None:
    said = trainwatch("checkpoints", "delete", name, "out", "--yes")
    assert said.returncode == 1
    assert why in said.stderr
    assert "--force" in said.stderr
    assert len(names(out)) == 4
    assert trainwatch("checkpoints", "delete", name, "out", "--yes", "--force").returncode == 0
    assert len(names(out)) == 3


def test_nothing_goes_when_nobody_can_be_asked(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "delete", "10", "out")
    assert said.returncode == 2
    assert "nobody is here to ask" in said.stderr
    assert str(out / "checkpoint-10") in said.stdout
    assert len(names(out)) == 4


def test_a_person_is_asked(sit: Sit, out: Path) -> None:
    for answer, left in (("n", 4), ("y", 3)):
        terminal = sit("checkpoints", "delete", "10", str(out))
        terminal.until("delete it? [y/N]")
        terminal.type(answer + "\n")
        terminal.wait()
        assert len(names(out)) == left
    assert names(out) == ["checkpoint-20", "checkpoint-30", "checkpoint-40"]


def test_prune_shows_what_it_would_do_and_does_no_more(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "prune", "out", "--keep-best", "--dry-run")
    assert said.returncode == 0
    assert [line.split()[:2] for line in said.stdout.splitlines()[:4]] == [
        ["stays", "checkpoint-20"], ["stays", "checkpoint-40"],
        ["goes", "checkpoint-10"], ["goes", "checkpoint-30"],
    ]  # fmt: skip
    assert len(names(out)) == 4
    said = trainwatch("checkpoints", "prune", "out", "--keep-last", "2", "--yes")
    assert said.returncode == 0
    assert names(out) == ["checkpoint-20", "checkpoint-30", "checkpoint-40"]


def test_slim_drops_the_optimizer_and_says_so(trainwatch: Command, out: Path) -> None:
    before = (out / "checkpoint-10").stat().st_mtime_ns
    said = trainwatch("checkpoints", "slim", "10", "out", "--yes")
    assert said.returncode == 0, said
    assert "can no longer go on" in said.stdout
    assert "optimizer.pt" not in names(out / "checkpoint-10")
    assert (out / "checkpoint-10").stat().st_mtime_ns == before
    seen = json.loads(trainwatch("checkpoints", "out", "--json").stdout)
    first = next(one for one in seen if one["name"] == "checkpoint-10")
    assert (first["state"], first["resumable"]) == ("complete", "weights")


def test_the_final_model_is_never_deleted_with_its_folder(trainwatch: Command, out: Path) -> None:
    (out / "model.safetensors").write_bytes(safetensors(1.0))
    (out / "trainer_state.json").write_bytes(b'{"global_step": 40}')
    said = trainwatch("checkpoints", "delete", "final", "out", "--yes", "--force")
    assert said.returncode == 1
    assert "not a folder or file of its own" in said.stderr
    assert (out / "checkpoint-10").exists()


def test_of_the_final_model_only_its_own_files_are_read(trainwatch: Command, out: Path) -> None:
    (out / "model.safetensors").write_bytes(safetensors(1.0))
    (out / "trainer_state.json").write_bytes(b'{"global_step": 40}')
    age(out, 1000)
    (out / "checkpoint-10/optimizer.pt").write_bytes(b"PK\3\4 broken")
    said = trainwatch("checkpoints", "verify", "out", "final", "--json")
    [told] = json.loads(said.stdout)
    assert [f["path"] for f in told["files"]] == ["model.safetensors", "trainer_state.json"]
    assert told["sound"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_changed_is_named(trainwatch: Command, out: Path) -> None:
    out.chmod(0o555)
    try:
        for verb in ("keep", "delete"):
            said = trainwatch("checkpoints", verb, "10", "out", *(["-y"] * (verb == "delete")))
            assert said.returncode == 1
            assert f"{out} cannot be" in said.stderr
    finally:
        out.chmod(0o755)


# --- words ----------------------------------------------------------------------------------


def test_a_name_that_is_not_there_names_those_that_are(trainwatch: Command, out: Path) -> None:
    said = trainwatch("checkpoints", "verify", "out", "checkpoint-99")
    assert said.returncode == 3
    assert "there are: checkpoint-10, checkpoint-20" in said.stderr


def test_a_word_that_could_be_two_things_is_refused(
    trainwatch: Command, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "verify").mkdir()
    said = trainwatch("checkpoints", "verify")
    assert said.returncode == 2
    assert "./verify" in said.stderr
    assert "TARGET" in said.stderr


def test_each_verb_has_its_help(trainwatch: Command) -> None:
    for verb in ("verify", "diff", "keep", "delete", "slim", "prune"):
        said = trainwatch("checkpoints", verb, "--help")
        assert said.returncode == 0
        assert said.stdout.startswith(f"usage: trainwatch checkpoints {verb} [OPTIONS]")
        assert trainwatch("help", "checkpoints", verb).stdout == said.stdout


def test_an_odd_name_is_shown_harmless(trainwatch: Command, out: Path) -> None:
    (out / "checkpoint-10").rename(out / "checkpoint-11\x1b[2J")
    data = struct.pack("<Q", 2) + b"[]"
    (out / "checkpoint-30/model.safetensors").write_bytes(data)
    for verb in (["verify"], ["prune", "--dry-run"]):
        said = trainwatch("checkpoints", verb[0], "out", *verb[1:])
        assert "\x1b" not in said.stdout + said.stderr


# --- damage that is young -----------------------------------------------------------------------


def cut(out: Path) -> Path:
    """Half a file of weights, written a moment ago."""
    path = out / "checkpoint-40/model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    return path


def states(trainwatch: Command) -> dict[str, str]:
    told = json.loads(trainwatch("checkpoints", "out", "--json").stdout)
    return {one["name"]: one["state"] for one in told}


def test_what_nobody_writes_any_more_is_damaged_at_once(trainwatch: Command, out: Path) -> None:
    cut(out)
    (out / "checkpoint-30/optimizer.pt").unlink()
    found = states(trainwatch)
    assert (found["checkpoint-40"], found["checkpoint-30"]) == ("corrupt", "incomplete")


def test_what_somebody_has_open_is_being_written_until_verify_is_asked(
    trainwatch: Command, out: Path
) -> None:
    code = "import sys; f = open(sys.argv[1], 'a'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(cut(out))],
        cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as writer:  # fmt: skip
        assert writer.stdout
        writer.stdout.readline()
        assert states(trainwatch)["checkpoint-40"] == "writing"
        said = trainwatch("checkpoints", "verify", "out", "checkpoint-40")
        assert (said.returncode, said.stdout.split()[:2]) == (1, ["checkpoint-40", "damaged"])
        assert "changed just now" in said.stderr
        writer.communicate()
    assert states(trainwatch)["checkpoint-40"] == "corrupt"


def test_the_table_is_written_as_csv_or_markdown_or_json(trainwatch: Command, out: Path) -> None:
    made = out.parent / "saves.csv"
    said = trainwatch("checkpoints", str(out), "--format", "csv", "-o", str(made))
    assert (said.returncode, said.stdout) == (0, "")
    with made.open(newline="") as file:
        rows = list(csv.DictReader(file))
    listed = json.loads(trainwatch("checkpoints", str(out), "--json").stdout)
    assert [(r["name"], r["path"], int(r["bytes"])) for r in rows] == [
        (c["name"], c["path"], c["bytes"]) for c in listed
    ]
    assert [r["marks"].split() for r in rows] == [c["marks"] for c in listed]
    plain = trainwatch("checkpoints", str(out), "--format", "json").stdout
    assert json.loads(plain) == listed
    table = trainwatch("checkpoints", str(out), "--format", "md").stdout.splitlines()
    assert table[0].startswith("| checkpoint | step |")
    assert len(table) == len(listed) + 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("-o", "x"), "--output needs a format"),
        (("--json", "--format", "csv"), "--json and --format csv are two formats"),
    ],
)
def test_formats_that_do_not_fit_together_are_refused(
    words: tuple[str, ...], why: str, trainwatch: Command, out: Path
) -> None:
    said = trainwatch("checkpoints", str(out), *words)
    assert (said.returncode, said.stdout) == (2, "")
    assert why in said.stderr
