"""The checkpoint browser: what each key asks of the probe, and what is asked of the person first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from textual import events

from tests.ui import scenes
from tests.ui.stage import Stage, watching
from trainwatch import facts
from trainwatch.read.records import CheckpointFile, CheckpointsSeen, Tensor
from trainwatch.read.records import ContentsSeen as Inside

if TYPE_CHECKING:
    from pathlib import Path

NOW = scenes.BEGUN + 600


def jobs(stage: Stage) -> list[facts.Job]:
    return [r for r in stage.link.sent if isinstance(r, facts.Job)]


def path(step: int) -> str:
    return f"{scenes.ROOT}/checkpoint-{step}"


async def at(stage: Stage, step: int) -> None:
    """Stand on a checkpoint of the list."""
    panel = stage.watching.checkpoints
    await stage.press("3", "home")
    while panel.view.cursor != path(step):
        await stage.press("j")


async def test_verify_reads_it_shows_how_far_and_can_be_stopped() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("v")
        [job] = jobs(stage)
        assert (job.action, job.path) == ("verify", path(800))
        await stage.say(facts.JobStep(job, 30, 100, "model.safetensors", NOW))
        assert "verify checkpoint-800 … 30%" in stage.text
        await stage.press("v")
        assert stage.link.sent[-1] == facts.Cancel(job.id)
        await stage.say(facts.JobEnded(job.id, False, "cancelled", "", 0, NOW))
        assert "… 30%" not in stage.text


async def test_what_verify_found_stands_in_the_details() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("v", "enter")
        [job] = jobs(stage)
        tensor = facts.TensorChecked("lm_head.weight", "F32", [2], 8, 1, 2, 0)
        await stage.say(
            facts.JobStep(job, 0, 100, "", NOW),
            facts.FileChecked(job.id, "model.safetensors", 100, 7, "", [tensor], NOW),
            facts.JobEnded(job.id, True, "1 files read to the last byte", "", 0, NOW),
        )
        await stage.shows("broken numbers", "2 NaN in lm_head.weight")


async def test_delete_asks_with_the_exact_path_and_can_be_undone() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 400)
        await stage.press("d")
        await stage.shows("delete checkpoint-400", path(400), "frees 13.5 GiB")
        assert not jobs(stage)
        await stage.press("n")
        assert not jobs(stage)
        await stage.press("d")
        await stage.press("y")
        [job] = jobs(stage)
        assert (job.action, job.path, job.names) == ("discard", path(400), [])
        place = f"{scenes.ROOT}/.trainwatch-trash/1-checkpoint-400"
        await stage.say(
            facts.JobStep(job, 0, 0, "", NOW),
            facts.JobEnded(job.id, True, "checkpoint-400 is in the trash", place, 9, NOW),
        )
        assert "u brings it back" in stage.keys
        await stage.press("u")
        assert (jobs(stage)[-1].action, jobs(stage)[-1].path) == ("restore", place)


async def test_the_best_goes_only_when_its_step_is_typed() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("d")
        await stage.shows("it has the best eval loss")
        await stage.press("y")
        await stage.press(*"400", "enter")
        assert not jobs(stage)
        await stage.press("y")
        await stage.press(*"800", "enter")
        assert [job.path for job in jobs(stage)] == [path(800)]


async def test_what_is_being_written_stays() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 1240)
        for key in "dKx":
            await stage.press(key)
            assert "it is being written" in stage.keys
        assert not jobs(stage)


async def test_slim_names_the_files_that_go() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 400)
        await stage.press("x")
        await stage.shows("optimizer.pt", "512.0 MiB" if "512.0 MiB" in stage.text else "512 MiB")
        await stage.press("y")
        [job] = jobs(stage)
        assert (job.action, job.names) == ("discard", ["optimizer.pt"])


async def test_keep_asks_nothing_and_says_where() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("K")
        [job] = jobs(stage)
        assert (job.action, job.path) == ("keep", path(800))
        await stage.say(facts.JobEnded(job.id, True, "kept as /work/out/kept", "", 0, NOW))
        assert "kept as /work/out/kept" in stage.keys


@pytest.mark.parametrize("options", [{"readonly": True}, {"replay": True}])
async def test_who_only_looks_changes_nothing(options: dict[str, Any]) -> None:
    async with watching(scenes.running(), **options) as stage:
        await at(stage, 400)
        for key in ("d", "y", "K", "x", "y", "R", "y"):
            await stage.press(key)
        assert not jobs(stage)
        assert not [r for r in stage.link.sent if isinstance(r, facts.Launch | facts.Stop)]


async def test_resuming_shows_the_command_and_asks() -> None:
    ended = facts.Ended(0, None, "", NOW)
    async with watching([*scenes.running(), ended]) as stage:
        await at(stage, 800)
        await stage.press("R")
        await stage.shows("--resume_from_checkpoint", "/work")
        assert not [r for r in stage.link.sent if isinstance(r, facts.Launch)]
        await stage.press("y")
        [launch] = [r for r in stage.link.sent if isinstance(r, facts.Launch)]
        assert launch.cwd == "/work"
        assert launch.command[-2:] == ["--resume_from_checkpoint", path(800)]
        await stage.say(facts.Answer(True, True, "bcd234", NOW))
        assert "trainwatch attach bcd234" in stage.keys


async def test_nothing_is_resumed_beside_a_training_that_runs() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("R")
        assert "still runs" in stage.keys


async def test_all_without_a_result_are_evaluated_after_a_question() -> None:
    ended = facts.Ended(0, None, "", NOW)
    command = "eval {checkpoint}"
    async with watching([*scenes.running(), ended], gold_command=command) as stage:
        await at(stage, 800)
        await stage.press("E")
        await stage.shows("one after the other", "checkpoint-400", "/work")
        assert not [r for r in stage.link.sent if isinstance(r, facts.Launch)]
        await stage.press("y")
        [launch] = [r for r in stage.link.sent if isinstance(r, facts.Launch)]
        assert (launch.name, launch.cwd) == ("gold-all", "/work")
        assert f"eval {path(400)} || code=1" in launch.command[-1]


async def test_two_marked_are_read_and_compared() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 400)
        await stage.press("space", "j", "space", "=")
        first, second = jobs(stage)
        assert [first.path, second.path] == [path(400), path(800)]
        await stage.shows("reading both to the last byte")
        for job, crc in ((first, 1), (second, 2)):
            same = facts.TensorChecked("model.layers.0.a", "F32", [2], 8, 9, 0, 0)
            other = facts.TensorChecked("model.layers.1.b", "F32", [2], 8, crc, 0, 0)
            await stage.say(
                facts.JobStep(job, 0, 1, "", NOW),
                facts.FileChecked(job.id, "model.safetensors", 9, 7, "", [same, other], NOW),
                facts.JobEnded(job.id, True, "read", "", 0, NOW),
            )
        await stage.shows("checkpoint-400  against  checkpoint-800", "1 changed", "1 equal")
        await stage.shows("model.layers.#.b")


async def test_a_filter_leaves_those_that_hold_the_words() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "/", *"800", "enter")
        rows = [line for line in stage.text.split("\n") if "13.5G" in line]
        assert len(rows) == 1
        await stage.press("escape")
        assert len([line for line in stage.text.split("\n") if "13.5G" in line]) == 3


async def test_the_order_turns_round() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "S")
        rows = [line for line in stage.text.split("\n") if "13.5G" in line]
        assert "1,200" in rows[0]


async def test_best_can_mean_another_metric() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "b")
        assert "best by eval_accuracy" in stage.keys
        assert "accuracy" in stage.text


async def test_the_table_goes_to_the_clipboard_as_csv() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("3", "y")
        await stage.shows("table to which")
        await stage.press("enter")
        lines = stage.app.clipboard.splitlines()
        assert lines[0].startswith("name,step,epoch,state,resumable,bytes,path")
        assert lines[1].startswith("checkpoint-400,400,0.4,complete,full,")


async def table_to(stage: Stage, name: str) -> str:
    """Write the table; what was said."""
    await stage.press("3", "y")
    await stage.shows("table to which")
    stage.watching.keys.post_message(events.Paste(name))
    await stage.settled()
    await stage.press("enter")
    return stage.keys


@pytest.mark.parametrize(
    ("ending", "first"), [("csv", "name,step,epoch,"), ("md", "| checkpoint | step |")]
)
async def test_the_table_goes_to_a_file_that_is_named(
    ending: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with watching(scenes.running()) as stage:
        assert f"rows are in saves.{ending}" in await table_to(stage, f"saves.{ending}")
        made = tmp_path / f"saves.{ending}"
        assert made.read_text().startswith(first)
        assert "checkpoint-400" in made.read_text()
        assert stage.app.clipboard == ""
        assert "is there already" in await table_to(stage, f"saves.{ending}")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("saves.txt", "must end in .csv or .md"),
        ("no/such/saves.csv", "No such file"),
        (f"{scenes.ROOT}/checkpoint-400/a.csv", "lies in a checkpoint"),
    ],
)
async def test_a_file_that_cannot_be_is_named_with_the_reason(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with watching(scenes.running()) as stage:
        assert why in await table_to(stage, name)
    assert not os.listdir(tmp_path)


async def test_a_checkpoint_and_its_tick_on_the_chart_select_each_other() -> None:
    async with watching(scenes.running()) as stage:
        await stage.press("1", "home")
        panels, curve = stage.watching, stage.watching.loss
        await at(stage, 800)
        assert curve.view.cursor is not None
        there = curve.view.cursor
        await at(stage, 400)
        assert curve.view.cursor != there
        await stage.press("1")
        while curve.view.cursor != there:
            await stage.press("n")
        assert panels.checkpoints.view.cursor == path(800)


async def test_the_inside_stands_in_the_details_once_it_has_come() -> None:
    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("enter")
        weights = f"{path(800)}/model.safetensors"
        await stage.until(lambda: weights in [getattr(r, "path", "") for r in stage.link.sent])
        tensors = [
            Tensor(f"model.layers.{layer}.{name}.weight", "BF16", (64, 64), 8192, "m.safetensors")
            for layer in range(30)
            for name in ("q_proj", "k_proj")
        ]
        told = (("learning_rate", "0.0002"),)
        stage.session.run.apply(Inside(path(800), tuple(tensors), told, (), True, NOW))
        await stage.press("t", "t")
        await stage.shows("0 … 29  × 30", "q_proj.weight", "learning_rate", "60 tensors")


async def test_a_large_inside_is_shown_at_once() -> None:
    """720 tensors in 30 shards within 200 ms, on a busy machine too."""
    import time

    async with watching(scenes.running()) as stage:
        await at(stage, 800)
        await stage.press("enter")
        names = [f"self_attn.{n}_proj" for n in "qkvo"] + [
            f"mlp.{n}_proj" for n in ("up", "down", "gate")
        ]
        tensors = [
            Tensor(f"model.layers.{k}.{n}.weight", "BF16", (8192, 8192), 1 << 27, f"model-{k % 30:05}-of-00030.safetensors")
            for k in range(103)
            for n in names
        ][:720]  # fmt: skip
        sheet = stage.app.screen.query_one("Sheet")
        stage.session.run.apply(Inside(path(800), tuple(tensors), (), (), True, NOW))
        began = time.process_time()
        rows = sheet.all_rows(100)  # type: ignore[attr-defined]
        assert time.process_time() - began < 0.2
        assert len(rows) > 20


async def test_a_save_tells_how_long_it_will_take() -> None:
    def saving(share: float, at: float) -> CheckpointsSeen:
        odd = scenes.checkpoint(1640, "writing", progress=share)
        return CheckpointsSeen(scenes.ROOT, (scenes.checkpoint(1200), odd), (), at)

    async with watching([*scenes.running(), saving(0.2, NOW), saving(0.6, NOW + 8)]) as stage:
        await stage.press("3")
        await stage.shows("saving … 60%, 8s left")


async def test_two_of_one_step_are_told_apart_by_their_folder() -> None:
    at = NOW + 5
    kept = scenes.checkpoint(800, path=f"{scenes.ROOT}/kept/checkpoint-800")
    both = CheckpointsSeen(scenes.ROOT, (scenes.checkpoint(800), kept), (), at)
    async with watching([*scenes.running(), both]) as stage:
        await stage.press("3", "f")
        rows = [line for line in stage.text.split("\n") if " 800 " in line and "13.5G" in line]
        assert [("kept" in row, "out" in row) for row in rows] == [(False, True), (True, False)]


async def test_the_newest_is_damaged_and_what_to_resume_from_is_said() -> None:
    odd = scenes.checkpoint(
        1600, "corrupt", reason="model.safetensors is cut at 63 %", resumable="no"
    )
    whole = tuple(scenes.checkpoint(step) for step in (400, 800, 1200))
    seen = CheckpointsSeen(scenes.ROOT, (*whole, odd), (), NOW + 5)
    async with watching([*scenes.running(), seen]) as stage:
        await stage.press("3", "f")
        await stage.shows("1600 is corrupt (model.safetensors is cut at 63 %): resume from 1200")


async def test_hostile_names_are_harmless_everywhere() -> None:
    evil = "checkpoint-7\x1b]0;owned\x07\n[bold]"
    odd = scenes.checkpoint(7, path=f"{scenes.ROOT}/{evil}", name=evil)
    odd = odd._replace(files=(CheckpointFile("a\x1b[2Jb", 7, "optimizer"),))
    seen = CheckpointsSeen(scenes.ROOT, (odd, scenes.checkpoint(1200)), (), NOW + 5)
    async with watching([*scenes.running(), seen]) as stage:
        await stage.press("3", "home")
        for key in ("c", "v", "d", "n", "x", "n", "y", "enter", "t", "escape"):
            await stage.press(key)
            assert "\x1b" not in stage.text
