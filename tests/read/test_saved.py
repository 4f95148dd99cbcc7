"""Where trainings say that they save, in their own words."""

from __future__ import annotations

import pytest

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.saved import place

LINES = {
    "Saving model checkpoint to ./out/checkpoint-500": "./out",
    "Configuration saved in ./out/checkpoint-500/config.json": "./out/checkpoint-500/config.json",
    "Model weights saved in ./out/checkpoint-500/model.safetensors": "./out",
    "01/02/2026 10:00:00 - INFO - __main__ - Saved state to sd-out/checkpoint-500": "sd-out",
    "INFO:accelerate.accelerator:Saving current state to out/checkpoints/checkpoint_0": "out/checkpoints",
    "saving checkpoint to out-shakespeare": "out-shakespeare",
    "saving model to disk": None,
    "Epoch 1, global step 20: 'val_loss' reached 0.10000 (best 0.10000), saving model to "
    "'/x/lightning_logs/version_0/checkpoints/epoch=1-step=20.ckpt' as top 1": "/x/lightning_logs/version_0/checkpoints",
    "Epoch 1: val_loss improved from 0.73738 to 0.71649, saving model to runs/k.keras": "runs",
    "Epoch 2: saving model to model.keras": ".",
    "[Torch] Saving /data/ds/global_step10/mp_rank_00_model_states.pt...": "/data/ds",
    "  successfully saved checkpoint from iteration     500 to /ckpt/gpt [ t 1/1 ]": "/ckpt/gpt",
    "Saved checkpoint checkpoints/checkpoint1.pt (epoch 1 @ 100 updates, score 5.0)": "checkpoints",
    "[07/01 12:00:00 fvcore.common.checkpoint]: Saving checkpoint to ./output/model_0004999.pth": "./output",
    "Saving model checkpoint to ./logs/rl_model_1000_steps.zip": "./logs",
    "Iter 100: Saved adapter weights to adapters/adapters.safetensors and adapters/0000100_adapters.safetensors.": "adapters",
    "INFO:torchtune.utils._logging:Model checkpoint of size 4.98 GB saved to /tmp/lora/epoch_0/model-00001-of-00004.safetensors": "/tmp/lora",
    "Results saved to runs/detect/train3": "runs/detect/train3",
    "Saved model weights to https://hub/x": None,
    "saving checkpoint to /": None,
    "Saving checkpoint at 1 epochs": None,
    "Saving the checkpoint (or staging if async is enabled).": None,
    "saved 3/4 of the checkpoint": None,
}  # fmt: skip


@pytest.mark.parametrize(("line", "folder"), LINES.items())
def test_a_line_about_saving_leads_to_the_folder_of_the_checkpoints(
    line: str, folder: str | None
) -> None:
    if folder is not None and folder.endswith(".json"):
        assert place(line) is not None
    else:
        assert place(line) == folder


def test_each_folder_is_asked_for_once_and_not_without_end() -> None:
    reader = Reader()
    lines = [
        "Saving model checkpoint to a/checkpoint-1",
        "Saving model checkpoint to a/checkpoint-2",
    ]
    lines += [f"saving checkpoint to out{number}/x" for number in range(20)]
    text = "".join(line + "\n" for line in lines).encode()
    reader.feed(facts.Chunk("train.log", 0, text, 1.0))
    asked = [request for request in reader.requests() if isinstance(request, facts.Visit)]
    assert [request.path for request in asked][:2] == ["a", "out0/x"]
    assert len(asked) == 4
    assert [r for r in reader.requests() if isinstance(r, facts.Visit)] == []
    assert reader.watch("train.log").roots[:1] == ["a"]
