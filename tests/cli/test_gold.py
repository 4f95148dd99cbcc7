"""What checkpoints are worth by a gold set: where results are found, and what is said of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.test_checkpoints import out

__all__ = ["out"]  # the fixture of the four checkpoints; 20 is the best by loss


def score(path: Path, step: int, value: float, n: int = 2000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"checkpoint": f"out/checkpoint-{step}", "exact_match": value, "n": n}
    path.write_text(json.dumps(told))


def gold_of(said: str) -> dict[str, list[float]]:
    return {row["name"]: [g["value"] for g in row["gold"]] for row in json.loads(said)}


def test_a_file_of_any_name_and_a_folder_are_read(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    score(tmp_path / "elsewhere/scores.json", 20, 0.55)
    score(tmp_path / "more/gold-40.json", 40, 0.71)
    more = ("--gold", "elsewhere/scores.json", "--gold", "more")
    found = gold_of(trainwatch("checkpoints", "out", "--json", *more).stdout)
    assert (found["checkpoint-20"], found["checkpoint-40"]) == ([0.55], [0.71])
    assert not any(gold_of(trainwatch("checkpoints", "out", "--json").stdout).values())
    worth = json.loads(trainwatch("diagnose", "out", "--json", *more).stdout)["worth"]
    assert worth["disagree"] is True
    assert worth["best_by"] == {
        "eval_loss": "checkpoint-20", "gold:exact_match": "checkpoint-40",
    }  # fmt: skip
    report = trainwatch("report", "out", *more).stdout
    assert "eval\\_loss picks `checkpoint-20`" in report
    assert "exact\\_match picks `checkpoint-40`" in report


def test_well_known_places_and_the_configuration_need_no_option(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    score(out / "eval/results-10.json", 10, 0.3)
    score(tmp_path / "own/gold.json", 40, 0.7)
    (tmp_path / "config.toml").write_text(f'[worth]\ngold = ["{tmp_path}/own"]\n')
    own = {"TRAINWATCH_CONFIG": str(tmp_path / "config.toml")}
    found = gold_of(trainwatch("checkpoints", "out", "--json", **own).stdout)
    assert (found["checkpoint-10"], found["checkpoint-40"]) == ([0.3], [0.7])


def test_what_chance_explains_is_no_disagreement(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    score(tmp_path / "g/gold-20.json", 20, 0.71, n=100)
    score(tmp_path / "g/gold-40.json", 40, 0.73, n=100)
    worth = json.loads(trainwatch("diagnose", "out", "--json", "--gold", "g").stdout)["worth"]
    assert worth["disagree"] is False


def test_a_path_that_is_not_there_is_named(out: Path, trainwatch: Command) -> None:
    said = trainwatch("diagnose", "out", "--gold", "nowhere.json")
    assert (said.returncode, said.stdout) == (3, "")
    assert "--gold nowhere.json: there is no such file or folder" in said.stderr


def test_without_a_gold_set_it_is_said_what_that_means(out: Path, trainwatch: Command) -> None:
    assert "gold set" in trainwatch("report", "out").stdout
    assert "gold set" in json.loads(trainwatch("diagnose", "out", "--json").stdout)["note"]


# --- evaluating -----------------------------------------------------------------------------


def evaluator(tmp_path: Path, seconds: float = 0.0) -> dict[str, str]:
    """An evaluation of one's own that leaves its result beside the checkpoints."""
    (tmp_path / "eval.py").write_text(
        "import json, sys, time\n"
        f"time.sleep({seconds})\n"
        "told = {'checkpoint': sys.argv[1], 'exact_match': 0.9, 'n': 50}\n"
        f"json.dump(told, open({str(tmp_path / 'out/gold.json')!r}, 'w'))\n"
    )
    command = f"{sys.executable} {tmp_path}/eval.py {{checkpoint}}"
    (tmp_path / "config.toml").write_text(f"[worth]\ngold_command = {json.dumps(command)}\n")
    return {"TRAINWATCH_CONFIG": str(tmp_path / "config.toml")}


