"""Stable-Baselines3 PPO on a one-line environment, printing its pipe tables."""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
import recording
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import HumanOutputFormat, KVWriter, Logger


class Guess(gymnasium.Env):
    """Say whether the number shown is positive."""

    observation_space = gymnasium.spaces.Box(-1, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.turn = 0
        self.seen = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.seen, {}

    def step(self, action):
        reward = float((self.seen[0] > 0) == action)
        self.turn += 1
        self.seen = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.seen, reward, self.turn >= 8, False, {}


class Record(KVWriter):
    def __init__(self) -> None:
        self.points: list[dict] = []

    def write(self, key_values, key_excluded, step=0) -> None:
        for key, value in sorted(key_values.items()):
            if isinstance(value, int | float | np.number) and key.partition("/")[0] in (
                "train",
                "rollout",
            ):
                self.points.append(recording.point("train", key.partition("/")[2], value, step))

    def close(self) -> None:
        pass


def main() -> None:
    import sys

    parser = argparse.ArgumentParser()
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    record = Record()
    model = PPO("MlpPolicy", Guess(), n_steps=64, batch_size=32, seed=1, device="cpu")
    model.set_logger(Logger(None, [HumanOutputFormat(sys.stdout), record]))
    model.learn(256)
    recording.write(args.output_dir, record.points)


if __name__ == "__main__":
    main()
