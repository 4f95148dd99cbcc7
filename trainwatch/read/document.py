"""A stream that may be one JSON value: nothing can be said of it before its end.

The law of this file: bytes of a stream whose name ends with ``.json`` are held until everything that
existed has arrived. Then either a metric-file format knows the whole, whatever the file is called,
or the bytes go on as a log like any other (many loggers call their JSON lines ``.json``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.files import formats
from trainwatch.read.files.trainer_state import LARGEST

if TYPE_CHECKING:
    from trainwatch import facts
    from trainwatch.read.records import Metrics


class Document:
    """The bytes of one such stream so far."""

    def __init__(self) -> None:
        self.chunks: list[facts.Chunk] = []
        self._size = 0

    def hold(self, chunk: facts.Chunk) -> bool:
        """Keep these bytes; False when this is too much to be one value."""
        self.chunks.append(chunk)
        self._size += len(chunk.data)
        return self._size <= LARGEST

    def rows(self) -> list[Metrics]:
        """What the first format that knows the whole reads in it; nothing when none does."""
        data = b"".join(chunk.data for chunk in self.chunks)
        if not data.lstrip().startswith((b"{", b"[")):
            return []
        source = self.chunks[0].source
        whole = [form for form in formats() if hasattr(form, "read")]
        return next((rows for form in whole if (rows := form.read(source, data))), [])


def may_be_one(source: str) -> bool:
    """Whether a stream of this name is worth holding."""
    return source.endswith(".json")
