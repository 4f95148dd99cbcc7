"""TRL's trainers: the Trainer's lines with many more keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.frameworks.watched import TRAININGS, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.frameworks


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_every_key(python: Callable[[str], str], watched: Watched, method: str) -> None:
    script = str(TRAININGS / "trl_fit.py")
    watched.train([python("trainer5"), script, method, "--output_dir", str(watched.output)])
    watched.assert_all_read(4)
