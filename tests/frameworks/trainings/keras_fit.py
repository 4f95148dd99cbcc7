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
    steps = []
    counting = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: steps.append(int(model.optimizer.iterations))
    )
    history = model.fit(
        inputs, targets, batch_size=8, epochs=4, validation_split=0.25, verbose=args.verbose,
        callbacks=[counting],
    ).history  # fmt: skip
    points = [
        recording.point("eval" if key.startswith("val_") else "train", key, value, step)
        for key, values in history.items()
        for step, value in zip(steps, values, strict=True)
    ]
    recording.write(args.output_dir, points)


if __name__ == "__main__":
    main()
