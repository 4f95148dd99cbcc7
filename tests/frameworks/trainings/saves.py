"""Saves of a tiny model by accelerate and by torch.distributed.checkpoint: ``saves.py KIND OUT``."""

from __future__ import annotations

import sys

import torch
import torch.distributed.checkpoint
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration


def accelerate(out: str) -> None:
    project = ProjectConfiguration(project_dir=out, automatic_checkpoint_naming=True)
    accelerator = Accelerator(cpu=True, project_config=project)
    model = torch.nn.Linear(8, 8)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer)
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, scheduler)
    for _ in range(3):
        accelerator.backward(model(torch.ones(2, 8)).sum())
        optimizer.step()
        scheduler.step()
        accelerator.save_state()


def dcp(out: str) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 8))
    optimizer = torch.optim.AdamW(model.parameters())
    for step in (10, 20):
        model(torch.ones(2, 64)).sum().backward()
        optimizer.step()
        state = {"model": model.state_dict(), "optim": optimizer.state_dict(), "step": step}
        torch.distributed.checkpoint.save(state, checkpoint_id=f"{out}/step-{step}")


if __name__ == "__main__":
    {"accelerate": accelerate, "dcp": dcp}[sys.argv[1]](sys.argv[2])