def test_an_evaluation_is_a_run_of_its_own_and_its_result_is_joined(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    own = evaluator(tmp_path)
    said = trainwatch("checkpoints", "evaluate", "30", "out", "--yes", **own)
    assert said.returncode == 0, said
    run = said.stdout.strip()
    assert f"trainwatch attach {run}" in said.stderr
    assert trainwatch("attach", run, "--no-ui").returncode == 0
    assert gold_of(trainwatch("checkpoints", "out", "--json").stdout)["checkpoint-30"] == [0.9]


def test_all_without_a_result_are_evaluated_one_after_the_other(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    own = evaluator(tmp_path)
    text = (tmp_path / "eval.py").read_text()
    (tmp_path / "eval.py").write_text(
        text.replace("gold.json", "gold-' + sys.argv[1][-2:] + '.json")
    )
    score(tmp_path / "out/gold-20.json", 20, 0.5)
    run = trainwatch("checkpoints", "evaluate", "--all", "out", "--yes", **own).stdout.strip()
    log = trainwatch("attach", run, "--no-ui").stdout
    found = gold_of(trainwatch("checkpoints", "out", "--json").stdout)
    others = [name for name in found if name not in ("checkpoint-20", "final")]
    assert [found[name] for name in others] == [[0.9]] * len(others)
    assert found["checkpoint-20"] == [0.5]
    assert f"[{len(others)}/{len(others)}] {others[-1]}" in log
    again = trainwatch("checkpoints", "evaluate", "--all", "out", "--yes", **own)
    assert again.returncode == 2
    assert "every whole checkpoint has a result" in again.stderr


def test_stopping_ends_what_is_evaluated_and_what_would_be_next(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    own = evaluator(tmp_path, seconds=600)
    run = trainwatch("checkpoints", "evaluate", "--all", "out", "--yes", **own).stdout.strip()
    assert trainwatch("stop", run).returncode == 0
    assert json.loads(trainwatch("status", run, "--json").stdout)["state"] != "running"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [((), "which checkpoint? NAME, or --all"), (("30", "out", "--all"), "only a target")],
)
def test_one_or_all_is_said(words: tuple[str, ...], sentence: str, trainwatch: Command) -> None:
    said = trainwatch("checkpoints", "evaluate", *words)
    assert said.returncode == 2
    assert sentence in said.stderr


def test_one_evaluation_at_a_time(out: Path, trainwatch: Command, tmp_path: Path) -> None:
    own = evaluator(tmp_path, seconds=60)
    first = trainwatch("checkpoints", "evaluate", "30", "out", "--yes", **own).stdout.strip()
    said = trainwatch("checkpoints", "evaluate", "40", "out", "--yes", **own)
    assert (said.returncode, said.stdout) == (1, "")
    assert "gold-checkpoint-30 still runs: one evaluation at a time" in said.stderr
    assert trainwatch("stop", first, "--now").returncode == 0


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("", "there is no command that evaluates: set gold_command"),
        ("python eval.py", "does not say where {checkpoint} goes"),
        ("python 'eval.py {checkpoint}", "is no command: No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_is_named(
    setting: str, sentence: str, out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"[worth]\ngold_command = {json.dumps(setting)}\n")
    said = trainwatch(
        "checkpoints", "evaluate", "30", "out", TRAINWATCH_CONFIG=str(tmp_path / "config.toml")
    )
    assert said.returncode == 2
    assert sentence in said.stderr


def test_nothing_is_started_where_nobody_can_be_asked(
    out: Path, trainwatch: Command, tmp_path: Path
) -> None:
    said = trainwatch("checkpoints", "evaluate", "30", "out", **evaluator(tmp_path))
    assert (said.returncode, said.stdout) == (2, "")
    assert "nothing was started" in said.stderr
