"""One look at a run, printed; and everything that can be wrong with what is looked at."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.terminal import TRAINWATCH, environment

LOG = "".join(
    f"{{'loss': {2 / (step + 1):.4f}, 'grad_norm': 1.5, 'learning_rate': 0.001, 'epoch': {step / 10}}}\n"
    + (f"{{'eval_loss': {evals}, 'epoch': {step / 10}}}\n" if evals else "")
    for step, evals in enumerate([0, 0.9, 0, 0.6, 0, 0.5, 0, 0.7, 0, 0.9, 0])
)


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "train.log").write_text(LOG)
    return "train.log"


def test_export_prints_every_point_as_json_lines(log: str, trainwatch: Command) -> None:
    said = trainwatch("export", log)
    assert (said.returncode, said.stderr) == (0, "")
    points = [json.loads(line) for line in said.stdout.splitlines()]
    assert [p["value"] for p in points if (p["split"], p["name"]) == ("eval", "loss")] == [
        0.9, 0.6, 0.5, 0.7, 0.9,
    ]  # fmt: skip
    assert len([p for p in points if p["name"] == "learning_rate"]) == 11
    assert list(points[0]) == [
        "split", "name", "key", "dataset", "value", "step", "epoch", "rank", "time", "source",
        "offset",
    ]  # fmt: skip


def test_export_as_csv_has_the_same_columns(log: str, trainwatch: Command, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in trainwatch("export", log).stdout.splitlines()]
    said = trainwatch("export", log, "--format", "csv", "--output", "points.csv")
    assert (said.returncode, said.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "points.csv").read_text())))
    assert list(rows[0]) == list(lines[0])
    assert [float(row["value"]) for row in rows] == [line["value"] for line in lines]


def test_diagnose_says_by_its_exit_code_what_it_found(
    log: str, trainwatch: Command, tmp_path: Path
) -> None:
    said = trainwatch("diagnose", log, "--json")
    assert said.returncode == 1
    assert json.loads(said.stdout)["state"] == "overfitting"
    assert "overfitting" in trainwatch("diagnose", log).stdout.lower()
    (tmp_path / "short.log").write_text("".join(LOG.splitlines(keepends=True)[:3]))
    assert trainwatch("diagnose", "short.log").returncode == 2
    good = LOG.replace("'eval_loss': 0.7", "'eval_loss': 0.45").replace(
        "s': 0.9, 'epoch': 0.9", "s': 0.4, 'epoch': 0.9"
    )
    (tmp_path / "good.log").write_text(good)
    assert trainwatch("diagnose", "good.log").returncode == 0


def test_rules_are_printed_and_can_be_set(log: str, trainwatch: Command, tmp_path: Path) -> None:
    rules = {r["limit"]: r for r in json.loads(trainwatch("diagnose", "--rules", "--json").stdout)}
    assert rules["overfit_rise"]["value"] == 0.05
    assert all(r["meaning"] and r["source"] for r in rules.values())
    (tmp_path / "config.toml").write_text("[rules]\noverfit_rise = 5\nturning_rise = 5\n")
    own = {"TRAINWATCH_CONFIG": str(tmp_path / "config.toml")}
    printed = " ".join(trainwatch("diagnose", "--rules", **own).stdout.split())
    assert "set by you (default 0.05)" in printed
    said = trainwatch("diagnose", log, "--json", **own)
    assert json.loads(said.stdout)["state"] == "healthy"
    assert json.loads(trainwatch("status", log, "--json", **own).stdout)["verdict"] == "healthy"


def test_a_line_without_its_end_counts_when_nobody_writes_it(
    trainwatch: Command, tmp_path: Path
) -> None:
    rows = [json.dumps({"epoch": i, "loss": 1 / (i + 1), "eval_loss": 1 + i}) for i in range(4)]
    (tmp_path / "h.jsonl").write_text("\n".join(rows))
    found = json.loads(trainwatch("diagnose", "h.jsonl", "--json").stdout)
    assert (found["last"]["value"], found["last"]["evaluation"]) == (4.0, 4)


def test_what_holds_no_loss_is_refused_with_the_reason(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"epoch": 1, "accuracy": 0.5, "val_accuracy": 0.4}\n' * 9)
    said = trainwatch("diagnose", "a.jsonl", "--json")
    assert said.returncode == 2
    told = json.loads(said.stdout)
    assert (
        told["headline"]
        == "No loss is reported, only accuracy, val_accuracy: the rules judge losses."
        " By val_accuracy the best was 0.4 at epoch 1, 8 values ago; now 0.4."
    )
    (tmp_path / "pairs.json").write_text("[[1.0, 1.1], [0.9, 1.2]]")
    said = trainwatch("diagnose", "pairs.json", "--json")
    assert (said.returncode, json.loads(said.stdout)["state"]) == (2, "not-enough-data")


def test_status_is_one_plain_frame(log: str, trainwatch: Command) -> None:
    said = trainwatch("status", log)
    assert (said.returncode, said.stderr) == (0, "")
    assert "\x1b" not in said.stdout
    assert "OVERFITTING" in said.stdout
    assert said.stdout.startswith(" trainwatch")
    assert (
        trainwatch("attach", "--once", log).stdout.splitlines()[3:9]
        == (said.stdout.splitlines()[3:9])
    )
    assert json.loads(trainwatch("status", log, "--json").stdout)["eval_loss"] == 0.9


def test_status_honours_columns_and_the_locale(log: str, trainwatch: Command) -> None:
    narrow = trainwatch("status", log, COLUMNS="60").stdout
    assert max(map(len, narrow.splitlines())) <= 60
    plain = trainwatch("status", log, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert plain.returncode == 0
    assert plain.stdout.isascii()


def test_report_is_markdown_or_json(log: str, trainwatch: Command) -> None:
    assert trainwatch("report", log).stdout.startswith("# ")
    parts = json.loads(trainwatch("report", log, "--format", "json").stdout)
    assert parts["verdict"]["state"] == "overfitting"
    assert len(parts["points"]) == len(trainwatch("export", log).stdout.splitlines())


def test_doctor_tells_what_is_read_and_what_is_not(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_text("of 3 apples in the garden, 4 were eaten by 7 people\n" * 3)
    said = trainwatch("doctor", "odd.log", "--json")
    found = {finding["check"]: finding for finding in json.loads(said.stdout)}
    assert said.returncode == 0
    assert "of 3 apples in the garden" in found["unread"]["text"]


def test_doctor_looks_at_this_machine(trainwatch: Command) -> None:
    said = trainwatch("doctor", "--json")
    checks = {finding["check"]: finding["state"] for finding in json.loads(said.stdout)}
    assert said.returncode == 0
    assert checks["state"] == checks["probe"] == checks["config"] == "ok"
    assert checks["terminal"] == "warning"
    assert "gpu" in checks


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("cost", "--metric is NAME=REGEX, such as 'loss=my loss is ([0-9.]+)', not 'cost'"),
        (
            "cost=(",
            "--metric cost: '(' is no regular expression: missing ), unterminated subpattern",
        ),
    ],
)
def test_a_wrong_metric_is_refused_before_anything_starts(
    trainwatch: Command, tmp_path: Path, metric: str, sentence: str
) -> None:
    said = trainwatch("run", "--metric", metric, "touch", "mark")
    assert (said.returncode, said.stdout) == (2, "")
    assert sentence in said.stderr
    assert not (tmp_path / "mark").exists()


def test_a_metric_of_ones_own_is_read(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_text("zonk <0.5> at step 3\nzonk <0.25> at step 4\n")
    said = trainwatch("export", "--metric", "loss=zonk <([0-9.]+)>", "./odd.log")
    points = [json.loads(line) for line in said.stdout.splitlines()]
    assert [(p["name"], p["value"], p["step"]) for p in points] == [
        ("loss", 0.5, 3),
        ("loss", 0.25, 4),
    ]


# --- bad input ------------------------------------------------------------------------------

LOOKS = ["status", "export", "diagnose", "checkpoints", "report", "doctor", "attach"]


@pytest.mark.parametrize(
    ("verb", "word"),
    [
        *((verb, "nothing") for verb in LOOKS),
        *(("status", word) for word in ("./nothing", "4194305", "no/thing", "a\nb\x1b]0;x")),
    ],
)
def test_an_unknown_target_is_named(verb: str, word: str, trainwatch: Command) -> None:
    said = trainwatch(verb, word)
    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr.startswith("trainwatch: there is no ")
    assert said.stderr.count("\n") == 1
    assert "\x1b" not in said.stderr


def test_without_any_run_there_is_nothing_to_look_at(trainwatch: Command) -> None:
    said = trainwatch("status")
    assert (said.returncode, said.stdout) == (3, "")
    assert "start one: trainwatch run" in said.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(log: str, trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / log).chmod(0)
    said = trainwatch("status", log)
    assert said.returncode == 3
    assert "cannot be read: Permission denied" in said.stderr


@pytest.mark.parametrize("verb", ["report", "doctor"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        random.Random(3).randbytes(200_000),
        b"\0" * 100_000,
        b"{'loss': 1" * 30_000,
        b'{"log_history": [{"loss": 1.0, "step": 1}, {"lo',
    ],
    ids=["empty", "garbage", "zeros", "endless line", "cut JSON"],
)
@pytest.mark.parametrize("name", ["train.log", "trainer_state.json"])
def test_whatever_a_file_holds_there_is_no_traceback(
    verb: str, content: bytes, name: str, trainwatch: Command, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    said = trainwatch(verb, name)
    assert said.returncode in (0, 2)
    assert "Traceback" not in said.stderr + said.stdout
    assert "went wrong inside" not in said.stderr


def test_an_empty_log_and_one_without_numbers_say_so(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert trainwatch("export", "empty.log").stderr == "trainwatch: nothing was printed yet\n"
    (tmp_path / "prose.log").write_text("hello\n" * 3)
    assert "no metric was found in 3 lines" in trainwatch("export", "prose.log").stderr


def test_what_cannot_be_read_is_named_with_the_reason(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    nothing = "trainwatch: no log and no metric file that can be read was found in out\n"
    assert trainwatch("export", "out").stderr == nothing
    assert "no metric file is in this folder" in trainwatch("status", "out").stdout
    whole = json.dumps({"log_history": [{"loss": 1.0, "step": 1}]})
    (tmp_path / "out" / "trainer_state.json").write_text(whole[:-5])
    for target in ("out", "out/trainer_state.json"):
        cut = "out/trainer_state.json is not read: it is cut or half written"
        assert cut in trainwatch("export", target).stderr
        said = trainwatch("diagnose", target, "--json")
        assert (said.returncode, cut in said.stderr) == (2, True)
        short = "no loss line yet · trainer_state.json is not read: it is cut or half written"
        assert short in trainwatch("status", target).stdout
    (tmp_path / "out" / "trainer_state.json").write_text(whole)
    assert trainwatch("export", "out").stderr == ""
    (tmp_path / "big.db").write_bytes(b"SQLite format 3\0" + bytes(17 << 20))
    assert "it has 17 MiB, more than is read" in trainwatch("export", "big.db").stderr
    (tmp_path / "w.bin").write_bytes(os.urandom(5000))
    assert (
        trainwatch("export", "w.bin").stderr
        == "trainwatch: w.bin holds no metric that can be read\n"
    )
    (tmp_path / "log.gz").write_bytes(gzip.compress(LOG.encode()))
    assert "no text in UTF-8" in trainwatch("export", "log.gz").stderr


def test_a_file_tells_how_far_the_training_is(trainwatch: Command, tmp_path: Path) -> None:
    history = [
        {"loss": 1.0, "step": 10, "epoch": 1.0},
        {"eval_loss": 1.0, "step": 20, "epoch": 2.0},
    ]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    told = json.loads(trainwatch("status", "trainer_state.json", "--json").stdout)
    assert (told["step"], told["epoch"]) == (20, 2.0)


def test_an_empty_word_is_not_the_newest_run(trainwatch: Command) -> None:
    for verb in ("stop", "export", "attach"):
        said = trainwatch(verb, "")
        assert (said.returncode, said.stdout) == (2, "")
        assert "an empty word names nothing" in said.stderr


def test_a_folder_without_checkpoints_says_so(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    said = trainwatch("checkpoints", "out")
    assert said.returncode == 0
    assert "no checkpoint yet" in said.stdout
    assert json.loads(trainwatch("checkpoints", "out", "--json").stdout) == []


def test_output_that_cannot_be_written_is_named(log: str, trainwatch: Command) -> None:
    said = trainwatch("export", log, "-o", "/no/such/folder/f")
    assert said.returncode == 2
    assert "cannot write /no/such/folder/f: No such file or directory" in said.stderr


@pytest.mark.parametrize("verb", ["export", "status", "report", "list", "doctor", "completion"])
def test_a_full_disk_behind_stdout_is_a_sentence(verb: str, state: Path, tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(LOG)
    more = {"list": ["--json"], "doctor": [], "completion": ["bash"]}.get(verb, ["train.log"])
    with open("/dev/full", "wb") as full:
        said = subprocess.run(
            [*TRAINWATCH, verb, *more],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            cwd=tmp_path,
            env=environment(state),
            timeout=60,
        )
    assert said.returncode == 2
    assert said.stderr == b"trainwatch: the output cannot be written: No space left on device\n"


def test_a_reader_that_leaves_early_is_no_error(state: Path, tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(LOG * 2000)
    command = " ".join([*TRAINWATCH, "export", "train.log"])
    said = subprocess.run(
        ["sh", "-c", f"{command} | head -n 1"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env=environment(state),
        timeout=60,
    )
    assert said.stderr == b""
    assert json.loads(said.stdout)["name"] == "loss"


# --- journals -------------------------------------------------------------------------------


def test_a_recorded_run_replays_to_the_same_numbers(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(LOG)
    live = trainwatch("run", "--record", "run.tw", "cat", "train.log")
    again = trainwatch("replay", "run.tw", "--speed", "0")
    assert (live.returncode, again.returncode) == (0, 0)
    assert live.stdout == again.stdout == LOG
    assert trainwatch("export", "run.tw").stdout == trainwatch("export").stdout
    assert trainwatch("diagnose", "run.tw").returncode == 1
    assert json.loads(trainwatch("status", "run.tw", "--json").stdout)["state"] == "ended"


def test_a_journal_is_not_overwritten(trainwatch: Command, tmp_path: Path) -> None:
    (tmp_path / "run.tw").write_text("precious")
    said = trainwatch("run", "--record", "run.tw", "touch", "mark")
    assert said.returncode == 2
    assert "run.tw exists already" in said.stderr
    assert not (tmp_path / "mark").exists()
    assert "no folder" in trainwatch("run", "--record", "no/run.tw", "touch", "mark").stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["replay", "nothing.tw"], 3),
        (["replay", "train.log"], 3),
        (["replay", "train.log", "--speed", "fast"], 2),
        (["replay", "train.log", "--speed", "-1"], 2),
        (["replay", "train.log", "--speed", "nan"], 2),
    ],
)
def test_what_cannot_be_replayed(
    words: list[str], code: int, log: str, trainwatch: Command
) -> None:
    said = trainwatch(*words)
    assert (said.returncode, said.stdout) == (code, "")
    assert said.stderr.count("\n") == 1
