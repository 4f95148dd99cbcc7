"""TRL's SFT or DPO trainer on a tiny random Llama with a tokenizer made on the spot."""

from __future__ import annotations

import argparse
import copy

import recording
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

WORDS = [
    "<pad>",
    "<eos>",
    "<unk>",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
]


def tokenizer() -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("method", choices=["sft", "dpo"])
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    set_seed(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, pad_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip
    common = {
        "output_dir": args.output_dir, "max_steps": 12, "logging_steps": 2, "eval_strategy": "steps",
        "eval_steps": 6, "save_strategy": "no", "per_device_train_batch_size": 4, "use_cpu": True,
        "report_to": [], "bf16": False, "learning_rate": 1e-2,
    }  # fmt: skip
    numbers = WORDS[3:]
    if args.method == "sft":
        rows = [{"text": " ".join(numbers[i % 5 : i % 5 + 4])} for i in range(48)]
        make, config = SFTTrainer, SFTConfig(max_length=16, **common)
    else:
        rows = [
            {"prompt": numbers[i % 8], "chosen": " " + numbers[i % 8 + 1], "rejected": " ten ten"}
            for i in range(48)
        ]
        make, config = DPOTrainer, DPOConfig(max_length=16, **common)
    data = Dataset.from_list(rows)
    more = {"ref_model": copy.deepcopy(model)} if args.method == "dpo" else {}
    trainer = make(
        model=model, args=config, **more, processing_class=tokenizer(),
        train_dataset=data.select(range(40)), eval_dataset=data.select(range(40, 48)),
    )  # fmt: skip
    trainer.train()
    recording.write(args.output_dir, recording.log_history(trainer.state.log_history))


if __name__ == "__main__":
    main()
