"""Whether the model that a training left in the end is one of its checkpoints, byte for byte.

The law of this file: only equal bytes prove it. Where reading all of them would cost more than a
moment nothing is said, and reading every byte on request tells instead.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError, WaitingError
from trainwatch.read.naming import told_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainwatch.read.draft import Draft
    from trainwatch.read.headers import Source
    from trainwatch.read.tree import File, Folder

TWIN = "same weights as"
"""The fact that names the checkpoint."""
_MOST = 4 << 20  # bytes of weights that are compared without being asked
_FIRST = 16 << 10
_TRIED = 8  # checkpoints, the newest first


def note_twin(draft: Draft, folder: Folder, is_weights: Callable[[str], bool]) -> None:
    """Say which checkpoint below ``folder`` has the weights that lie in it."""
    own = {name: file for name, file in folder.files.items() if is_weights(name)}
    if not own:
        return
    try:
        twins = (name for name, beside in _beside(folder, own, is_weights) if _alike(own, beside))
        twin = next(twins, None)
    except WaitingError:
        draft.more = True
        return
    if twin is not None:
        step = told_by(twin).step
        if step != draft.step:
            draft.step, draft.epoch, draft.metrics = step, None, ()
        draft.facts = [fact for fact in draft.facts if fact[0] != "weights of"]
        draft.facts.append((TWIN, twin))


def _beside(
    folder: Folder, own: dict[str, File], is_weights: Callable[[str], bool]
) -> Iterator[tuple[str, dict[str, File]]]:
    """The checkpoints whose weights have the same names and sizes, the newest first."""
    sizes = {name: file.size for name, file in own.items()}
    steps = {name: told_by(name).step for name in folder.folders}
    counted = sorted((step, name) for name, step in steps.items() if step is not None)
    tried = 0
    for _, name in reversed(counted):
        files = folder.folders[name].files
        weights = {each: file for each, file in files.items() if is_weights(each)}
        if tried < _TRIED and {each: file.size for each, file in weights.items()} == sizes:
            tried += 1
            yield name, weights


def _alike(own: dict[str, File], beside: dict[str, File]) -> bool:
    """Whether files of the same names and sizes hold the same bytes."""
    pairs = [(file, beside[name]) for name, file in own.items()]
    if all(one.entry.inode == other.entry.inode for one, other in pairs):
        return True
    if sum(file.size for file in own.values()) > _MOST:
        return False
    sums = _first_sum, _whole_sum
    try:
        return all(one.digest(sum_) == other.digest(sum_) for sum_ in sums for one, other in pairs)
    except DamagedError:
        return False


def _first_sum(source: Source) -> int:
    """Tells most files apart, for little; the next question is never for the same bytes."""
    return zlib.crc32(source.read(0, min(_FIRST, source.size // 2)))


def _whole_sum(source: Source) -> tuple[int, int]:
    data = source.read(0, source.size)
    return zlib.crc32(data), zlib.adler32(data)
