"""skorch with its printed table; ``net.history`` is the truth."""

from __future__ import annotations

import argparse

import recording
import torch
from skorch import NeuralNetClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    torch.manual_seed(1)
    inputs = torch.randn(96, 6)
    layers = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    net = NeuralNetClassifier(
        layers, criterion=torch.nn.CrossEntropyLoss, max_epochs=5, lr=0.1, batch_size=8
    )
    net.fit(inputs, (inputs.sum(1) > 0).long())
    points = [
        recording.point(
            "train" if key == "train_loss" else "eval", key, row[key], None, row["epoch"]
        )
        for row in net.history
        for key in ("train_loss", "valid_acc", "valid_loss")
    ]
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
