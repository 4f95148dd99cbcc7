"""The command line that continues from a checkpoint.

The law of this file: it is the run's own command line with one option replaced or added; where that
is not known to work there is no command. ``--resume_from_checkpoint`` is what scripts on the
Hugging Face Trainer take (HfArgumentParser turns the training argument of that name into it).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen

_SPELLINGS = ("--resume_from_checkpoint", "--resume-from-checkpoint")
_NO_SCRIPT = ("sh", "bash", "zsh", "dash", "fish", "make")


def resume_command(command: Sequence[str], checkpoint: CheckpointSeen) -> str | None:
    """The shell command that resumes from ``checkpoint``; None where no such command is known."""
    if checkpoint.state != "complete" or checkpoint.resumable != "full":
        return None
    if not checkpoint.layout.startswith("hf-") or not _takes_options(command):
        return None
    return shlex.join(_with_option(list(command), checkpoint.path))


def _takes_options(command: Sequence[str]) -> bool:
    """Whether words at the end of the command reach the training script."""
    if not command:
        return False
    name = command[0].rpartition("/")[2]
    if name in _NO_SCRIPT:
        return False
    return name == "trl" or any(w.endswith(".py") for w in command) or "-m" in command


def _with_option(words: list[str], path: str) -> list[str]:
    for i, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name in _SPELLINGS:
            rest = i + 1 if equals or not _has_value(words, i) else i + 2
            value = [f"{name}={path}"] if equals else [name, path]
            return words[:i] + value + words[rest:]
    return [*words, _SPELLINGS[0], path]


def _has_value(words: list[str], i: int) -> bool:
    return i + 1 < len(words) and not words[i + 1].startswith("-")
