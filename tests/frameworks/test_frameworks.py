"""Every framework that we have: the points that are exported are those that it recorded itself.

Each through a log file and through a terminal. What is printed beside the recorded quantities (how
long a step took, how fast it went) is no part of the comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.frameworks.watched import TRAININGS, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.frameworks


class Case(NamedTuple):
    """One training, and how it prints."""

    venv: str
    command: str  # script and its arguments
    digits: int | None  # significant ones that it prints; None: all that it recorded
    ways: tuple[str, ...] = ("file", "pty")


CASES = {
    "accelerate": Case("trainer5", "accelerated.py", None),
    "Keras, bars": Case("trainer5", "keras_fit.py", 4),
    "Keras, lines": Case("trainer5", "keras_fit.py --verbose 2", 4),
    "Lightning, tqdm": Case("trainer5", "lightning_fit.py --bar tqdm", 3),
    # Into a file Rich prints its last frame only.
    "Lightning, Rich": Case("trainer5", "lightning_fit.py --bar rich", 3, ("pty",)),
    "Lightning, Rich and CSVLogger": Case("trainer5", "lightning_fit.py --csv", None),
    "Lightning, tqdm and CSVLogger": Case("trainer5", "lightning_fit.py --bar tqdm --csv", None),
    "nanoGPT": Case("trainer5", "nano.py", None),
    "skorch": Case("trainer5", "skorch_fit.py", 4),
    "Stable-Baselines3": Case("trainer5", "baselines3.py", 3),
    "torchrun": Case("trainer5", "workers.py", None),
    "CatBoost": Case("classic", "gradient_boosting.py catboost", 7),
    "LightGBM": Case("classic", "gradient_boosting.py lightgbm", None),
    "XGBoost": Case("classic", "gradient_boosting.py xgboost", None),
    "XGBoost as scikit-learn": Case("classic", "gradient_boosting.py xgboost_sklearn", None),
    "scikit-learn, perceptron": Case("classic", "sklearn_fit.py perceptron", None),
    "scikit-learn, boosting": Case("classic", "sklearn_fit.py boosting", None),
    "spaCy": Case("classic", "spacy_fit.py", None),
    "TensorBoard": Case("tb", "trackers.py tensorboard", None, ("file",)),
    "Weights & Biases": Case("tb", "trackers.py wandb", None, ("file",)),
    "mlflow": Case("tb", "trackers.py mlflow", None, ("file",)),
}  # fmt: skip


@pytest.mark.parametrize(("name", "way"), [(n, way) for n, case in CASES.items() for way in case.ways])  # fmt: skip
def test_exported_is_what_was_recorded(
    python: Callable[[str], str], watched: Watched, name: str, way: str
) -> None:
    case = CASES[name]
    script, *arguments = case.command.split()
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [
        python(case.venv), *(start if name == "torchrun" else ()), str(TRAININGS / script),
        *arguments, "--output_dir", str(watched.output),
    ]  # fmt: skip
    watched.train(command, *(["--pty"] if way == "pty" else []))
    watched.assert_recorded_read(case.digits)
