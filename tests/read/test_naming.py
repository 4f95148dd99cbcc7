"""Names of checkpoints: which number counts what."""

from __future__ import annotations

import pytest

from trainwatch.read.naming import told_by


@pytest.mark.parametrize(
    ("name", "step", "epoch", "metrics"),
    [
        ("checkpoint-500", 500, None, {}),
        ("checkpoint_3", 3, None, {}),
        ("step_8", 8, None, {}),
        ("step-00001000", 1000, None, {}),
        ("global_step40", 40, None, {}),
        ("iter_0000100", 100, None, {}),
        ("epoch_3", None, 3.0, {}),
        ("ckpt-12", 12, None, {}),
        ("rl_model_128_steps", 128, None, {}),
        ("epoch=2-step=24-val_loss=0.026", 24, 2.0, {"val_loss": 0.026}),
        ("epoch=0-step=100-v1", 100, 0.0, {}),
        ("run--val_loss=-1.5e-3-step=99-consumed_samples=8-last", 99, None, {"val_loss": -1.5e-3}),
        ("best_acc_epoch_4", None, 4.0, {}),
        ("model-00001-of-00003", None, None, {}),
        ("zero_pp_rank_3_mp_rank_00_optim_states", None, None, {}),
        ("rng_state_2", None, None, {}),
        ("model_0004999", None, None, {}),
        ("last", None, None, {}),
        ("footstep7", None, None, {}),
        ("", None, None, {}),
    ],
)
def test_what_a_name_tells(
    name: str, step: int | None, epoch: float | None, metrics: dict[str, float]
) -> None:
    told = told_by(name)
    assert (told.step, told.epoch, dict(told.metrics)) == (step, epoch, metrics)
