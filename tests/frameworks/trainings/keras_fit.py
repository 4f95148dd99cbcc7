"""Keras 3 on the torch backend; its own History is the truth (one row per epoch)."""

from __future__ import annotations

import argparse
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import recording


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    parser.add_argument("--verbose", type=int, default=1)
    args = parser.parse_args()
    keras.utils.set_random_seed(1)
    inputs = np.random.default_rng(1).normal(size=(96, 6)).astype("float32")
    targets = (inputs.sum(1) > 0).astype("int32")
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        inputs, targets, batch_size=8, epochs=4, validation_split=0.25, verbose=args.verbose
    ).history
    points = [
        recording.point("eval" if key.startswith("val_") else "train", key, value, epoch)
        for key, values in history.items()
        for epoch, value in enumerate(values, 1)
    ]
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
