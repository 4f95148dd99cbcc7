"""Runs to draw, built from the same records that reading produces."""

from __future__ import annotations

import math
import random
from array import array
from typing import TYPE_CHECKING

from trainwatch import facts
from trainwatch.read.records import (
    UNKNOWN_STEP,
    CheckpointFile,
    CheckpointSeen,
    CheckpointsSeen,
    Key,
    Metrics,
    Notice,
    Progress,
    Unread,
)
from trainwatch.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainwatch.read.records import CheckpointState

START = 1_763_800_000.0
GIB = 1 << 30
LOG = "output.log"
ROOT = "/home/me/out"


def target(name: str = "sft-out", command: Sequence[str] = ("python", "train.py")) -> facts.Target:
    return facts.Target(
        "run", "r1", name, list(command), "/home/me", "gpu-box", "me", 4211, START, [LOG], [ROOT], "", START,
    )  # fmt: skip


def row(
    run: Run, step: int, epoch: float, at: float | None, split: str = "train", **values: float
) -> None:
    """One line of numbers."""
    keys = tuple(Key(name, "eval" if split == "eval" else "train", None, name) for name in values)
    run.apply(
        Metrics(
            LOG,
            keys,
            tuple(array("d", [v]) for v in values.values()),
            array("q", [step]),
            array("d", [epoch]),
            array("q", [step * 80]),
            at,
        )
    )


def curve(step: int) -> float:
    """A training loss that falls."""
    return 0.5 + 1.9 * math.exp(-step / 320) + 0.04 * math.sin(step * 1.7)


def eval_curve(step: int) -> float:
    """An evaluation loss that falls, then rises."""
    return 0.47 + 1.6 * math.exp(-step / 300) + max(step - 900, 0) / 2600


def training(
    steps: int = 1240, every: int = 10, evals: int = 200, total: int = 3000, per_epoch: int = 500
) -> Run:
    """A fine-tune in the middle: losses, evaluations, checkpoints, a GPU."""
    run = Run()
    run.apply(facts.Hello(1, "0.1", "3.11", "gpu-box", "Linux", "b", 1, START))
    run.apply(target())
    offset = 0
    for step in range(every, steps + 1, every):
        at = START + 100 + step / 3
        line = f"{{'loss': '{curve(step):.4g}', 'epoch': '{step / per_epoch:.2f}'}}\n".encode()
        run.apply(facts.Chunk(LOG, offset, line, at))
        offset += len(line)
        row(
            run, step, step / per_epoch, at, loss=curve(step), grad_norm=1 + 0.2 * math.sin(step),
            learning_rate=2e-4 * (1 - step / total),
        )  # fmt: skip
        run.apply(Progress(LOG, offset, step, total, "step", "", "train", None, None, None, at))
        if step % evals == 0:
            row(run, step, step / per_epoch, at, "eval", loss=eval_curve(step))
    run.apply(checkpoints(range(400, steps + 1, 400), per_epoch))
    for second in range(60):
        run.apply(device(at=START + second, busy=0.5 + 0.5 * math.sin(second / 7)))
    now = START + 100 + steps / 3
    run.apply(device(at=now))
    run.apply(facts.ProcessReading(4211, "running", 4.12, 30 * GIB, [4211, 4212], now))
    run.apply(facts.MachineReading(64, 9.3, 31 * GIB, 512 * GIB, ROOT, 168 * GIB, 900 * GIB, now))
    run.apply(facts.CaughtUp(START + 100))
    return run


def few_losses(evaluation: str) -> Run:
    """A short run whose evaluation loss has a name of its own."""
    run = Run()
    run.apply(target())
    for step in range(10, 310, 10):
        row(run, step, step / 100, START, loss=curve(step))
    for step in range(100, 310, 50):
        key = Key("loss", "eval", None, evaluation)
        steps, places = array("q", [step]), array("q", [step * 80])
        values, epochs = (array("d", [eval_curve(step)]),), array("d", [step / 100])
        run.apply(Metrics(LOG, (key,), values, steps, epochs, places, START))
    return run


def checkpoint(
    step: int, epoch: float | None, *, state: CheckpointState = "complete", name: str = ""
) -> CheckpointSeen:
    name = name or f"checkpoint-{step}"
    files = (
        CheckpointFile("model.safetensors", 5 * GIB, "weights"),
        CheckpointFile("optimizer.pt", 9 * GIB, "optimizer"),
    )
    metrics = (("eval_loss", eval_curve(step)), ("eval_accuracy", 0.9 - eval_curve(step) / 4))
    return CheckpointSeen(
        f"{ROOT}/{name}", name, "hf-trainer", step, epoch, START + 100 + step / 3, files, state,
        None, 0.63 if state == "writing" else None, "full", metrics, None, (("LoRA", "r 8"),),
    )  # fmt: skip


def checkpoints(steps: Iterable[int], per_epoch: int = 500) -> CheckpointsSeen:
    return CheckpointsSeen(ROOT, tuple(checkpoint(s, s / per_epoch) for s in steps), (), START)


def device(
    index: int = 0, *, at: float = START, busy: float | None = 0.98, fake: bool = False,
    faults: Sequence[tuple[str, str]] = (), throttle: Sequence[str] = (), pid: int | None = 4212,
    temperature: float | None = 64.0,
) -> facts.DeviceReading:  # fmt: skip
    processes = [facts.GpuProcess(pid, 70 * GIB)] if pid is not None else []
    return facts.DeviceReading(
        "nvidia", index, f"GPU-{index}", "NVIDIA H200", busy, 71 * GIB, 141 * GIB, 612.0, 700.0,
        temperature, list(throttle), processes, list(faults), fake, at,
    )  # fmt: skip


