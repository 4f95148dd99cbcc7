"""A loop in the manner of nanoGPT: an estimate of both losses now and then, a line each few steps."""

from __future__ import annotations

import argparse
import time

import recording
import torch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    text = torch.randint(0, 16, (400,)).cumsum(0) % 32
    data = {"train": text[:300], "val": text[300:]}
    model = torch.nn.Sequential(torch.nn.Embedding(32, 16), torch.nn.Linear(16, 32))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    points = []

    def batch(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.randint(len(data[split]) - 1, (32,))
        return data[split][places], data[split][places + 1]

    for step in range(61):
        started = time.time()
        if step % 20 == 0:
            with torch.no_grad():
                losses = {
                    split: sum(
                        torch.nn.functional.cross_entropy(model(x), y).item()
                        for x, y in [batch(split) for _ in range(4)]
                    ) / 4
                    for split in data
                }  # fmt: skip
            print(f"step {step}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
            points.append(recording.point("eval", "val loss", round(losses["val"], 4), step))
        x, y = batch("train")
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 5 == 0:
            took = (time.time() - started) * 1000
            print(f"iter {step}: loss {loss.item():.4f}, time {took:.2f}ms, mfu -100.00%")
            points.append(recording.point("train", "loss", round(loss.item(), 4), step))
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
