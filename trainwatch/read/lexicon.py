"""What the words in front of numbers mean.

The law of this file: a pure function from printed words to a role; the framework's own spelling is
kept beside the canonical name. Words that are not known stay as they are and become series of their
own, but never a loss.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from trainwatch.read.records import Split

Role = Literal["metric", "step", "total", "epoch", "skip"]


class Word(NamedTuple):
    """What one key means."""

    role: Role
    name: str
    split: Split | None = None  # None: the key itself does not tell


_SYNONYMS = {
    "lr": "learning_rate",
    "base_lr": "learning_rate",
    "gnorm": "grad_norm",
    "acc": "accuracy",
    "ppl": "perplexity",
}
_COUNTERS: dict[str, Role] = {
    "step": "step",
    "global_step": "step",
    "current_steps": "step",
    "iteration": "step",
    "max_steps": "total",
    "total_steps": "total",
    "epoch": "epoch",
}
_SPLITS: dict[str, Split] = {
    "train": "train",
    "eval": "eval",
    "val": "eval",
    "valid": "eval",
    "validation": "eval",
    "test": "test",
}
_SPLIT = re.compile(rf"({'|'.join(_SPLITS)})[_/](?=.)")
_TOLD = re.compile(r"loss$|accuracy$|perplexity$|reward|^f1$|^bleu$|^rouge")


@lru_cache(4096)
def word(key: str) -> Word:
    """The meaning of a printed key such as ``eval_loss``, ``lr`` or ``train/grad_norm``."""
    name = re.sub(r"\s+", "_", key.strip().lower())
    if name in _COUNTERS:
        return Word(_COUNTERS[name], name)
    found = _SPLIT.match(name)
    split = _SPLITS[found[1]] if found else None
    if found:
        name = name[found.end() :]
    return Word("metric", _SYNONYMS.get(name, name), split)


def tells_training(names: list[str]) -> bool:
    """Whether a record with these names reports a training; a dump of settings has numbers too."""
    return any(_TOLD.search(name) for name in names)
