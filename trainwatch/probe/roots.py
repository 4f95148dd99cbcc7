"""The folders that a command writes to, guessed from its words.

The law of this file: words only, no look at the disk. An option that names an output is believed;
anything else that may be a folder counts only for what changed in it since the run began, so that
data sets, models and the checkpoints of other runs are never taken for its own.
"""

import os
import re
from typing import Dict, List, Tuple

from trainwatch.probe.listing import Root

_OUTPUT = re.compile(
    r"(?:^|_)(?:(?:output|out|save|ckpts?|checkpoints?|logging|logs?|work|run|results?|exp|experiment|project|root"
    r"|snapshots?|artifacts?|model_out)(?:_to|_base)?_?(?:dir|path|folder|root|directory|dirpath)|outdir|dirpath|o|out"
    r"|output|save|save_to|resdir)$"
)
_INPUT = re.compile(r"data|cache|model|token|config|resume|file|input|src|source|load|init|ref")
_WORDS = ("python", "torchrun", "accelerate", "deepspeed", "launch", "run", "-m")
MAX_ROOTS = 12
FILE_CLOCK = 1.0  # seconds: file times are coarser than the clock, on a network another machine's


def of_command(command: List[str], cwd: str, started: float) -> List[Root]:
    """The folders that ``command``, started in ``cwd``, may write to; the surest first."""
    since = started - FILE_CLOCK
    sure: Dict[str, Root] = {}
    maybe: Dict[str, Root] = {}
    for option, value in _pairs(command[1:]):
        path = os.path.normpath(os.path.join(cwd, os.path.expanduser(value)))
        if option and _OUTPUT.search(option):
            sure.setdefault(path, Root(path))
        elif _could_be_folder(value) and not (option and _INPUT.search(option)):
            maybe.setdefault(path, Root(path, since=since, sparse=True))
    maybe.setdefault(os.path.normpath(cwd), Root(os.path.normpath(cwd), since=since, sparse=True))
    found = list(sure.values()) + [root for path, root in maybe.items() if path not in sure]
    return apart(found[:MAX_ROOTS])


def apart(roots: List[Root]) -> List[Root]:
    """The roots with what belongs to another root taken out, so that nothing is listed twice."""
    paths = [root.path for root in roots]
    return [
        root._replace(without=tuple(p for p in paths if p.startswith(root.path.rstrip("/") + "/")))
        for root in roots
    ]


def _pairs(words: List[str]) -> List[Tuple[str, str]]:
    """(option, value) for every word that may be a value; the option is "" where there is none."""
    pairs = []
    option = ""
    for word in words:
        name, equals, value = word.partition("=")
        if equals and re.match(r"[-+]*[A-Za-z_][\w.-]*$", name):
            pairs.append((_normal(name), value))
            option = ""
        elif word.startswith("-"):
            option = _normal(word)
        else:
            pairs.append((option, word))
            option = ""
    return [(option, value) for option, value in pairs if value]


def _normal(option: str) -> str:
    """``--trainer.default-root-dir`` -> ``trainer_default_root_dir``."""
    return re.sub(r"[-.]", "_", option.lstrip("-+")).lower()


def _could_be_folder(value: str) -> bool:
    """Whether the word looks like a path: not a number, an address, a script or an expression."""
    if not re.match(r"[\w./~-][^\n*?{}\[\]()'\"|<>]*$", value) or "://" in value:
        return False
    has_number = re.match(r"[\d.eE+-]+$", value)
    has_suffix = re.search(r"\.\w{1,6}$", value)
    return not has_number and not has_suffix and value not in _WORDS and len(value) < 1000
