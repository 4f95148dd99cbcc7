"""The table of checkpoints in a file that a person named.

The law of this file: nothing that exists is overwritten, and nothing is put into a checkpoint.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trainwatch.draw.shapes import csv_of
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.checkpoints import Checkpoint


def written(rows: Sequence[Checkpoint], every: Sequence[Checkpoint], name: str) -> str:
    """Write ``rows`` to the file ``name`` on this machine; one sentence about how that went.

    ``every`` are the checkpoints into which nothing is written.
    """
    path, shown = os.path.realpath(os.path.expanduser(name)), clean(name)
    ending = os.path.splitext(path)[1]
    if ending not in (".csv", ".md"):
        return f"{shown} must end in .csv or .md: nothing was written"
    if any(path.startswith(each.seen.path.rstrip("/") + "/") for each in every):
        return f"{shown} lies in a checkpoint: give another folder"
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(csv_of(rows) if ending == ".csv" else _markdown(rows))
    except FileExistsError:
        return f"{shown} is there already: give another name"
    except OSError as error:
        return f"{shown} cannot be written: {error.strerror}"
    return f"{len(rows)} rows are in {shown}"


def _markdown(rows: Sequence[Checkpoint]) -> str:
    from trainwatch.draw.report import markdown  # noqa: PLC0415 - brings plotext

    return markdown(rows) + "\n"
