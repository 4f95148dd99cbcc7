"""The command line that continues from a checkpoint.

The law of this file: it is the run's own command line with the one option replaced or added; where
that is not known to work there is no command. ``--resume_from_checkpoint`` is what scripts on the
Hugging Face Trainer take (HfArgumentParser turns the training argument of that name into it).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen

OPTION = "resume_from_checkpoint"
_SPELLINGS = ("--" + OPTION, "--" + OPTION.replace("_", "-"))


def resume_command(command: Sequence[str], checkpoint: CheckpointSeen) -> str | None:
    """The shell command that resumes from ``checkpoint``; None where no such command is known."""
    if not command or checkpoint.resumable != "full" or not checkpoint.layout.startswith("hf"):
        return None
    return shlex.join(_with_option(list(command), checkpoint.path))


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
