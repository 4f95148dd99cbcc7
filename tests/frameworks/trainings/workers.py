"""Two ranks on the CPU under torchrun (gloo): a tiny regression with DistributedDataParallel.

Each rank prints its own lines, as people write them. With ``--steps 0`` it trains until it is stopped.
"""

from __future__ import annotations

import argparse
import itertools
import os

import recording
import torch
import torch.distributed as dist


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(int(os.environ["RANK"]))
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    points = []
    for step in itertools.count(1):
        data = torch.randn(16, 8)
        loss = ((model(data) - data.sum(1, keepdim=True)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(
            f"[rank{rank}]: step {step}/{args.steps or '?'} loss {loss.item():.4f} lr 5.0e-02",
            flush=True,
        )
        told = recording.point("train", "loss", round(loss.item(), 4), step)
        points.append({**told, "rank": rank})
        if step == args.steps:
            break
    every: list[list[dict]] = [[], []]
    dist.all_gather_object(every, points)
    if rank == 0:
        recording.write(args.output_dir, every[0] + every[1])
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
