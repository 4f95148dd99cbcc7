"""Another program is asked something.

The law of this file: it gets nothing to read, it has its time, and what goes wrong is said by its name.
"""

import subprocess
from typing import Dict, List, NamedTuple, Optional


class Answer(NamedTuple):
    """What a program said before it ended."""

    code: int
    said: bytes
    complaint: str


class LateError(Exception):
    """It did not answer in time, and was killed."""


def ask(words: List[str], patience: float, env: Optional[Dict[str, str]] = None) -> Answer:
    """Its answer. Raises OSError where it cannot be started, and LateError."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=patience,
            env=env,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LateError from None
    return Answer(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))
