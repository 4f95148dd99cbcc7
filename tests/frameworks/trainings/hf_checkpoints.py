"""Checkpoints of the transformers Trainer in every shape, and the truth about them.

``train OUT VARIANT`` trains a tiny random Llama. ``truth ROOT`` loads each checkpoint below with the real
libraries and prints, as JSON, which of them can be loaded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import (
    EarlyStoppingCallback,
    LlamaConfig,
    LlamaForCausalLM,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

ARGUMENTS: dict[str, dict[str, Any]] = {
    "only_model": {"save_only_model": True},
    "bin": {"save_safetensors": False},
    "best": {
        "load_best_model_at_end": True, "metric_for_best_model": "eval_loss",
        "greater_is_better": False, "save_total_limit": 2,
    },
    "rotate2": {"save_total_limit": 2},
    "rotate1best": {
        "save_total_limit": 1, "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss", "greater_is_better": False,
    },
    "rotate2best": {
        "save_total_limit": 2, "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss", "greater_is_better": True,
    },
    "slow": {"save_steps": 1, "eval_strategy": "no", "max_steps": 200},
}  # fmt: skip


class Rows(torch.utils.data.Dataset):
    """Random tokens."""

    def __init__(self, count: int, seed: int) -> None:
        source = torch.Generator().manual_seed(seed)
        self.rows = torch.randint(0, 64, (count, 16), generator=source)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


class Told(TrainerCallback):
    """Says where it is, so that it can be killed there."""

    def on_step_end(self, *_: Any, **__: Any) -> None:
        print("step", flush=True)


class Waits(TrainerCallback):
    """After each save, its rotation included, goes on when it is told to."""

    def on_save(self, *_: Any, **__: Any) -> None:
        print("saved", flush=True)
        sys.stdin.readline()


def train(out: str, variant: str) -> None:
    torch.set_num_threads(1)
    set_seed(1)
    wide = variant == "slow"
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64, hidden_size=384 if wide else 32, intermediate_size=768 if wide else 64,
            num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32,
        )
    )  # fmt: skip
    if variant == "lora":
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(
            model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
        )
    if variant == "sharded":
        save = model.save_pretrained
        model.save_pretrained = lambda *a, **k: save(*a, **{**k, "max_shard_size": "60KB"})
    arguments = {
        "max_steps": 20, "per_device_train_batch_size": 8, "logging_steps": 2, "save_steps": 5,
        "eval_strategy": "steps", "eval_steps": 5, "report_to": [], "use_cpu": True,
        "learning_rate": 5e-3, "output_dir": out, **ARGUMENTS.get(variant, {}),
    }  # fmt: skip
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**arguments),
        train_dataset=Rows(64, 1),
        eval_dataset={"a": Rows(16, 2), "b": Rows(16, 3)} if variant == "sets" else Rows(16, 2),
        callbacks=[
            EarlyStoppingCallback(2)
            if variant == "best"
            else Waits()
            if variant.startswith("rotate")
            else Told()
        ],
    )
    trainer.train()
    if variant == "best":
        trainer.save_model()
        trainer.save_state()


def loads(folder: Path) -> bool:
    """Whether every file that a resumed training reads can be read by the library that wrote it."""
    try:
        for path in folder.iterdir():
            if path.suffix == ".safetensors":
                load_file(path)
            elif path.suffix in (".pt", ".pth", ".bin"):
                torch.load(path, weights_only=False, map_location="cpu")
            elif path.suffix == ".json":
                json.loads(path.read_text())
    except Exception:  # noqa: BLE001 - whatever the libraries raise, it cannot be loaded
        return False
    names = {path.name for path in folder.iterdir()}
    return {"trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth"} <= names


def truth(root: str) -> None:
    found = sorted(Path(root).glob("*/checkpoint-*"))
    print(json.dumps({str(folder): loads(folder) for folder in found}))


if __name__ == "__main__":
    {"train": train, "truth": truth}[sys.argv[1]](*sys.argv[2:])
