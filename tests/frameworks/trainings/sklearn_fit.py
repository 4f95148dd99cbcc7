"""scikit-learn, verbose: the perceptron's ``loss_curve_``, the boosting's ``train_score_``."""

from __future__ import annotations

import argparse

import numpy as np
import recording
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neural_network import MLPClassifier


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=["perceptron", "boosting"])
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    recording.write(args.output_dir, globals()[args.model]())


def boosting() -> list[dict]:
    inputs = np.random.default_rng(1).normal(size=(96, 6))
    model = GradientBoostingClassifier(n_estimators=8, verbose=2, random_state=1)
    model.fit(inputs, inputs.sum(1) > 0)
    return [
        recording.point("train", "Train Loss", float(f"{value:.4f}"), step)
        for step, value in enumerate(model.train_score_, 1)
    ]


def perceptron() -> list[dict]:
    inputs = np.random.default_rng(1).normal(size=(96, 6))
    model = MLPClassifier((8,), max_iter=300, verbose=True, random_state=1, tol=1e-2)
    model.fit(inputs, inputs.sum(1) > 0)
    return [
        recording.point("train", "loss", round(value, 8), step)
        for step, value in enumerate(model.loss_curve_, 1)
    ]


if __name__ == "__main__":
    main()
