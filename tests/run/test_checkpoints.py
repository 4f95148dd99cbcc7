"""Which checkpoint is best, newest, next to go; how to resume; what each measure picks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.run.runs import EVERY, report, run_of
from trainwatch import facts
from trainwatch.draw import shapes
from trainwatch.read.records import CheckpointFile, CheckpointSeen, CheckpointsSeen
from trainwatch.run.names import is_task_metric, lower_is_better
from trainwatch.run.resume import resume_command
from trainwatch.run.rotation import next_to_go
from trainwatch.run.verdict import Best

if TYPE_CHECKING:
    from trainwatch.run.run import Run

ROOT = "/out"


def seen(step: int, **more: Any) -> CheckpointSeen:
    name = more.pop("name", f"checkpoint-{step}")
    files = (
        CheckpointFile("model.safetensors", 1000, "weights"),
        CheckpointFile("optimizer.pt", 2000, "optimizer"),
        CheckpointFile("trainer_state.json", 10, "other"),
    )
    plain = CheckpointSeen(
        path=f"{ROOT}/{name}", name=name, layout="hf-trainer", step=step, epoch=step / 100,
        created=1000.0 + step, files=files, state="complete", reason=None, progress=None,
        resumable="full", metrics=(), claims_best=None, facts=(),
    )  # fmt: skip
    return plain._replace(**more)


def show(run: Run, *checkpoints: CheckpointSeen) -> None:
    run.apply(CheckpointsSeen(ROOT, checkpoints, (), 1.0))


def marks(run: Run) -> dict[str, tuple[str, ...]]:
    return {c.seen.name: c.marks for c in run.checkpoints.rows()}


def target(run: Run, *command: str, started: float | None = None) -> None:
    run.apply(
        facts.Target(
            "run", "r1", "", list(command), "/work", "host", "me", 1, started, [], [ROOT], "", 1.0
        )
    )


def test_the_best_is_ours_the_last_is_the_newest_complete_one() -> None:
    run = run_of([1.0, 0.6, 0.8, 0.9])
    show(run, seen(400, state="incomplete"), seen(100), seen(300), seen(200))
    assert marks(run) == {
        "checkpoint-100": (),
        "checkpoint-200": ("best",),
        "checkpoint-300": ("last",),
        "checkpoint-400": (),
    }
    best = run.checkpoints.best
    assert best is not None
    assert best.eval_loss == 0.6
    assert best.gap is not None
    assert run.verdict().best == Best(200, None, 0.6, "checkpoint-200", 2)


def test_without_a_log_the_checkpoints_tell_their_own_loss() -> None:
    run = run_of([])
    show(run, seen(1, metrics=(("eval_loss", 0.5),)), seen(2, metrics=(("eval_a_loss", 0.4),)))
    assert [c.eval_loss for c in run.checkpoints.rows()] == [0.5, 0.4]
    assert marks(run)["checkpoint-2"] == ("best", "last")


def test_the_claim_of_the_framework_stays_a_claim() -> None:
    run = run_of([1.0, 0.6, 0.8])
    show(run, seen(100), seen(200), seen(300, claims_best="checkpoint-100"))
    claim = run.checkpoints.claim
    assert claim is not None
    assert claim.differs
    assert (claim.theirs, claim.ours) == ("checkpoint-100", "checkpoint-200")


def test_the_final_model_is_neither_best_nor_last() -> None:
    run = run_of([1.0, 0.6])
    show(run, seen(100), seen(200), seen(200, name="final"))
    assert marks(run) == {
        "checkpoint-100": (), "checkpoint-200": ("best", "last"), "final": ("final",),
    }  # fmt: skip


def test_a_second_run_into_the_folder_does_not_take_the_first_ones_for_its_own() -> None:
    run = run_of([1.0, 0.6])
    target(run, "python", "train.py", started=5000.0)
    show(run, seen(700, created=4000.0), seen(100, created=5100.0), seen(200, created=5200.0))
    assert marks(run)["checkpoint-200"][-1] == "last"
    assert "last" not in marks(run)["checkpoint-700"]


def test_what_is_kept_on_purpose() -> None:
    run = run_of([])
    show(run, seen(100, name="kept-checkpoint-100"), seen(200, path="/out/kept/checkpoint-200"))
    assert all("kept" in c.marks for c in run.checkpoints.rows())


# --- the next to go -----------------------------------------------------------------------


def limited(limit: int, version: str, *checkpoints: CheckpointSeen) -> list[CheckpointSeen]:
    told = (("save_total_limit", str(limit)), ("transformers", version))
    return [c._replace(facts=told) for c in checkpoints]


@pytest.mark.parametrize(
    ("limit", "best", "gone"),
    [
        (2, None, ["100", "200"]),
        (3, None, ["100"]),
        (4, None, []),
        (2, 100, ["200", "300"]),
        (1, 100, ["200", "300"]),
        (1, None, ["100", "200", "300"]),
        (1, 300, ["100", "200"]),
    ],
)
def test_the_oldest_go_but_never_the_best_or_the_newest(
    limit: int, best: int | None, gone: list[str]
) -> None:
    claim = None if best is None else f"checkpoint-{best}"
    rows = limited(limit, "5.23.0", *(seen(s, claims_best=claim) for s in (100, 200, 300)))
    assert next_to_go(rows) == [f"{ROOT}/checkpoint-{s}" for s in gone]


@pytest.mark.parametrize(
    ("version", "gone"),
    [("5.23.0", "200"), ("4.57.1", "200"), ("4.44.0", "100"), ("4.36.2", "200")],
)
def test_the_oldest_is_by_time_or_by_number_as_the_version_has_it(version: str, gone: str) -> None:
    touched = seen(100, created=9000.0)
    rows = limited(2, version, touched, seen(200), seen(300, created=9500.0))
    assert next_to_go(rows)[0] == f"{ROOT}/checkpoint-{gone}"


def test_nothing_is_forecast_that_is_not_known() -> None:
    assert next_to_go([seen(100), seen(200)]) == []
    run = run_of([])
    show(run, *limited(1, "5.0", seen(100), seen(200)))
    assert "next-to-go" in marks(run)["checkpoint-100"]
    run.apply(facts.Ended(0, None, "", 1.0))
    assert "next-to-go" not in marks(run)["checkpoint-100"]


# --- resuming -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "resumed"),
    [
        ("python train.py --lr 1", "python train.py --lr 1 --resume_from_checkpoint '/out/a b'"),
        (
            "python train.py --resume_from_checkpoint old --lr 1",
            "python train.py --resume_from_checkpoint '/out/a b' --lr 1",
        ),
        (
            "python train.py --resume_from_checkpoint=old",
            "python train.py '--resume_from_checkpoint=/out/a b'",
        ),
        (
            "torchrun --nproc 2 -m pkg.train --resume-from-checkpoint --lr 1",
            "torchrun --nproc 2 -m pkg.train --resume-from-checkpoint '/out/a b' --lr 1",
        ),
        ("trl sft --config c.yaml", "trl sft --config c.yaml --resume_from_checkpoint '/out/a b'"),
        ("bash run.sh", None),
        ("make train", None),
        ("./train", None),
        ("", None),
    ],
)
def test_the_resume_command_is_the_runs_own(command: str, resumed: str | None) -> None:
    assert resume_command(command.split(), seen(1, path="/out/a b")) == resumed


@pytest.mark.parametrize(
    ("command", "layout", "name", "resumed"),
    [
        ("accelerate launch t.py", "accelerate", "step_5", "accelerate launch t.py --resume_from_checkpoint /o"),
        ("llamafactory-cli train a.yaml", "hf-trainer", "checkpoint-5", "llamafactory-cli train a.yaml resume_from_checkpoint=/o"),
        ("llamafactory-cli train a.yaml resume_from_checkpoint=old lr=1", "hf-trainer", "checkpoint-5", "llamafactory-cli train a.yaml resume_from_checkpoint=/o lr=1"),
        ("python main.py fit -c a.yaml", "lightning", "last.ckpt", "python main.py fit -c a.yaml --ckpt_path /o"),
        ("python main.py", "lightning", "last.ckpt", None),
        ("python src/train.py ckpt_path=null x=1", "lightning", "last.ckpt", "python src/train.py ckpt_path=/o x=1"),
        ("python t.py --ckpt_path=a", "lightning", "last.ckpt", "python t.py --ckpt_path=/o"),
        ("fairseq-train data --arch a", "torch-file", "checkpoint3.pt", "fairseq-train data --arch a --restore-file /o"),
        ("litgpt pretrain pythia", "litgpt", "step-0005", "litgpt pretrain pythia --resume /o"),
        ("litgpt finetune pythia", "litgpt", "step-0005", None),
        ("python train.py /data --model x", "torch-file", "last.pth.tar", "python train.py /data --model x --resume /o"),
        ("python -m mlx_lm lora --train", "safetensors-file:mlx", "0000100_adapters.safetensors", "python -m mlx_lm lora --train --resume-adapter-file /o"),
        ("python train.py config/gpt2.py", "torch-file", "ckpt.pt", "python train.py config/gpt2.py --init_from=resume"),
        ("python train.py", "torch-file", "ckpt.pt", None),
        ("yolo detect train data=a.yaml", "torch-file", "last.pt", "yolo detect train data=a.yaml resume model=/o"),
        ("python t.py --resume old.pt", "torch-file", "x.pt", "python t.py --resume /o"),
        ("python t.py --resume --lr 1", "torch-file", "x.pt", None),
        ("bash run.sh --resume a", "torch-file", "x.pt", None),
        ("python t.py", "generic", "x", None),
    ],
)  # fmt: skip
def test_every_family_is_told_in_its_own_words(
    command: str, layout: str, name: str, resumed: str | None
) -> None:
    found = seen(5, path="/o", layout=layout, name=name)
    assert resume_command(command.split(), found) == resumed


@pytest.mark.parametrize(
    "more", [{"state": "writing"}, {"state": "corrupt"}, {"resumable": "weights"}, {"layout": "x"}]
)
def test_there_is_no_resume_command_where_it_would_not_work(more: dict[str, Any]) -> None:
    assert resume_command(["python", "train.py"], seen(1, **more)) is None


def test_the_command_comes_from_the_target() -> None:
    run = run_of([])
    target(run, "python", "train.py")
    show(run, seen(100))
    resume = run.checkpoints.rows()[0].resume
    assert resume == "python train.py --resume_from_checkpoint /out/checkpoint-100"


# --- worth --------------------------------------------------------------------------------


def test_each_measure_picks_its_own_best() -> None:
    run = run_of([1.0, 0.6, 0.8], eval_accuracy=[0.5, 0.7, 0.8], eval_wer=[0.5, 0.3, 0.4])
    show(run, seen(100), seen(200), seen(300))
    worth = run.checkpoints.worth
    assert worth is not None
    assert worth.disagree
    assert worth.best_by == {
        "eval_loss": "checkpoint-200", "accuracy": "checkpoint-300", "wer": "checkpoint-200",
    }  # fmt: skip
    told = shapes.diagnose(run.verdict())["worth"]
    assert told == {"best_by": dict(worth.best_by), "disagree": True}


def test_without_any_measure_there_is_no_worth() -> None:
    run = run_of([])
    show(run, seen(100))
    assert run.checkpoints.worth is None
    assert run.verdict().worth is None


@pytest.mark.parametrize(
    ("name", "task", "lower"),
    [
        ("accuracy", True, False), ("f1_macro", True, False), ("wer", True, True),
        ("loss", False, True), ("perplexity", False, True), ("runtime", False, False),
        ("rmse", True, True), ("power", False, False), ("exact_match", True, False),
        ("samples_per_second", False, False), ("mean_token_accuracy", True, False),
        ("rewards/accuracies", True, False), ("entropy", False, False),
    ],
)  # fmt: skip
def test_what_names_suggest(name: str, task: bool, lower: bool) -> None:
    assert is_task_metric(name) is task
    assert lower_is_better(name) is lower


# --- the shape ----------------------------------------------------------------------------


def test_the_shape_of_checkpoints() -> None:
    run = run_of([1.0])
    report(run, EVERY, eval_loss=0.9)
    show(run, seen(100, metrics=(("eval_accuracy", 0.5), ("eval_loss", 0.9))))
    assert shapes.checkpoints(run) == [
        {
            "path": "/out/checkpoint-100", "name": "checkpoint-100", "run": "/out",
            "layout": "hf-trainer",
            "step": 100, "epoch": 1.0, "created": 1100.0, "bytes": 3010,
            "parts": {"weights": 1000, "optimizer": 2000, "other": 10},
            "state": "complete", "reason": None, "progress": None, "resumable": "full",
            "marks": ["best", "last"], "metrics": {"eval_accuracy": 0.5, "eval_loss": 0.9},
            "same_weights_as": None, "gold": [], "resume": None,
        }
    ]  # fmt: skip


def test_a_kept_copy_takes_no_mark_from_the_live_one() -> None:
    run = run_of([])
    live = [seen(step, facts=(("save_total_limit", "2"),)) for step in (100, 200)]
    kept = [c._replace(path=c.path.replace(c.name, f"kept/{c.name}")) for c in live]
    target(run, "python", "train.py")
    show(run, *live, *kept)
    told = {r.seen.path: r.marks for r in run.checkpoints.rows()}
    assert [told[c.path] for c in kept] == [("kept",), ("kept",)]
    assert "next-to-go" in told[live[0].path]


def test_deleted_checkpoints_do_not_widen_the_distance_to_the_next() -> None:
    from trainwatch.run.pace import coming

    assert coming([30, 40]) == 50
    assert coming([500]) == 1000
