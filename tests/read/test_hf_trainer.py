"""Hugging Face Trainer checkpoints: whole, being written, interrupted, damaged."""

from __future__ import annotations

import json
import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.read.disk import Disk, age, lay, weights
from tests.read.test_torch_zip import archive
from trainwatch.read.draft import QUIET

if TYPE_CHECKING:
    from pathlib import Path

    from trainwatch.read.records import CheckpointSeen

MODEL = weights((64, 32), (32,), (7, 5))


def state(step: int, **more: object) -> bytes:
    history: list[dict[str, object]] = [
        {"loss": 2.5, "step": 5, "epoch": 0.25},
        {"eval_loss": 2.0, "eval_runtime": 0.5, "step": 5, "epoch": 0.25},
        {"loss": 1.5, "step": step, "epoch": step / 20},
        {"eval_a_loss": 1.0, "eval_a_runtime": 0.5, "eval_a_samples_per_second": 9, "step": step},
        {"eval_b_loss": float("nan"), "eval_b_accuracy": 0.5, "step": step},
    ]
    told = {"global_step": step, "epoch": step / 20, "log_history": history, **more}
    return json.dumps(told).encode()


def arguments(**told: object) -> bytes:
    """A training_args.bin: an object of a class we do not have, with these attributes."""
    body = b"\x80\x02ctransformers.training_args\nTrainingArguments\n)\x81}("
    for name, value in told.items():
        body += b"X" + len(name).to_bytes(4, "little") + name.encode()
        if isinstance(value, str):
            body += b"X" + len(value).to_bytes(4, "little") + value.encode()
        else:
            body += {True: b"\x88", False: b"\x89", None: b"N"}.get(value) or b"K" + bytes([value])  # type: ignore[call-overload, list-item]
    return archive(b"", body + b"ub.")


def checkpoint(step: int = 10, **files: bytes | None) -> dict[str, bytes]:
    """A whole checkpoint as transformers 5 writes it; None leaves a file out."""
    tree: dict[str, bytes | None] = {
        "config.json": b'{"model_type": "llama", "transformers_version": "5.23.0"}',
        "generation_config.json": b"{}",
        "model.safetensors": MODEL,
        "optimizer.pt": archive(bytes(5000)),
        "scheduler.pt": archive(b""),
        "rng_state.pth": archive(bytes(500)),
        "training_args.bin": arguments(save_only_model=False, save_total_limit=3),
        "trainer_state.json": state(step),
    }
    tree.update({name.replace("__", "."): data for name, data in files.items()})
    return {f"checkpoint-{step}/{name}": data for name, data in tree.items() if data is not None}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def old(disk: Disk, *trees: dict[str, bytes]) -> CheckpointSeen:
    """The only checkpoint of these files, all written long ago."""
    for tree in trees:
        lay(disk.root, tree)
    age(disk.root, 1000)
    [seen] = disk.look().values()
    return seen


# --- whole ------------------------------------------------------------------------------------


def test_everything_known_of_a_whole_checkpoint(disk: Disk) -> None:
    seen = old(
        disk,
        checkpoint(10, trainer_state__json=state(10, best_model_checkpoint="/a/b/checkpoint-5")),
    )
    assert (seen.path, seen.name, seen.layout) == (
        str(disk.root / "checkpoint-10"), "checkpoint-10", "hf-trainer",
    )  # fmt: skip
    assert (seen.step, seen.epoch) == (10, 0.5)
    assert (seen.state, seen.reason, seen.progress, seen.resumable) == (
        "complete",
        None,
        None,
        "full",
    )
    metrics = dict(seen.metrics)
    assert list(metrics) == ["eval_a_loss", "eval_b_accuracy", "eval_b_loss"]
    assert (metrics["eval_a_loss"], metrics["eval_b_accuracy"]) == (1.0, 0.5)
    assert metrics["eval_b_loss"] != metrics["eval_b_loss"], "NaN is a finding, not an error"
    assert seen.claims_best == "checkpoint-5"
    assert dict(seen.facts) == {"save_total_limit": "3", "transformers": "5.23.0"}
    parts = {file.path: file.part for file in seen.files}
    assert [path for path, part in parts.items() if part == "weights"] == ["model.safetensors"]
    assert [path for path, part in parts.items() if part == "optimizer"] == [
        "optimizer.pt", "rng_state.pth", "scheduler.pt",
    ]  # fmt: skip
    assert {file.path: file.size for file in seen.files}["model.safetensors"] == len(MODEL)
    newest = max(os.stat(path).st_mtime for path in (disk.root / "checkpoint-10").iterdir())
    assert seen.created == pytest.approx(newest, abs=0.01)


