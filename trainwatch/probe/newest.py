"""The run that was written last below a folder that only holds the folders of runs.

The law of this file: one bounded look, lstat only, no symbolic link followed. ``runs/`` of
TensorBoard and ``wandb/`` hold one folder for each run; numbers of several runs are never mixed.
"""

import os
from typing import List, Optional, Pattern, Tuple

MAX_DEPTH = 4
MAX_FOLDERS = 500


def newest(folder: str, folders: Pattern[str], files: Pattern[str]) -> str:
    """The folder of the newest file below that matches ``files``, as near to ``folder`` as one is.

    ``folder`` itself when something in it matches, or when nothing is found. Raises OSError.
    """
    found: List[Tuple[float, str]] = []
    waiting = [(folder, 0)]
    looked = 0
    while waiting and looked < MAX_FOLDERS:
        path, depth = waiting.pop(0)
        looked += 1
        try:
            below = _look(path, folders, files, found)
        except OSError:
            if path == folder:
                raise
            continue
        if path == folder and (found or below is None):
            return folder
        if depth < MAX_DEPTH:
            waiting += [(one, depth + 1) for one in below or []]
    if not found:
        return folder
    holding = {path for _, path in found}
    path = max(found)[1]
    above = path
    while len(above) > len(folder):
        path = above if above in holding else path
        above = os.path.dirname(above)
    return path


def _look(
    path: str, folders: Pattern[str], files: Pattern[str], found: List[Tuple[float, str]]
) -> Optional[List[str]]:
    """The folders in ``path``; None when one of them is of a run already. Notes what matches."""
    below, known = [], False
    with os.scandir(path) as names:
        for entry in names:
            if entry.is_dir(follow_symlinks=False):
                known = known or folders.match(entry.name) is not None
                if not entry.name.startswith("."):
                    below.append(entry.path)
            elif files.match(entry.name) and entry.is_file(follow_symlinks=False):
                found.append((entry.stat(follow_symlinks=False).st_mtime, path))
    return None if known else sorted(below)
