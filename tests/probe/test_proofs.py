"""Files that carry no checksums, read to their last byte: what their headers must hold."""

import json
import random
import struct
from pathlib import Path

import pytest

from trainwatch import facts
from trainwatch.probe.jobs import verify
from trainwatch.probe.jobs.progress import Progress


def proof(path: Path) -> facts.FileChecked:
    said: list[object] = []
    job = facts.Job("1", "verify", str(path), [])
    verify.verify(job, Progress(job, said.append))
    return next(fact for fact in said if isinstance(fact, facts.FileChecked))


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(*tensors: tuple[bytes, int, int], values: bytes = bytes(96), version: int = 3) -> bytes:
    """Tensors as (name, kind, offset), each of eight numbers; 32 bytes to begin at."""
    pairs = text(b"general.name") + struct.pack("<I", 8) + text(b"tiny")
    told = b"".join(text(n) + struct.pack("<IQIQ", 1, 8, k, at) for n, k, at in tensors)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), 1) + pairs + told
    return head + bytes(-len(head) % 32) + values


TWO = ((b"a", 0, 0), (b"b", 0, 64))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def test_a_whole_file_is_proven_in_its_form_alone(file: Path) -> None:
    file.write_bytes(gguf(*TWO))
    told = proof(file)
    assert (told.fault, told.proven, [t.name for t in told.tensors]) == ("", "form", ["a", "b"])


def test_numbers_that_are_none_are_counted(file: Path) -> None:
    odd = struct.pack("<8f", *[1.0] * 6, float("nan"), float("inf"))
    file.write_bytes(gguf(*TWO, values=bytes(64) + odd))
    assert [(t.nans, t.infinities) for t in proof(file).tensors] == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (gguf(*TWO)[:-1], "it is cut at 99 %"),
        (gguf(*TWO)[:60], "it ends inside its header"),
        (gguf((b"a", 0, 0), (b"b", 0, 0)), "its header lets tensors overlap"),
        (gguf((b"a", 0, 0), (b"a", 0, 64)), "its header names a tensor twice"),
        (gguf((b"a", 0, 8)), "its header describes a tensor that cannot be"),
        (gguf((b"a", 99, 0)), "its header describes a tensor that cannot be"),
        (gguf((b"a", 2, 0)), "its header describes a tensor that cannot be"),
        (gguf((b"a", 0, 1 << 63)), "its header describes a tensor that cannot be"),
        (gguf(version=9), "its header cannot be"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "its header cannot be"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 62), "it ends inside its header"),
    ],
)  # fmt: skip
def test_what_a_header_must_not_say(file: Path, data: bytes, fault: str) -> None:
    file.write_bytes(data)
    assert proof(file).fault == fault


def test_any_turned_bit_of_a_header_is_read_or_damage(file: Path) -> None:
    source, whole = random.Random(1), gguf(*TWO)
    for _ in range(500):
        turned = bytearray(whole)
        turned[source.randrange(len(whole))] ^= 1 << source.randrange(8)
        file.write_bytes(turned)
        assert proof(file)


# --- HDF5 ------------------------------------------------------------------------------------------

SUPERBLOCKS = {
    0: bytes([0, 0, 0, 0, 0, 8, 8]) + bytes(25),
    2: bytes([2, 8, 8, 0]) + bytes(16),
}


@pytest.mark.parametrize("version", SUPERBLOCKS)
def test_an_hdf5_file_ends_where_its_superblock_says(tmp_path: Path, version: int) -> None:
    path = tmp_path / "model.weights.h5"
    head = b"\x89HDF\r\n\x1a\n" + SUPERBLOCKS[version] + struct.pack("<Q", 400)
    path.write_bytes(head + bytes(400 - len(head)))
    assert (proof(path).fault, proof(path).proven) == ("", "form")
    path.write_bytes(head + bytes(200 - len(head)))
    assert proof(path).fault == "it is cut at 50 %"
    path.write_bytes(head + bytes(401 - len(head)))
    assert proof(path).fault == "it is longer than its header says"
    path.write_bytes(b"\x89HDF\r\n\x1a\n\x09" + bytes(400))
    assert proof(path).fault == "its superblock cannot be"


# --- what else is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "proven"),
    [("a.json", json.dumps({"a": 1}).encode(), "form"), ("a.bin", b"anything", "")],
)
def test_other_files_say_what_reading_them_proves(
    tmp_path: Path, name: str, data: bytes, proven: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert proof(tmp_path / name).proven == proven


def test_parts_that_overlap_or_lie_outside_are_damage(tmp_path: Path) -> None:
    def metadata(*places: tuple[int, int]) -> bytes:
        rows = b"".join(
            b"(X\x0d\0\0\0relative_pathX\x0c\0\0\0__0_0.distcpX\x06\0\0\0offsetK" + bytes([at])
            + b"X\x06\0\0\0lengthK" + bytes([size]) + b"t"
            for at, size in places
        )  # fmt: skip
        return b"\x80\x02(" + rows + b"t."

    path = tmp_path / "__0_0.distcp"
    path.write_bytes(b"0123456789")
    for places, fault in {
        ((0, 5), (5, 5)): "",
        ((0, 6), (5, 5)): "its metadata lets parts overlap",
        ((0, 5), (5, 9)): "it is cut: a part ends behind it",
    }.items():
        (tmp_path / ".metadata").write_bytes(metadata(*places))
        assert proof(path).fault == fault
    (tmp_path / ".metadata").write_bytes(b"\x80\x02(X\xff\xff\xff\x7f")
    assert proof(path).fault == ".metadata is cut or no pickle"
