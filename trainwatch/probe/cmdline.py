"""What a process tells of itself: its words, its name, its surroundings, since when it runs.

The law of this file: whatever cannot be read is empty. Nothing of an environment is stored or sent.
"""

import os
import pwd
from typing import Dict, List, Optional

from trainwatch.probe import identity

_SHELLS = ("sh", "bash", "zsh", "fish", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu", "login")
_TAKES_FILE = ("--rcfile", "--init-file")  # options of a shell that stays interactive


def command_of(pid: int) -> List[str]:
    """Its command line; [] where that cannot be read."""
    return [os.fsdecode(word) for word in _proc(pid, "cmdline").split(b"\0")[:-1]]


def name_of(pid: int) -> str:
    """The name of its program, without the folder."""
    command = command_of(pid)
    first = command[0].split(" ")[0] if command else ""
    return os.path.basename(first).lstrip("-") or os.fsdecode(_proc(pid, "comm")).strip()


def environment_of(pid: int) -> Dict[str, str]:
    """What it was started with; {} where that cannot be read. Nothing of it is stored or sent."""
    pairs = (os.fsdecode(one).partition("=") for one in _proc(pid, "environ").split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}


def is_trainwatch(command: List[str]) -> bool:
    """Whether a command line is one of trainwatch's own."""
    words = command[:6]
    if "-m" in words[:-1] and words[words.index("-m") + 1] == "trainwatch":
        return True
    return any(os.path.basename(w) == "trainwatch" for w in words[:2]) or any(
        "trainwatch.probe.main import" in word for word in words
    )


def _proc(pid: int, what: str) -> bytes:
    try:
        with open("/proc/{}/{}".format(pid, what), "rb") as file:
            return file.read()
    except OSError:
        return b""


def is_interactive_shell(command: List[str]) -> bool:
    """Whether it is a shell that waits for a person, and no script or single command."""
    if not command or os.path.basename(command[0]).lstrip("-") not in _SHELLS:
        return False
    words = list(command[1:])
    while words:
        word = words.pop(0)
        if word in _TAKES_FILE:
            del words[:1]
        elif not word.startswith("-") or (word[1:2] != "-" and "c" in word):
            return False
    return True


def title_of(command: List[str]) -> str:
    """A short name: the script where there is one, else the program."""
    scripts = [word for word in command if word.endswith((".py", ".sh", ".ipynb", ".jl"))]
    modules = [command[k + 1] for k, word in enumerate(command[:-1]) if word == "-m"]
    modules = [word for word in modules if not word.startswith(("torch.distributed", "accelerate"))]
    return os.path.basename((scripts or modules or command or [""])[0])


def folder_of(pid: int) -> str:
    """Its working folder; "" where that cannot be read or is gone."""
    try:
        return os.readlink("/proc/{}/cwd".format(pid))
    except OSError:
        return ""


def user_of(pid: int) -> str:
    """The name of its user."""
    try:
        owner = os.stat("/proc/{}".format(pid)).st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def started_of(who: identity.Stat) -> Optional[float]:
    """When it was started, in seconds since the epoch on the clock as it stands now."""
    try:
        with open("/proc/stat", "rb") as file:
            boot = next(line for line in file if line.startswith(b"btime"))
    except (OSError, StopIteration):
        return None
    return float(boot.split()[1]) + who.start / identity.ticks_per_second()
