"""The command line that continues from a checkpoint.

The law of this file: it is the run's own command line with one option replaced or added; where that
is not known to work there is no command. An option that the command has already is believed whoever
reads it; one is added only where it is known who does:

- ``--resume_from_checkpoint``: scripts on the Hugging Face Trainer (HfArgumentParser turns the
  training argument of that name into it), TRL, and the scripts of accelerate and diffusers;
- ``resume_from_checkpoint=``: LLaMA-Factory, whose command takes overrides of its YAML file so;
- ``--ckpt_path``: the ``fit`` of LightningCLI;
- ``--restore-file`` fairseq, ``--resume`` timm and litgpt pretrain, ``--resume-adapter-file`` MLX-LM,
  ``--init_from=resume`` nanoGPT, ``resume model=`` ultralytics.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.read.records import CheckpointSeen

_TRAINER = "--resume_from_checkpoint"
_SPELLINGS = (_TRAINER, "--resume-from-checkpoint")
_OTHERS = ("--ckpt_path", "--ckpt-path", "--restore-file", "--resume-adapter-file", "--resume_path",
           "--resume-path", "--resume", "resume_from_checkpoint", "ckpt_path", "trainer.ckpt_path")  # fmt: skip
"""Options that name a checkpoint; those without dashes are overrides (``ckpt_path=...``)."""
_NO_SCRIPT = ("sh", "bash", "zsh", "dash", "fish", "make")
_TIMM = re.compile(r"(checkpoint-\d+|last|model_best)\.pth\.tar")

_Words = list[str]


class _Way(NamedTuple):
    """How one family of programs is told."""

    is_meant: Callable[[Sequence[str], CheckpointSeen], bool]
    words: Callable[[str], _Words]  # what is added


def resume_command(command: Sequence[str], checkpoint: CheckpointSeen) -> str | None:
    """The shell command that resumes from ``checkpoint``; None where no such command is known."""
    if checkpoint.state != "complete" or checkpoint.resumable != "full" or not command:
        return None
    words = _told_already(list(command), checkpoint)
    if words is None:
        way = next((w for w in _WAYS if w.is_meant(command, checkpoint)), None)
        words = [*command, *way.words(checkpoint.path)] if way else None
    return shlex.join(words) if words is not None else None


def _program(command: Sequence[str]) -> str:
    return command[0].rpartition("/")[2]


def _takes_options(command: Sequence[str]) -> bool:
    """Whether words at the end of the command reach the training script."""
    name = _program(command)
    if name in _NO_SCRIPT:
        return False
    return name == "trl" or any(w.endswith(".py") for w in command) or "-m" in command


# --- an option that is there ------------------------------------------------------------------


def _told_already(words: _Words, checkpoint: CheckpointSeen) -> _Words | None:
    """The command with its own option for a checkpoint set to this one; None where it has none."""
    if _program(words) in _NO_SCRIPT:
        return None
    for i, word in enumerate(words):
        name, equals, _ = word.partition("=")
        known = name in _OTHERS or (name in _SPELLINGS and _is_trainers(words, checkpoint))
        if not known or not (equals or name.startswith("-")):
            continue
        bare = not equals and not _has_value(words, i)
        if bare and name not in _SPELLINGS:  # a switch: which checkpoint it takes is not known
            continue
        rest = i + 1 if equals or bare else i + 2
        value = [f"{name}={checkpoint.path}"] if equals else [name, checkpoint.path]
        return words[:i] + value + words[rest:]
    return None


def _has_value(words: Sequence[str], i: int) -> bool:
    return i + 1 < len(words) and not words[i + 1].startswith("-")


# --- an option that is added ------------------------------------------------------------------


def _is_trainers(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    made = checkpoint.layout.startswith("hf-") or checkpoint.layout == "accelerate"
    return made and _takes_options(words)


def _is_llama_factory(words: Sequence[str], _: CheckpointSeen) -> bool:
    return (
        _program(words) in ("llamafactory-cli", "lmf")
        and "train" in words
        and any(word.endswith((".yaml", ".yml")) for word in words)
    )


def _is_lightning_cli(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    return checkpoint.layout == "lightning" and "fit" in words and _takes_options(words)


def _is_timm(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    return bool(_TIMM.fullmatch(checkpoint.name)) and _takes_options(words)


def _is_mlx(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    return checkpoint.layout.endswith(":mlx") and any("mlx_lm" in word for word in words)


def _is_nano_gpt(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    script = any(word.rpartition("/")[2] == "train.py" for word in words)
    own = any(word.startswith(("--out_dir=", "--block_size=", "config/")) for word in words)
    return checkpoint.name == "ckpt.pt" and script and own


def _is_yolo(words: Sequence[str], checkpoint: CheckpointSeen) -> bool:
    return _program(words) == "yolo" and "train" in words and checkpoint.name == "last.pt"


_WAYS = (
    _Way(_is_llama_factory, lambda path: [f"resume_from_checkpoint={path}"]),
    _Way(_is_trainers, lambda path: [_TRAINER, path]),
    _Way(_is_lightning_cli, lambda path: ["--ckpt_path", path]),
    _Way(
        lambda words, _: _program(words) == "fairseq-train", lambda path: ["--restore-file", path]
    ),
    _Way(
        lambda words, _: _program(words) == "litgpt" and "pretrain" in words,
        lambda path: ["--resume", path],
    ),
    _Way(_is_mlx, lambda path: ["--resume-adapter-file", path]),
    _Way(_is_timm, lambda path: ["--resume", path]),
    _Way(_is_nano_gpt, lambda _: ["--init_from=resume"]),
    _Way(_is_yolo, lambda path: ["resume", f"model={path}"]),
)