@pytest.mark.parametrize(
    ("best", "name"),
    [
        (None, None),
        ("out/checkpoint-5", "checkpoint-5"),
        ("C:\\runs\\out\\checkpoint-5", "checkpoint-5"),
        ("./out/checkpoint-5/", "checkpoint-5"),
        (7, None),
    ],
)
def test_the_best_of_another_machine_is_matched_by_its_name(
    disk: Disk, best: object, name: str | None
) -> None:
    told = state(10, best_model_checkpoint=best)
    assert old(disk, checkpoint(10, trainer_state__json=told)).claims_best == name


def test_early_stopping_and_arguments_are_told(disk: Disk) -> None:
    stopping = {
        "EarlyStoppingCallback": {
            "args": {"early_stopping_patience": 3, "early_stopping_threshold": 0.0},
            "attributes": {"early_stopping_patience_counter": 2},
        }
    }
    seen = old(
        disk,
        checkpoint(
            trainer_state__json=state(10, stateful_callbacks=stopping),
            training_args__bin=arguments(
                save_total_limit=2, metric_for_best_model="wer", greater_is_better=True,
                load_best_model_at_end=True, save_only_model=False, learning_rate=None,
            ),
        ),
    )  # fmt: skip
    assert dict(seen.facts) == {
        "early stopping": "patience 2/3",
        "save_total_limit": "2",
        "metric_for_best_model": "wer",
        "greater_is_better": "True",
        "load_best_model_at_end": "True",
        "transformers": "5.23.0",
    }


def test_an_adapter(disk: Disk) -> None:
    config = {
        "r": 8, "lora_alpha": 16, "target_modules": ["v_proj", "q_proj"],
        "base_model_name_or_path": "acme/tiny",
    }  # fmt: skip
    seen = old(
        disk,
        checkpoint(
            config__json=None, generation_config__json=None, model__safetensors=None,
            adapter_config__json=json.dumps(config).encode(), adapter_model__safetensors=MODEL,
        ),
    )  # fmt: skip
    assert (seen.state, seen.resumable) == ("complete", "full")
    assert dict(seen.facts)["LoRA"] == "r 8, alpha 16"
    assert dict(seen.facts)["LoRA on"] == "q_proj, v_proj"
    assert dict(seen.facts)["base model"] == "acme/tiny"


def test_several_adapters_have_folders_of_their_own(disk: Disk) -> None:
    tree = checkpoint(model__safetensors=None, config__json=None)
    tree |= {
        "checkpoint-10/a/adapter_model.safetensors": MODEL,
        "checkpoint-10/b/adapter_model.safetensors": MODEL[:-1],
    }
    seen = old(disk, tree)
    assert seen.state == "corrupt"
    assert seen.reason == "b/adapter_model.safetensors is cut at 99 %"


def test_save_only_model_is_whole_and_resumes_with_weights_only(disk: Disk) -> None:
    seen = old(
        disk,
        checkpoint(
            optimizer__pt=None, scheduler__pt=None, rng_state__pth=None,
            training_args__bin=arguments(save_only_model=True),
        ),
    )  # fmt: skip
    assert (seen.state, seen.resumable) == ("complete", "weights")


def test_several_ranks(disk: Disk) -> None:
    ranks = {f"checkpoint-10/rng_state_{rank}.pth": archive(bytes(10)) for rank in (0, 1, 2)}
    assert old(disk, checkpoint(rng_state__pth=None) | ranks).state == "complete"


def test_a_missing_rank_is_named(disk: Disk) -> None:
    ranks = {f"checkpoint-10/rng_state_{rank}.pth": archive(bytes(10)) for rank in (0, 2)}
    seen = old(disk, checkpoint(rng_state__pth=None) | ranks)
    assert (seen.state, seen.reason) == ("incomplete", "the random state of some ranks is missing")


