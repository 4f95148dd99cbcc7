"""Secrets in a command line, masked before anything is stored or shown.

The law of this file: it looks at the words alone. What names itself a secret (``--api-key X``,
``TOKEN=X``) or has the shape of a well-known key is replaced; everything else stays as typed.
"""

import re
from typing import List

MASK = "***"

# Options that end in one of these words take a secret ...
_SECRETS = {"token", "secret", "password", "passwd", "passphrase", "credential", "credentials"}
_KEYS = {"api", "access", "private", "secret", "auth"}  # before "key"
# ... but these are tokens of a vocabulary.
_VOCABULARY = {
    "pad", "eos", "bos", "unk", "sep", "cls", "mask", "image", "audio", "video", "special", "stop",
    "start", "end", "prompt", "response", "instruction", "think", "decoder",
}  # fmt: skip
# Prefixes that their issuers publish so that leaks can be found. A training waits for its command to
# be masked: a pattern is only compiled where a word may match it.
_PREFIXES = ("hf_", "sk-", "gh", "glpat-", "xox", "AKIA", "AIza")
_SHAPES = (
    r"\b(?:hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{35})"
)
_USERINFO = r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@"


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
        parts = re.split(r"(\s+)", word)
        parts[::2] = masked(parts[::2])
        return "".join(parts)
    name, equals, value = word.partition("=")
    if equals and value and _is_name(name) and _names_secret(name):
        return name + "=" + MASK
    if any(prefix in word for prefix in _PREFIXES):
        word = re.sub(_SHAPES, MASK, word)
    if "://" in word and "@" in word:
        word = re.sub(_USERINFO, r"\1" + MASK + "@", word)
    return word


def _is_name(text: str) -> bool:
    """``name``, ``-name`` or ``--name`` of a variable or an option."""
    bare = text[2:] if text.startswith("--") else text[1:] if text.startswith("-") else text
    plain = bare.replace("-", "_").replace(".", "_")
    return plain.isidentifier() and not bare.startswith(("-", "."))


def _names_secret(option: str) -> bool:
    words = option.lower().replace("_", "-").replace(".", "-").split("-")
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last.endswith("key"):
        return (last[:-3] or before) in _KEYS
    return last in _SECRETS and not (last == "token" and before in _VOCABULARY)
