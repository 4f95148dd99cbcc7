"""A run that prints nothing and only logs into a tracker's own file."""

from __future__ import annotations

import argparse
import os

import numpy as np
import recording


def tensorboard(folder: str):
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(f"{folder}/runs/first")
    return writer.add_scalar, writer.close


def wandb(folder: str):
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
    import wandb

    run = wandb.init(project="tiny")
    return lambda key, value, step: run.log({key: value, "train/global_step": step}), run.finish


def mlflow(folder: str):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.start_run()
    return lambda key, value, step: mlflow.log_metric(key, value, step=step), mlflow.end_run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tracker", choices=["tensorboard", "wandb", "mlflow"])
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    log, close = globals()[args.tracker](args.output_dir)
    points, dice = [], np.random.default_rng(1)
    for step in range(1, 41):
        for key, every in (("train/loss", 1), ("eval/loss", 10), ("eval/accuracy", 10)):
            if step % every == 0:
                value = float(np.float32(dice.random()))
                log(key, value, step)
                points.append(recording.point(key.partition("/")[0], key, value, step))
    close()
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
