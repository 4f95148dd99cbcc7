"""A loop with accelerate and tqdm, as the no_trainer examples write it."""

from __future__ import annotations

import argparse

import recording
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, TensorDataset
from tqdm.auto import tqdm


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    set_seed(1)
    accelerator = Accelerator(cpu=True)
    inputs = torch.randn(96, 8)
    targets = (inputs.sum(1) > 0).long()
    loaders = [DataLoader(TensorDataset(inputs[part], targets[part]), 8) for part in
               (slice(0, 64), slice(64, 96))]  # fmt: skip
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model, optimizer, train, held_out = accelerator.prepare(model, optimizer, *loaders)
    points = []
    bar = tqdm(range(3 * len(train)), disable=not accelerator.is_local_main_process)
    for epoch in range(3):
        for x, y in train:
            loss = torch.nn.functional.cross_entropy(model(x), y)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            bar.update(1)
        with torch.no_grad():
            losses, right = [], 0
            for x, y in held_out:
                logits = model(x)
                losses.append(torch.nn.functional.cross_entropy(logits, y).item())
                right += (logits.argmax(1) == y).sum().item()
        eval_loss, accuracy = sum(losses) / len(losses), right / 32
        accelerator.print(f"epoch {epoch}: eval_loss: {eval_loss:.4f} accuracy: {accuracy}")
        points.append(recording.point("eval", "eval_loss", round(eval_loss, 4), None, epoch))
        points.append(recording.point("eval", "accuracy", accuracy, None, epoch))
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
