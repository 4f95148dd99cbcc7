"""scikit-learn's multilayer perceptron, verbose; ``loss_curve_`` is the truth."""

from __future__ import annotations

import argparse

import numpy as np
import recording
from sklearn.neural_network import MLPClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    inputs = np.random.default_rng(1).normal(size=(96, 6))
    model = MLPClassifier((8,), max_iter=300, verbose=True, random_state=1, tol=1e-2)
    model.fit(inputs, inputs.sum(1) > 0)
    points = [
        recording.point("train", "loss", round(value, 8), step)
        for step, value in enumerate(model.loss_curve_, 1)
    ]
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
