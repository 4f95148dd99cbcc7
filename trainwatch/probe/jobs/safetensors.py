"""``*.safetensors`` read to its last byte.

The law of this file: the header is a claim: it is matched entry by entry in bounded memory, and its
spans must fill the file without hole or overlap before they are believed. Format: the README of
huggingface/safetensors.
"""

import json
import re
import zlib
from typing import IO, List, NamedTuple, Tuple

from trainwatch.facts import TensorChecked
from trainwatch.probe.jobs import blocks
from trainwatch.probe.jobs.archives import DamagedError
from trainwatch.probe.jobs.progress import Progress

_LARGEST_HEADER = 16 << 20
_NAME = r'\s*"((?:[^"\\]|\\.)*)"\s*:\s*'
_ENTRY = re.compile(_NAME + r"(\{[^{}]{1,4096}\})\s*([,}])")
_METADATA = re.compile(_NAME + r'\{\s*(?:"(?:[^"\\]|\\.)*"[\s:,]*)*\}\s*([,}])')
_SHOWN = 400  # characters of a name
_CANNOT_BE = "its header describes a tensor that cannot be"


class Span(NamedTuple):
    """Where a tensor lies, counted from the end of the header."""

    begin: int
    end: int
    name: str
    dtype: str
    shape: List[int]


def check(file: IO[bytes], size: int, progress: Progress) -> Tuple[int, List[TensorChecked]]:
    """(checksum, tensors). Raises DamagedError, OSError, CancelledError."""
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > size - 8:
        raise DamagedError("it ends inside its header")
    if length > _LARGEST_HEADER:
        raise DamagedError("its header claims to be {} bytes long".format(length))
    header = file.read(length)
    crc = zlib.crc32(header, zlib.crc32(prefix))
    progress.add(8 + length)
    spans = sorted(_spans(header))
    _check_seamless(spans, size - 8 - length, 8 + length)
    tensors = []
    for span in spans:
        told = span.name, span.dtype, span.shape
        tensor, crc = blocks.tensor(file, span.end - span.begin, told, crc, progress)
        tensors.append(tensor)
    return crc, tensors


def _spans(header: bytes) -> List[Span]:
    text = header.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        raise DamagedError("its header is no JSON object")
    found: List[Span] = []
    at, more = 1, text[1:].strip() != "}"
    while more:
        metadata = _METADATA.match(text, at)
        entry = None if metadata else _ENTRY.match(text, at)
        match = metadata or entry
        if match is None:
            raise DamagedError("its header is no JSON object")
        if entry is not None:
            found.append(_span(entry.group(1), entry.group(2)))
        at, more = match.end(), match.group(match.lastindex or 0) == ","
    if at > 1 and text[at:].strip():
        raise DamagedError("its header goes on after its end")
    return found


def _span(name: str, text: str) -> Span:
    try:
        told = json.loads(text)
        begin, end = told["data_offsets"]
        shape = [int(one) for one in told["shape"]]
        shown = str(json.loads('"' + name + '"'))[:_SHOWN]
        span = Span(begin, end, shown, str(told["dtype"]), shape)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DamagedError(_CANNOT_BE) from None
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end < 1 << 62:
        raise DamagedError(_CANNOT_BE)
    return span


def _check_seamless(spans: List[Span], room: int, start: int) -> None:
    end = 0
    for span in spans:
        if span.begin != end:
            raise DamagedError("its header leaves a hole or an overlap in the data")
        end = span.end
    if end > room:
        raise DamagedError("it is cut at {} %".format(100 * (start + room) // (start + end)))
    if end < room:
        raise DamagedError("it is longer than its header says")
