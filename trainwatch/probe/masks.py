"""Secrets in a command line, masked before anything is stored or shown.

The law of this file: it looks at the words alone. What names itself a secret (``--api-key X``,
``TOKEN=X``) or has the shape of a well-known key is replaced; everything else stays as typed.
"""

import re
from typing import List

MASK = "***"

# Options that end in one of these words take a secret ...
_SECRET = re.compile(
    r"(?:^|[-_.])(?:token|secret|password|passwd|passphrase|credentials?|(?:api|access|private|secret|auth)[-_.]?key)$",
    re.IGNORECASE,
)
# ... but these are tokens of a vocabulary.
_VOCABULARY = re.compile(
    r"(?:^|[-_.])(?:pad|eos|bos|unk|sep|cls|mask|image|audio|video|special|stop|start|end|prompt|response|instruction|think|decoder)[-_.]token$",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"^(-{0,2}[A-Za-z_][\w.-]*)=(.+)$", re.DOTALL)
# Prefixes that their issuers publish so that leaks can be found.
_SHAPES = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{35})"
)
_BLANKS = re.compile(r"(\s+)")
_USERINFO = re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@")


def masked(command: List[str]) -> List[str]:
    """The command with every secret replaced by ``***``."""
    shown: List[str] = []
    secret_next = False
    for word in command:
        if secret_next and not word.startswith("--"):
            shown.append(MASK)
            secret_next = False
            continue
        secret_next = word.startswith("-") and "=" not in word and _names_secret(word)
        shown.append(_masked_word(word))
    return shown


def _masked_word(word: str) -> str:
    if len(word.split()) > 1:  # a whole command line: sh -c "TOKEN=X python train.py"
        parts = _BLANKS.split(word)
        parts[::2] = masked(parts[::2])
        return "".join(parts)
    assignment = _ASSIGNMENT.match(word)
    if assignment and _names_secret(assignment.group(1)):
        return assignment.group(1) + "=" + MASK
    return _USERINFO.sub(r"\1" + MASK + "@", _SHAPES.sub(MASK, word))


def _names_secret(option: str) -> bool:
    return bool(_SECRET.search(option)) and not _VOCABULARY.search(option)
