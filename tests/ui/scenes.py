"""Runs made of facts, as a probe would tell them: the same every time."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

from trainwatch import facts
from trainwatch.read.records import CheckpointFile, CheckpointSeen, CheckpointsSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGUN = 1_763_800_000.0
GIB = 1 << 30
ROOT = "/work/out"


def target(
    name: str = "sft-out", command: str = "python train.py --output_dir out"
) -> facts.Target:
    return facts.Target(
        "run", "r1", name, command.split(), "/work", "gpu-box", "kim", 4211, BEGUN,
        ["output.log"], [ROOT], "", BEGUN,
    )  # fmt: skip


def hello() -> facts.Hello:
    return facts.Hello(1, "0.1.0", "3.11.9", "gpu-box", "Linux", "boot-1", 4300, BEGUN)


def log(steps: int, total: int = 3000, every: int = 10, evals: int = 400) -> str:
    """What the Trainer prints until ``steps``: a run whose best evaluation is that of step 800."""
    rng = random.Random(7)
    out = ["loading the tokenizer\n", "\x1b[33mWarning:\x1b[0m 3 of 51,760 rows were empty\n"]
    for step in range(every, steps + 1, every):
        loss = 0.55 + 1.9 * math.exp(-step / 420) + rng.gauss(0, 0.04)
        grad, rate = rng.uniform(0.9, 1.6), 2e-4 * (1 - step / total)
        epoch = step / 1000
        out.append(
            f"{{'loss': '{loss:.4g}', 'grad_norm': '{grad:.4g}', 'learning_rate': '{rate:.4g}', 'epoch': '{epoch:.4g}'}}\n"
        )
        out[-1] = "\r" + " " * 60 + "\r" + out[-1]
        if step % evals == 0:
            value = evaluated(step)
            out.append(
                f"{{'eval_loss': '{value:.4g}', 'eval_accuracy': '{0.9 - value / 4:.4g}', 'eval_runtime': '11.2', 'epoch': '{epoch:.4g}'}}\n"
            )
        out.append(bar(step, total))
    return "".join(out)


def evaluated(step: int) -> float:
    """The loss of an evaluation: best at step 800."""
    return 0.47 + 0.022 * abs(step - 800) / 400 + 0.95 * math.exp(-step / 200)


def bar(step: int, total: int) -> str:
    share = step / total
    full = "█" * int(share * 10)
    seconds = step / 2.41
    left = (total - step) / 2.41
    return (
        f"\r {share:4.0%}|{full:<10}| {step}/{total} "
        f"[{seconds // 60:02.0f}:{seconds % 60:02.0f}<{left // 60:02.0f}:{left % 60:02.0f},  2.41it/s]"
    )


def chunks(text: str, begun: float = BEGUN, seconds: float = 500.0) -> Iterator[facts.Chunk]:
    """The text as it would have arrived over ``seconds``."""
    data = text.encode()
    size = max(len(data) // 100, 1)
    for offset in range(0, len(data), size):
        at = begun + seconds * offset / len(data)
        yield facts.Chunk("output.log", offset, data[offset : offset + size], at)


def checkpoint(step: int, state: Any = "complete", **more: Any) -> CheckpointSeen:
    metrics = () if state != "complete" else (("eval_loss", evaluated(step)),)
    seen = CheckpointSeen(
        path=f"{ROOT}/checkpoint-{step}",
        name=f"checkpoint-{step}",
        layout="hf-trainer",
        step=step,
        epoch=step / 1000,
        created=BEGUN + step / 2.41,
        files=(
            CheckpointFile("model.safetensors", 13 * GIB, "weights"),
            CheckpointFile("optimizer.pt", GIB // 2, "optimizer"),
            CheckpointFile("trainer_state.json", 18_000, "other"),
        ),
        state=state,
        reason=None,
        progress=None,
        resumable="full",
        metrics=metrics,
        claims_best=None,
        facts=(("LoRA", "r 8, alpha 16"),),
    )
    return seen._replace(**more)


def checkpoints(at: float) -> CheckpointsSeen:
    """Three that are whole and one that is being written."""
    whole = tuple(checkpoint(step) for step in (400, 800, 1200))
    return CheckpointsSeen(ROOT, (*whole, checkpoint(1240, "writing", progress=0.63)), (), at)


def gpu(
    index: int = 0, at: float = BEGUN, busy: float | None = 0.98, **more: Any
) -> facts.DeviceReading:
    reading = facts.DeviceReading(
        "nvidia", index, f"GPU-{index}", "NVIDIA H200", busy, int(71.2 * GIB), 141 * GIB,
        612.0, 700.0, 64.0, [], [facts.GpuProcess(4211, 71 * GIB)], [], False, at,
    )  # fmt: skip
    return reading._replace(**more)


def machine(at: float) -> list[Any]:
    return [
        facts.MachineReading(64, 4.12, 31 * GIB, 512 * GIB, ROOT, 168 * GIB, 2000 * GIB, at),
        facts.ProcessReading(4211, "running", 4.12, 9 * GIB, [4211, 4212], at),
    ]


def running(steps: int = 1240) -> list[Any]:
    """A healthy run in the middle of its work."""
    seconds = steps / 2.41
    at = BEGUN + seconds
    gpus = [gpu(0, at - 30 + n, 0.9 + 0.09 * math.sin(n)) for n in range(31)]
    return [
        hello(), target(), facts.CaughtUp(BEGUN), *chunks(log(steps), BEGUN, seconds),
        checkpoints(at), *machine(at), *gpus,
    ]  # fmt: skip
