"""Every header: its samples are whole, no cut of one is, and no byte makes it do anything else."""

from __future__ import annotations

import importlib
import pkgutil
import random
import struct
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from trainwatch.read import headers
from trainwatch.read.headers import (
    DamagedError,
    Whole,
    archive,
    gguf,
    hdf5,
    msgpack,
    npy,
    ocdbt,
    safetensors,
    tensor_bundle,
    torch_zip,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, list[Callable[[Whole], object]]] = {
    "archive": [archive.check_end],
    "torch_zip": [torch_zip.check_end, torch_zip.contents],
    "safetensors": [safetensors.read, lambda source: list(safetensors.tensors(source))],
    "gguf": [gguf.read],
    "hdf5": [hdf5.check_end],
    "tensor_bundle": [tensor_bundle.lengths],
    "ocdbt": [ocdbt.check_data, ocdbt.roots],
    "msgpack": [msgpack.check_end],
    "npy": [npy.check_end],
}
EVERY = [
    pytest.param(read, sample, id=f"{name}-{number}")
    for name, readers in READERS.items()
    for read in readers[:1]
    for number, sample in enumerate(importlib.import_module(f"{headers.__name__}.{name}").SAMPLES)
]


def test_no_header_is_forgotten_here() -> None:
    assert {module.name for module in pkgutil.iter_modules(headers.__path__)} == set(READERS)


@pytest.mark.parametrize(("read", "sample"), EVERY)
def test_a_sample_is_whole(read: Callable[[Whole], object], sample: bytes) -> None:
    read(Whole(sample))


@pytest.mark.parametrize(("read", "sample"), EVERY)
def test_no_cut_of_a_sample_is_whole(read: Callable[[Whole], object], sample: bytes) -> None:
    for length in range(len(sample)):
        try:
            told = read(Whole(sample[:length]))
        except DamagedError:
            continue
        # Those whose data follows the header tell its size instead.
        assert getattr(told, "size", 0) > length or sample.startswith(b"\x0c\xdb\x3a"), length


@pytest.mark.parametrize("name", READERS)
def test_no_bytes_do_anything_but_damage(name: str) -> None:
    source = random.Random(name)
    for read in READERS[name]:
        for sample in importlib.import_module(f"{headers.__name__}.{name}").SAMPLES:
            for _ in range(1500):
                data = bytearray(sample)
                for _ in range(source.randint(1, 4)):
                    data[source.randrange(len(data))] = source.choice((0, 1, 0x7F, 0x80, 0xFF))
                with suppress(DamagedError):
                    read(Whole(bytes(data)))


@pytest.mark.parametrize(
    ("read", "bomb"),
    [
        (gguf.read, b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0)),
        (gguf.read, b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 19) + bytes(1000)),
        (
            gguf.read,
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QIIQ", 0, 9, 9, 1 << 40),
        ),
        (
            gguf.read,
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<QI", 0, 9)
            + struct.pack("<IQ", 9, 1) * 1000,
        ),
        (gguf.read, b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62)),
        (gguf.read, b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<QI", 0, 1 << 31)),
        (tensor_bundle.lengths, bytes(1000) + b"\xff" * 40 + (0xDB4775248B80FB57).to_bytes(8, "little")),
    ],
)  # fmt: skip
def test_bombs_cost_nothing(read: Callable[[Whole], object], bomb: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(DamagedError):
        read(Whole(bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_hdf5_tells_where_it_ends() -> None:
    for sample in hdf5.SAMPLES:
        with pytest.raises(DamagedError, match="longer than"):
            hdf5.check_end(Whole(sample + b"\0"))


def test_a_manifest_is_exactly_as_long_as_it_says() -> None:
    ocdbt.check_manifest(Whole(ocdbt.SAMPLES[0]))
    for length in range(len(ocdbt.SAMPLES[0])):
        with pytest.raises(DamagedError):
            ocdbt.check_manifest(Whole(ocdbt.SAMPLES[0][:length]))


def test_a_bundle_tells_how_long_its_data_files_are() -> None:
    entries = [
        (b"a", bytes([0x28, 100])),
        (b"b", bytes([0x20, 100, 0x28, 50])),
        (b"c", bytes([0x18, 1, 0x20, 0x80, 1, 0x28, 2])),
    ]
    assert tensor_bundle.lengths(Whole(tensor_bundle.table(*entries))) == {0: 150, 1: 130}