# --- hostile runs -------------------------------------------------------------------------

_EXTREMES = (
    0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1e-308, 1e308, -1e308, 1.7976931348623157e308, 1e-5, 1e16,
    math.nan, math.inf, -math.inf,
)  # fmt: skip
_NAMES = (
    "loss", "", "a" * 300, "\x1b[31mred", "日本語の指標", "a\nb\tc", "e\u0301\u0301\u0301\u0301",
    "\u202eevil", "|*_`", "learning_rate", "\ud800", "👩‍👩‍👧", "\u0e31\u0e31",
)  # fmt: skip


def hostile(seed: int) -> Run:
    """Anything that a training, a machine or a stranger may send."""
    rng = random.Random(seed)
    run = Run()
    if rng.random() < 0.8:
        run.apply(target(rng.choice(_NAMES), [rng.choice(_NAMES) for _ in range(3)]))
    _metrics(run, rng)
    if rng.random() < 0.5:
        total = rng.choice((None, 0.0, 10.0, 1e18))
        done = rng.choice((0.0, 5.0, 1e17))
        run.apply(
            Progress(
                LOG,
                0,
                done,
                total,
                "step",
                "",
                "train",
                None,
                None,
                rng.choice((None, 0.0, 3.0)),
                START,
            )
        )
    if rng.random() < 0.5:
        names = [rng.choice(_NAMES) for _ in range(rng.randint(0, 4))]
        states: list[CheckpointState] = [
            "writing",
            "complete",
            "incomplete",
            "corrupt",
            "unreadable",
        ]
        seen = [
            checkpoint(
                rng.choice((0, 7, 10**15)),
                rng.choice((None, 0.5, math.nan)),
                state=rng.choice(states),
                name=n,
            )
            for n in names
        ]
        run.apply(CheckpointsSeen(ROOT, tuple(seen), tuple((n, n) for n in names[:2]), START))
    for index in range(rng.randint(0, 10) if rng.random() < 0.6 else 0):
        run.apply(_device(rng, index))
    if rng.random() < 0.5:
        run.apply(
            facts.MachineReading(
                8,
                rng.choice((None, 1e9)),
                None,
                rng.choice((None, 0, GIB)),
                "/",
                rng.choice((None, 0)),
                0,
                START,
            )
        )
    if rng.random() < 0.3:
        run.apply(
            facts.Trouble(
                rng.choice(("devices", "link", "folder:/x")),
                rng.choice(_NAMES) or "x",
                rng.choice(_NAMES),
                START,
            )
        )
    if rng.random() < 0.3:
        run.apply(
            facts.Ended(
                rng.choice((None, 0, 1)), rng.choice((None, 9, 77)), rng.choice(("", "oom")), START
            )
        )
    run.apply(Unread(LOG, rng.randint(0, 3), 0, rng.choice(_NAMES), START))
    run.apply(Notice("traceback", rng.choice(_NAMES), LOG, 0, START))
    return run


def _metrics(run: Run, rng: random.Random) -> None:
    for name in rng.sample(_NAMES, rng.randint(0, 5)) + ["loss"] * (rng.random() < 0.7):
        rows = rng.choice((1, 2, 3, 40, 600))
        kind = rng.choice(("extreme", "constant", "walk", "huge"))
        for split in ("train", "eval") if rng.random() < 0.5 else ("train",):
            values = _values(rng, kind, rows)
            steps = sorted(
                rng.choice((UNKNOWN_STEP, rng.randint(0, 10 ** rng.randint(1, 15))))
                for _ in range(rows)
            )
            if rng.random() < 0.3:
                steps = steps[rows // 2 :] + steps[: rows // 2]
            epochs = [rng.choice((math.nan, s / 1000)) for s in steps]
            key = Key(name, "eval" if split == "eval" else "train", rng.choice((None, "set")), name)
            at = rng.choice((None, START + rng.random() * 1e6))
            run.apply(
                Metrics(
                    LOG,
                    (key,),
                    (array("d", values),),
                    array("q", steps),
                    array("d", epochs),
                    array("q", range(rows)),
                    at,
                )
            )


def _values(rng: random.Random, kind: str, rows: int) -> list[float]:
    if kind == "extreme":
        return [rng.choice(_EXTREMES) for _ in range(rows)]
    if kind == "constant":
        return [rng.choice(_EXTREMES[:-3])] * rows
    scale = 1e307 if kind == "huge" else 1.0
    return [rng.gauss(1, 1) * scale for _ in range(rows)]


def _device(rng: random.Random, index: int) -> facts.DeviceReading:
    lost = [("*", rng.choice(("GPU is lost", "asleep", "\x1b]0;x")))]
    faults = rng.choice(([], [("power", "not supported")], [("busy", "driver error 999")], lost))
    number = rng.choice((None, 0.0, 0.5, 1e12))
    memory = rng.choice((None, 0, 141 * GIB, 2**64 - 1))
    return facts.DeviceReading(
        "nvidia", index, f"u{index}", rng.choice(_NAMES), number, memory, rng.choice((None, 0, 141 * GIB)),
        number, number, number, [rng.choice(_NAMES)] * rng.randint(0, 3), [], list(faults), False, START,
    )  # fmt: skip