def test_the_final_model_in_the_output_folder(disk: Disk) -> None:
    tree = checkpoint(20)
    final = {path.partition("/")[2]: data for path, data in tree.items() if "optimizer" not in path}
    lay(disk.root, checkpoint(10))
    lay(disk.root, final | {"model.safetensors": MODEL[:-1] + b"1"})
    found = disk.look()
    assert list(found) == ["checkpoint-10", "final"]
    seen = found["final"]
    assert (seen.path, seen.step, seen.state, seen.resumable) == (
        str(disk.root), 20, "complete", "weights",
    )  # fmt: skip
    assert "checkpoint-10/model.safetensors" not in {file.path for file in seen.files}


def test_the_final_model_after_load_best_is_the_best_one(disk: Disk) -> None:
    told = state(20, best_model_checkpoint="out/checkpoint-10")
    args = arguments(load_best_model_at_end=True)
    tree = checkpoint(20, trainer_state__json=told, training_args__bin=args)
    lay(disk.root, {path.partition("/")[2]: data for path, data in tree.items()})
    seen = disk.look()["final"]
    assert (seen.step, seen.metrics) == (10, ())
    assert dict(seen.facts)["weights of"] == "checkpoint-10"


def test_a_checkpoint_folder_named_itself(tmp_path: Path) -> None:
    lay(tmp_path, checkpoint(10))
    assert list(Disk(tmp_path / "checkpoint-10").look()) == ["checkpoint-10"]


# --- shards -----------------------------------------------------------------------------------


