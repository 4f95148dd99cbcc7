"""A LoRA fine-tune with peft and the transformers Trainer, of a tiny Llama made from its configuration.

Nothing is downloaded: the weights are random, the text is counting modulo a few numbers. A quarter of
the training set is nonsense that can only be learned by heart, so a long run overfits.
"""

from __future__ import annotations

import argparse

import recording
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

VOCABULARY, LENGTH = 64, 24


class Counting(torch.utils.data.Dataset):
    """Sequences start, start + stride, start + 2 stride ... modulo the vocabulary."""

    def __init__(self, count: int, seed: int, nonsense: float) -> None:
        source = torch.Generator().manual_seed(seed)
        start = torch.randint(0, VOCABULARY, (count, 1), generator=source)
        stride = torch.randint(1, 6, (count, 1), generator=source)
        self.rows = (start + stride * torch.arange(LENGTH)) % VOCABULARY
        wrong = torch.rand(self.rows.shape, generator=source) < nonsense
        self.rows[wrong] = torch.randint(0, VOCABULARY, (int(wrong.sum()),), generator=source)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--variant", choices=["plain", "sets", "nan"], default="plain")
    parser.add_argument("--max_steps", type=int, default=24)
    parser.add_argument("--save_strategy", default="steps")
    parser.add_argument("--eval_steps", type=int, default=8)
    parser.add_argument("--save_steps", type=int, default=8)
    parser.add_argument("--logging_steps", type=int, default=2)
    parser.add_argument("--train_examples", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--learning_rate", type=float, default=5e-3)
    parser.add_argument("--resume_from_checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(1)
    set_seed(7)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=args.hidden, intermediate_size=2 * args.hidden,
        num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=LENGTH,
    )  # fmt: skip
    adapter = LoraConfig(
        r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )  # fmt: skip
    held_out = Counting(32, seed=2, nonsense=0.0)
    trainer = Trainer(
        model=get_peft_model(LlamaForCausalLM(config), adapter),
        args=TrainingArguments(
            output_dir=args.output_dir, max_steps=args.max_steps,
            learning_rate=1e30 if args.variant == "nan" else args.learning_rate,
            per_device_train_batch_size=args.batch, per_device_eval_batch_size=8,
            logging_steps=args.logging_steps, eval_strategy="steps", eval_steps=args.eval_steps,
            save_strategy=args.save_strategy, save_steps=args.save_steps,
            metric_for_best_model=None if args.variant == "sets" else "eval_loss",
            greater_is_better=False, report_to=[], use_cpu=True, seed=7,
            label_names=["labels"],
        ),
        train_dataset=Counting(args.train_examples, seed=1, nonsense=0.25),
        eval_dataset={"near": held_out, "far": Counting(16, seed=3, nonsense=0.5)}
        if args.variant == "sets"
        else held_out,
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    recording.write(args.output_dir, recording.log_history(trainer.state.log_history))


if __name__ == "__main__":
    main()
