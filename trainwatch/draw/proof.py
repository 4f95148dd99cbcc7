"""What reading a checkpoint to its last byte found.

The law of this file: "sound" is said only of what was read whole and found whole; what the names and
headers already told against a checkpoint counts as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from trainwatch.draw import units
from trainwatch.draw.shapes import Json, number
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.work import Work

    Proved: TypeAlias = Sequence[tuple[Checkpoint, Work]]
_SHOWN = 3


def is_sound(checkpoint: Checkpoint, work: Work) -> bool:
    """Read whole, found whole."""
    return work.sound and checkpoint.seen.state == "complete"


def rows(checkpoint: Checkpoint, work: Work) -> list[Row]:
    """One line, and one for each thing that is wrong."""
    seen, ended = checkpoint.seen, work.ended
    size = sum(file.size for file in work.files.values())
    tensors = sum(map(len, work.tensors.values()))
    told: Row = [(clean(seen.name), "value"), ("  ", "text")]
    if ended is None:
        return [[*told, (f"{units.percent(work.share)} read", "info")]]
    if is_sound(checkpoint, work):
        what = f"{len(work.files)} files, {units.long_size(size)}"
        if tensors:
            what += f", {units.count(tensors)} tensors without NaN or Inf"
        return [[*told, ("sound", "ok"), (f"  {what}", "dim")], *_unproven(work)]
    out: list[Row] = [[*told, (_word(checkpoint, work), "critical")]]
    if not ended.ok:
        out[0].append((f"  {clean(ended.text)}", "label"))
    elif seen.state != "complete":
        out[0].append((f"  {clean(seen.reason or seen.state)}", "label"))
    return out + [
        [(f"  {_place(path)}", "text"), (clean(why), "warning")] for path, why in work.faults
    ]


def _unproven(work: Work) -> list[Row]:
    """What reading cannot prove: most formats carry no checksums of their numbers."""
    bare = [(file.size, p) for p, file in work.files.items() if file.proven != "checksums"]
    names = [clean(path.rpartition("/")[2]) for size, path in sorted(bare, reverse=True) if size]
    if not names:
        return []
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    where = f" in {', '.join(names[:_SHOWN])}{more}" if any(names) else " in it"
    return [[(f"  no checksums{where}: a turned bit there would not show", "dim")]]


def same_weights(checkpoint: Checkpoint, work: Work, others: Proved) -> Row | None:
    """Which of the others holds the weights of the final model, by size and checksum of each file."""
    own = _weights(checkpoint, work)
    for other, read in others:
        if "final" in checkpoint.marks and own and _weights(other, read) == own:
            return [(f"  the same weights as {clean(other.seen.name)}, byte for byte", "ok")]
    return None


def _weights(checkpoint: Checkpoint, work: Work) -> dict[str, tuple[int, int]]:
    parts = {file.path: file.part for file in checkpoint.seen.files}
    return {p: (f.size, f.crc) for p, f in work.files.items() if parts.get(p) == "weights"}


def _word(checkpoint: Checkpoint, work: Work) -> str:
    if any(file.fault for file in work.files.values()):
        return "damaged"
    if work.faults:
        return "broken numbers"
    return checkpoint.seen.state if checkpoint.seen.state != "complete" else "not verified"


def _place(path: str) -> str:
    return f"{clean(path)}: " if path else ""


def shape(checkpoint: Checkpoint, work: Work) -> dict[str, Json]:
    """The same for machines."""
    odd = dict(work.odd_numbers())
    files: list[Json] = [
        {
            "path": path,
            "bytes": file.size,
            "crc32": f"{file.crc:08x}",
            "fault": file.fault or None,
            "proven": file.proven or None,
            "tensors": len(work.tensors.get(path, ())),
            "nan": sum(t.nans for t in work.tensors.get(path, ())),
            "inf": sum(t.infinities for t in work.tensors.get(path, ())),
            "numbers": odd.get(path),
        }
        for path, file in work.files.items()
    ]
    return {
        "path": checkpoint.seen.path,
        "name": checkpoint.seen.name,
        "state": checkpoint.seen.state,
        "reason": checkpoint.seen.reason,
        "sound": is_sound(checkpoint, work),
        "said": work.ended.text if work.ended else None,
        "bytes": number(sum(file.size for file in work.files.values())),
        "files": files,
    }
