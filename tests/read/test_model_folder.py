"""A plain model folder, and the model that a training left beside its checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.read.disk import Disk, age, lay, weights
from trainwatch.read.records import CheckpointSeen

CONFIG = b'{"architectures": ["LlamaForCausalLM"], "transformers_version": "5.23.0"}'
ADAPTER = b'{"peft_type": "LORA", "r": 4, "lora_alpha": 8, "base_model_name_or_path": "base"}'
WEIGHTS = weights((8, 8))
SHARDS = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
INDEX = json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode()
TRANSFORMER = "sentence_transformers.models.Transformer"
DENSE = "sentence_transformers.models.Dense"
POOLING = "sentence_transformers.models.Pooling"


def seen(root: Path, tree: dict[str, bytes]) -> dict[str, CheckpointSeen]:
    age(lay(root, tree), 1000)
    return Disk(root).look()


def only(root: Path, tree: dict[str, bytes]) -> CheckpointSeen:
    [found] = seen(root, tree).values()
    return found


def test_the_target_itself_is_the_checkpoint(tmp_path: Path) -> None:
    one = only(tmp_path / "plain", {"config.json": CONFIG, "model.safetensors": WEIGHTS})
    assert (one.name, one.path) == ("plain", str(tmp_path / "plain"))
    assert (one.layout, one.state, one.resumable) == ("model-folder", "complete", "weights")
    assert dict(one.facts)["transformers"] == "5.23.0"


def test_a_folder_of_logs_beside_it_is_no_part_of_it(tmp_path: Path) -> None:
    tree = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "train.log": b"x", "a.csv": b"y"}
    one = only(tmp_path / "plain", tree)
    assert {file.path for file in one.files} == {"config.json", "model.safetensors"}


def test_a_description_alone_is_no_model(tmp_path: Path) -> None:
    assert seen(tmp_path / "plain", {"config.json": CONFIG, "tokenizer.json": b"{}"}) == {}


def test_an_adapter_tells_its_rank_and_its_base(tmp_path: Path) -> None:
    tree = {"adapter_config.json": ADAPTER, "adapter_model.safetensors": WEIGHTS}
    told = dict(only(tmp_path / "lora", tree).facts)
    assert (told["LoRA"], told["base model"]) == ("r 4, alpha 8", "base")


def test_an_adapter_without_its_weights_is_incomplete(tmp_path: Path) -> None:
    one = only(tmp_path / "lora", {"adapter_config.json": ADAPTER})
    assert (one.state, one.reason, one.resumable) == ("incomplete", "it holds no weights", "no")


def test_the_adapters_of_another_tool_are_left_to_it(tmp_path: Path) -> None:
    tree = {"adapter_config.json": b'{"fine_tune_type": "lora"}', "adapters.safetensors": WEIGHTS}
    assert only(tmp_path / "mlx", tree).layout == "safetensors-file:mlx"


@pytest.mark.parametrize("name", SHARDS)
def test_a_missing_shard_is_named(tmp_path: Path, name: str) -> None:
    tree = {"config.json": CONFIG, "model.safetensors.index.json": INDEX}
    tree |= {shard: WEIGHTS for shard in SHARDS if shard != name}
    one = only(tmp_path / "plain", tree)
    assert (one.state, one.reason, one.resumable) == ("incomplete", f"{name} is missing", "no")


def test_cut_weights_tell_how_far_they_go(tmp_path: Path) -> None:
    cut = WEIGHTS[: len(WEIGHTS) // 2]
    one = only(tmp_path / "plain", {"config.json": CONFIG, "model.safetensors": cut})
    assert (one.state, one.reason) == ("corrupt", "model.safetensors is cut at 49 %")


# --- models that consist of several -----------------------------------------------------------


def modules(*parts: tuple[str, str]) -> bytes:
    return json.dumps([{"idx": 0, "path": path, "type": kind} for path, kind in parts]).encode()


SENTENCES = {
    "config.json": CONFIG, "model.safetensors": WEIGHTS,
    "modules.json": modules(("", TRANSFORMER), ("1_Pooling", POOLING), ("2_Dense", DENSE)),
    "1_Pooling/config.json": b"{}", "2_Dense/config.json": b"{}", "2_Dense/model.safetensors": WEIGHTS,
}  # fmt: skip


def test_a_sentence_transformer_is_one_checkpoint(tmp_path: Path) -> None:
    one = only(tmp_path / "st", SENTENCES)
    assert (one.name, one.state) == ("st", "complete")
    assert one.parts["weights"] == 2 * len(WEIGHTS)


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("2_Dense/model.safetensors", "2_Dense holds no weights"),
        ("1_Pooling/config.json", "1_Pooling is missing"),  # with its folder
        ("model.safetensors", "it holds no weights"),
    ],
)
def test_a_part_that_is_missing_is_named(tmp_path: Path, without: str, reason: str) -> None:
    tree = {path: data for path, data in SENTENCES.items() if path != without}
    one = only(tmp_path / "st", tree)
    assert (one.state, one.reason) == ("incomplete", reason)


def test_a_pipeline_of_diffusers_is_one_checkpoint(tmp_path: Path) -> None:
    tree = {
        "model_index.json": json.dumps(
            {
                "_class_name": "DDPMPipeline",
                "unet": ["diffusers", "UNet2DModel"],
                "scheduler": ["diffusers", "DDPMScheduler"],
                "safety_checker": [None, None],
            }
        ).encode(),
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": WEIGHTS,
        "scheduler/scheduler_config.json": b"{}",
    }
    one = only(tmp_path / "ddpm", tree)
    assert (one.name, one.state, one.resumable) == ("ddpm", "complete", "weights")
    del tree["unet/diffusion_pytorch_model.safetensors"]
    one = only(tmp_path / "without", tree)
    assert (one.state, one.reason) == ("incomplete", "unet holds no weights")


# --- what a training left in the end ------------------------------------------------------------


def checkpoints(*fills: int) -> dict[str, bytes]:
    tree: dict[str, bytes] = {}
    for step, fill in enumerate(fills, 1):
        place = f"checkpoint-{step}0"
        tree[f"{place}/model.safetensors"] = WEIGHTS[:-4] + bytes([fill] * 4)
        tree[f"{place}/trainer_state.json"] = json.dumps({"global_step": step * 10}).encode()
    return tree


@pytest.mark.parametrize("state", [{}, {"trainer_state.json": b'{"global_step": 30}'}])
def test_the_final_model_says_whose_weights_it_has(tmp_path: Path, state: dict[str, bytes]) -> None:
    tree = checkpoints(1, 2, 3) | {"config.json": CONFIG} | state
    tree["model.safetensors"] = tree["checkpoint-20/model.safetensors"]
    final = seen(tmp_path / "out", tree)["final"]
    assert (final.state, final.step) == ("complete", 20)
    assert dict(final.facts)["same weights as"] == "checkpoint-20"


def test_weights_that_differ_in_their_last_byte_are_not_the_same(tmp_path: Path) -> None:
    tree = checkpoints(1, 2, 3) | {"config.json": CONFIG}
    tree["model.safetensors"] = WEIGHTS[:-4] + bytes([2, 2, 2, 4])
    final = seen(tmp_path / "out", tree)["final"]
    assert (final.state, final.step) == ("complete", None)
    assert "same weights as" not in dict(final.facts)


def test_large_weights_are_not_compared_unasked(tmp_path: Path) -> None:
    large = weights((1 << 10, 1 << 11))
    tree = {"checkpoint-10/model.safetensors": large, "config.json": CONFIG}
    tree |= {"model.safetensors": large, "checkpoint-10/trainer_state.json": b'{"global_step": 10}'}
    final = seen(tmp_path / "out", tree)["final"]
    assert "same weights as" not in dict(final.facts)


def test_a_hard_link_is_the_same_however_large(tmp_path: Path) -> None:
    root = lay(tmp_path / "out", checkpoints(1) | {"config.json": CONFIG})
    (root / "model.safetensors").hardlink_to(root / "checkpoint-10/model.safetensors")
    age(root, 1000)
    assert dict(Disk(root).look()["final"].facts)["same weights as"] == "checkpoint-10"


@pytest.mark.parametrize("state", [{}, {"trainer_state.json": b'{"global_step": 30}'}])
def test_a_link_beside_the_final_model_is_no_part_of_it(
    tmp_path: Path, state: dict[str, bytes]
) -> None:
    tree = {"config.json": CONFIG, "model.safetensors": WEIGHTS} | state
    root = lay(tmp_path / "out", checkpoints(1) | tree)
    (root / "latest").symlink_to("checkpoint-10")
    age(root, 1000)
    assert Disk(root).look()["final"].state == "complete"
