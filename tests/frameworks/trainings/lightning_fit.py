"""Lightning with one of its bars and, if wanted, its CSV logger, whose steps begin at 0."""

from __future__ import annotations

import argparse

import lightning
import recording
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset


class Net(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(6, 2)

    def training_step(self, batch: list, _: int) -> torch.Tensor:
        loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def validation_step(self, batch: list, _: int) -> None:
        loss = torch.nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
        self.log("val_loss", loss, prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Record(Callback):
    def __init__(self, first: int) -> None:
        self.points: list[dict] = []
        self.first = first

    def on_train_epoch_end(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        for key in ("train_loss", "val_loss"):
            split = "eval" if key.startswith("val") else "train"
            value = trainer.callback_metrics[key].item()
            self.points.append(
                recording.point(split, key, value, trainer.global_step - 1 + self.first)
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--bar", choices=["rich", "tqdm"], default="rich")
    parser.add_argument("--csv", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    lightning.seed_everything(1, verbose=False)
    inputs = torch.randn(96, 6)
    data = TensorDataset(inputs, (inputs.sum(1) > 0).long())
    train, held_out = torch.utils.data.random_split(data, [64, 32])
    record = Record(0 if args.csv else 1)
    bar = RichProgressBar() if args.bar == "rich" else TQDMProgressBar()
    lightning.Trainer(
        max_epochs=4, accelerator="cpu", default_root_dir=args.output_dir, callbacks=[record, bar],
        log_every_n_steps=4, logger=CSVLogger(args.output_dir) if args.csv else False,
        enable_checkpointing=False,
    ).fit(Net(), DataLoader(train, 8), DataLoader(held_out, 8))  # fmt: skip
    recording.write(args.output_dir, record.points)


if __name__ == "__main__":
    main()
