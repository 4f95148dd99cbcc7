"""The words of the user -> what they mean on this machine.

The law of this file: it looks, it never changes anything, and a word that could be two things is
refused with both readings named.
"""

import os
import time
from typing import List, NamedTuple, Tuple

from trainwatch import facts


class TargetError(Exception):
    """The target cannot be watched."""

    def __init__(self, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class Found(NamedTuple):
    """What there is to follow."""

    fact: facts.Target
    streams: List[Tuple[str, str]]  # name, path


def resolve(word: str) -> Found:
    """What ``word`` means here. Raises TargetError."""
    path = os.path.abspath(os.path.expanduser(word))
    if not os.path.exists(path):
        raise TargetError(
            "there is no run and no file called {}".format(word), "see: trainwatch list"
        )
    name = os.path.basename(path)
    fact = facts.Target(
        "log", "", name, [], os.path.dirname(path), os.uname().nodename, "", None, None,
        [name], [], "", time.time(),
    )  # fmt: skip
    return Found(fact, [(name, path)])
