"""What speaks against taking a checkpoint away, and what a clean-up would leave."""

from __future__ import annotations

from tests.run.runs import run_of
from tests.run.test_checkpoints import ROOT, seen, show, target
from trainwatch.read.records import CheckpointFile, CheckpointSeen
from trainwatch.run.advice import advice
from trainwatch.run.guards import guards, plan
from trainwatch.run.run import Run
from trainwatch.run.work import reach


def shown(*checkpoints: CheckpointSeen) -> Run:
    run = run_of([1.0, 0.6, 0.8, 0.9])
    target(run, "python", "train.py")
    show(run, *checkpoints)
    return run


def reasons(run: Run) -> dict[str, list[str]]:
    rows = run.checkpoints.rows()
    return {r.seen.name: [g.text for g in guards(r, rows, over=False)] for r in rows}


def test_best_newest_written_and_kept_ones_are_guarded() -> None:
    kept = seen(150, path=f"{ROOT}/kept/checkpoint-150")
    odd = seen(400, state="writing", resumable="no")
    found = reasons(shown(seen(100), seen(200), seen(300), odd, kept))
    assert found == {
        "checkpoint-100": [],
        "checkpoint-150": ["it is kept on purpose"],
        "checkpoint-200": ["it has the best eval loss"],
        "checkpoint-300": ["it is the newest that can be resumed from now"],
        "checkpoint-400": ["it is being written"],
    }


def test_the_output_folder_itself_never_goes() -> None:
    run = shown(seen(100), seen(300, name="final", path=ROOT))
    row = next(r for r in run.checkpoints.rows() if r.seen.name == "final")
    assert guards(row, run.checkpoints.rows(), over=True)[0].hard


def test_a_bundle_is_no_folder_of_its_own() -> None:
    files = tuple(CheckpointFile(f"ckpt-7.{end}", 5, "weights") for end in ("index", "data-00000"))
    bundle = seen(7, name="ckpt-7", layout="tensorflow", files=files)
    assert reach(bundle) == (ROOT, ("ckpt-7.index", "ckpt-7.data-00000"))
    run = shown(bundle)
    [row] = run.checkpoints.rows()
    assert guards(row, [row], over=True)[0].hard


def test_a_clean_up_keeps_the_best_and_the_newest_and_says_why() -> None:
    run = shown(*(seen(step) for step in (100, 200, 300, 400)), seen(350, state="corrupt"))
    found = plan(run.checkpoints.rows(), 2, over=True)
    assert [r.seen.step for r in found.going] == [100, 350]
    assert [(r.seen.step, why.partition(",")[0]) for r, why in found.staying] == [
        (200, "has the best eval loss"), (300, "is among the newest 2"),
        (400, "is the newest that can be resumed from"),
    ]  # fmt: skip


def test_a_damaged_newest_one_names_the_one_to_resume_from() -> None:
    cut = seen(900, state="corrupt", reason="model.safetensors is cut at 63 %", resumable="no")
    run = shown(seen(800), cut)
    assert advice(run, run.checkpoints.rows()) == [
        "900 is corrupt (model.safetensors is cut at 63 %): resume from 800"
    ]


def test_two_of_one_step_are_told_apart_by_their_names() -> None:
    cut = seen(900, name="cut.pt", state="corrupt", reason="it is cut", resumable="no")
    run = shown(seen(900, name="last.pt"), cut._replace(created=cut.created + 1))
    assert advice(run, run.checkpoints.rows()) == [
        "cut.pt is corrupt (it is cut): resume from last.pt"
    ]


def test_a_metric_kept_the_wrong_way_round_is_asked_about() -> None:
    told = (("metric_for_best_model", "wer"), ("greater_is_better", "True"))
    run = shown(seen(100, facts=told))
    assert "keeps the largest wer" in advice(run, run.checkpoints.rows())[0]
    right = (("metric_for_best_model", "wer"), ("greater_is_better", "False"))
    run = shown(seen(100, facts=right))
    assert advice(run, run.checkpoints.rows()) == []