def sharded(**files: bytes | None) -> dict[str, bytes]:
    names = [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    index = {"metadata": {"total_size": 3}, "weight_map": {f"w{i}": n for i, n in enumerate(names)}}
    tree = checkpoint(
        model__safetensors=None, model__safetensors__index__json=json.dumps(index).encode()
    )
    tree |= {f"checkpoint-10/{name}": MODEL for name in names}
    return tree


def test_shards_by_their_index(disk: Disk) -> None:
    assert old(disk, sharded()).state == "complete"


@pytest.mark.parametrize("with_index", [True, False])
def test_a_missing_shard_is_named(disk: Disk, with_index: bool) -> None:
    tree = sharded()
    del tree["checkpoint-10/model-00002-of-00003.safetensors"]
    if not with_index:
        del tree["checkpoint-10/model.safetensors.index.json"]
    seen = old(disk, tree)
    assert (seen.state, seen.resumable) == ("incomplete", "no")
    lost = [] if with_index else ["model.safetensors.index.json is missing"]
    assert seen.reason == "; ".join(["model-00002-of-00003.safetensors is missing", *lost])


def test_shards_without_their_index_cannot_be_loaded(disk: Disk) -> None:
    tree = sharded()
    del tree["checkpoint-10/model.safetensors.index.json"]
    seen = old(disk, tree)
    assert (seen.state, seen.reason) == ("incomplete", "model.safetensors.index.json is missing")


# --- being written ----------------------------------------------------------------------------


def test_a_save_from_its_first_byte_to_its_last(disk: Disk) -> None:
    """File after file in the order of the Trainer, each grown in four steps."""
    lay(disk.root, {"checkpoint-10/x": b""})
    (disk.root / "checkpoint-10/x").unlink()
    progress = []
    for path, data in checkpoint(10).items():
        for share in (0, 1, 2, 3, 4):
            lay(disk.root, {path: data[: len(data) * share // 4]})
            seen = disk.look(after=1.0)["checkpoint-10"]
            last = path.endswith("trainer_state.json") and share == 4
            assert seen.state == ("complete" if last else "writing"), (path, share)
            assert seen.resumable == ("full" if last else "no")
            if path.endswith("model.safetensors"):
                progress.append(seen.progress)
    known = [share for share in progress if share is not None]
    assert known == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.01)


def test_the_percentage_of_a_preallocated_file_is_what_was_really_written(disk: Disk) -> None:
    """safetensors 0.8 makes a hidden file at its full length and renames it when it is done."""
    data = weights((1 << 21,))
    hidden = disk.root / "checkpoint-10/.tmpAb3dEf"
    hidden.parent.mkdir()
    with hidden.open("wb") as file:
        file.truncate(len(data))
        file.write(data[: len(data) // 2])
    seen = disk.look()["checkpoint-10"]
    assert seen.state == "writing"
    assert seen.progress == pytest.approx(0.5, abs=0.01)


def test_what_earlier_saves_came_to_tells_the_percentage(disk: Disk) -> None:
    lay(disk.root, checkpoint(10, optimizer__pt=archive(bytes(2_000_000))))
    lay(disk.root, {"checkpoint-20/model.safetensors": MODEL})
    seen = disk.look()["checkpoint-20"]
    total = sum(f.size for f in disk.seen["checkpoint-10"].files)
    assert seen.progress == pytest.approx(len(MODEL) / total)


def test_half_a_trainer_state_is_no_error_while_it_is_fresh(disk: Disk) -> None:
    lay(disk.root, checkpoint(10, trainer_state__json=state(10)[:100]))
    assert disk.look()["checkpoint-10"].state == "writing"


def test_a_save_that_stops_is_no_save(disk: Disk) -> None:
    tree = checkpoint(10, trainer_state__json=None)
    tree["checkpoint-10/model.safetensors"] = MODEL[: len(MODEL) * 63 // 100]
    lay(disk.root, tree)
    assert disk.look()["checkpoint-10"].state == "writing"
    disk.now += QUIET + 1
    disk.note(disk.folders.tick(disk.now))
    seen = disk.seen["checkpoint-10"]
    assert (seen.state, seen.resumable, seen.progress) == ("incomplete", "no", None)
    assert seen.reason == "trainer_state.json is missing; model.safetensors is cut at 62 %"


def test_where_nobody_writes_a_young_file_is_what_it_is(disk: Disk) -> None:
    tree = checkpoint(trainer_state__json=None)
    lay(disk.root, tree)
    assert disk.look()["checkpoint-10"].state == "writing"
    assert disk.look(after=1.0, alone=True)["checkpoint-10"].state == "incomplete"


def test_nobody_is_believed_to_be_alone_where_something_changes(disk: Disk) -> None:
    """The writer is on another machine."""
    lay(disk.root, checkpoint(trainer_state__json=None))
    disk.look(alone=True)
    lay(disk.root, {"checkpoint-10/trainer_state.json": state(10)[:20]})
    assert disk.look(after=2.0, alone=True)["checkpoint-10"].state == "writing"
    assert disk.look(after=31.0, alone=True)["checkpoint-10"].state == "incomplete"


def test_a_training_that_is_known_to_run_may_write_at_any_time(disk: Disk) -> None:
    disk.folders.trained(True)
    lay(disk.root, checkpoint(trainer_state__json=None))
    assert disk.look(alone=True)["checkpoint-10"].state == "writing"
    disk.note(disk.folders.ended(disk.now))
    assert disk.seen["checkpoint-10"].state == "incomplete"


def test_the_end_of_the_training_ends_every_save(disk: Disk) -> None:
    lay(disk.root, checkpoint(10, trainer_state__json=None))
    disk.look()
    disk.note(disk.folders.ended(disk.now))
    assert disk.seen["checkpoint-10"].state == "incomplete"


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (
            {f"tmp-{path}": data for path, data in checkpoint().items()},
            "the save was interrupted before its last step",
        ),
        (
            checkpoint() | {"checkpoint-10/checkpoint-is-incomplete.txt": b"x"},
            "the save on SIGTERM was interrupted",
        ),
        (
            checkpoint() | {"checkpoint-10/.tmpXYZ123": b""},
            ".tmpXYZ123 was left by an interrupted save",
        ),
        (
            {"checkpoint-10/config.json": b"{}"},
            "trainer_state.json is missing; it holds no weights",
        ),
    ],
)
def test_what_an_interrupted_save_leaves_behind(
    disk: Disk, tree: dict[str, bytes], reason: str
) -> None:
    seen = old(disk, tree)
    assert (seen.state, seen.reason) == ("incomplete", reason)
    assert seen.resumable != "full"


# --- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.partition("/")[2] for path in checkpoint()))
def test_no_file_can_be_cut_anywhere_unnoticed(disk: Disk, name: str) -> None:
    tree = checkpoint()
    path = f"checkpoint-10/{name}"
    source = random.Random(name)
    for cut in [0, 1, *sorted(source.randrange(len(tree[path])) for _ in range(18))]:
        shutil.rmtree(disk.root / "checkpoint-10", ignore_errors=True)
        lay(disk.root, tree | {path: tree[path][:cut]})
        age(disk.root, 1000)
        seen = disk.look(after=1000)["checkpoint-10"]
        seen = disk.look(after=1000)["checkpoint-10"]
        assert seen.state in ("corrupt", "incomplete"), (name, cut)
        assert seen.reason
        assert name in seen.reason


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json",
    ],
)  # fmt: skip
def test_no_file_can_be_lost_unnoticed(disk: Disk, name: str) -> None:
    tree = checkpoint()
    del tree[f"checkpoint-10/{name}"]
    seen = old(disk, tree)
    assert seen.state == "incomplete"
    assert seen.reason in (f"{name} is missing", "it holds no weights")
    assert seen.resumable == {"model.safetensors": "no", "rng_state.pth": "full"}.get(
        name, "weights"
    )


def test_damage_to_the_optimizer_leaves_the_weights(disk: Disk) -> None:
    seen = old(disk, checkpoint(optimizer__pt=archive(bytes(5000))[:-9]))
    assert (seen.state, seen.resumable) == ("corrupt", "weights")
    assert seen.reason == "optimizer.pt: it is cut: its directory is missing"


def test_a_flipped_bit_in_any_header_is_seen(disk: Disk) -> None:
    tree = checkpoint()
    for offset in (0, 3, 7, 8, 9, 20, 40):
        for bit in (0, 6):
            data = bytearray(MODEL)
            data[offset] ^= 1 << bit
            shutil.rmtree(disk.root / "checkpoint-10", ignore_errors=True)
            lay(disk.root, tree | {"checkpoint-10/model.safetensors": bytes(data)})
            age(disk.root, 1000)
            disk.look(after=1000)
            seen = disk.look(after=1000)["checkpoint-10"]
            names = b"layer.0" in data and data[:20] == MODEL[:20]
            assert seen.state == "corrupt" or names, (offset, bit)


def test_a_file_with_a_great_hole_was_never_written(disk: Disk) -> None:
    data = weights((1 << 20,))
    lay(disk.root, checkpoint(model__safetensors=data[:1000]))
    os.truncate(disk.root / "checkpoint-10/model.safetensors", len(data))
    age(disk.root, 1000)
    seen = disk.look()["checkpoint-10"]
    assert seen.state == "corrupt"
    assert seen.reason == "model.safetensors has a hole: 0 % of it was ever written"


def test_an_unreadable_file_is_not_called_corrupt(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(disk.root, checkpoint())
    age(disk.root, 1000)
    send = disk._send

    def refused(entry: object) -> None:
        if "model.safetensors" not in str(entry):
            send(entry)  # type: ignore[arg-type]

    monkeypatch.setattr(disk, "_send", refused)
    seen = disk.look()["checkpoint-10"]
    assert (seen.state, seen.resumable) == ("unreadable", "no")
    assert seen.reason == "model.safetensors: it could not be read"


def test_links_are_not_followed(disk: Disk, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "model").write_bytes(MODEL)
    lay(disk.root, checkpoint(model__safetensors=None))
    (disk.root / "checkpoint-10/model.safetensors").symlink_to(elsewhere / "model")
    age(disk.root, 1000)
    seen = disk.look()["checkpoint-10"]
    assert seen.state != "complete"
    assert "model.safetensors is a link, which is not followed" in str(seen.reason)


@pytest.mark.parametrize("name", ["config.json", "training_args.bin"])
def test_what_all_the_others_have_is_missed(disk: Disk, name: str) -> None:
    for step in (10, 20, 30):
        lay(disk.root, checkpoint(step))
    (disk.root / "checkpoint-20" / name).unlink()
    age(disk.root, 1000)
    states = {one.name: (one.state, one.reason) for one in disk.look().values()}
    assert states == {
        "checkpoint-10": ("complete", None),
        "checkpoint-20": ("incomplete", f"{name} is missing; the others have it"),
        "checkpoint-30": ("complete", None),
    }


def test_strangers_in_the_folder_do_not_change_what_it_is(disk: Disk) -> None:
    strangers = {"merges.txt": b"a b", "notes.gguf": b"x", "w.keras": b"x", "ckpt.pt": b"x"}
    lay(disk.root, checkpoint(10))
    lay(disk.root / "checkpoint-10", strangers)
    age(disk.root, 1000)
    assert [one.layout for one in disk.look().values()] == ["hf-trainer"]
