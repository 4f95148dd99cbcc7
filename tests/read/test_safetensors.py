"""safetensors headers: what they tell, and what they cannot make us do."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc
from contextlib import suppress

import pytest

from trainwatch.read.headers import DamagedError, Whole, safetensors


def file(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(begin: int, end: int, dtype: str = "F32", shape: list[int] | None = None) -> object:
    shape = [(end - begin) // 4] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def damage(data: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        safetensors.read(Whole(data))
    return str(caught.value)


@pytest.mark.parametrize("sample", safetensors.SAMPLES)
def test_its_samples_are_whole(sample: bytes) -> None:
    assert safetensors.read(Whole(sample)).size == len(sample)


def test_the_header_tells_the_finished_size_tensors_and_parameters() -> None:
    data = file(
        {
            "__metadata__": {"format": "pt", "brace": '} " \\ {'},
            "b": entry(16, 24, "BF16", [2, 2]),
            "a": entry(0, 16, "F32", [4]),
            "scalar": entry(24, 28, "F32", []),
        },
        bytes(28),
    )
    assert safetensors.read(Whole(data)) == safetensors.Header(len(data), 3, 9)
    assert [(t.name, t.shape) for t in safetensors.tensors(Whole(data))] == [
        ("b", (2, 2)),
        ("a", (4,)),
        ("scalar", ()),
    ]


def test_the_finished_size_is_known_while_the_data_is_still_missing() -> None:
    data = file({"a": entry(0, 1 << 40, "U8", [1 << 40])})
    assert safetensors.read(Whole(data)).size == len(data) + (1 << 40)


def test_blanks_and_padding_are_allowed() -> None:
    text = b'{ "a" : {"dtype": "U8", "shape": [1],\n "data_offsets": [0, 1]} ,\t"b":'
    text += b'{"dtype":"F4","shape":[4],"data_offsets":[1,3]}}     '
    assert safetensors.read(Whole(file(text, bytes(3)))).tensors == 2


def test_an_unknown_dtype_is_not_called_damage() -> None:
    data = file({"a": entry(0, 7, "F3_NEW", [5])}, bytes(7))
    assert safetensors.read(Whole(data)).parameters == 5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it ends inside its header"),
        (b"\x01\x02", "it ends inside its header"),
        (struct.pack("<Q", 1 << 60), "its header claims to be 1152921504606846976 bytes long"),
        (struct.pack("<Q", 100) + b"{}", "it ends inside its header"),
        (file(b"[]"), "its header is no JSON object"),
        (file(b'{"a"'), "its header is no JSON object"),
        (file(b'{"a":5}'), "its header is no JSON object"),
        (file(b'{"a":{},}'), "its header describes a tensor that cannot be"),
        (file(b'{"\xff":{}}'), "its header is no UTF-8"),
        (file(b"{} x"), "its header goes on after its end"),
        (file(b'{"__metadata__":{"a":1}}'), "its header is no JSON object"),
        (file({"a": entry(4, 8)}), "its header leaves a hole or an overlap in the data"),
        (
            file({"a": entry(0, 8), "b": entry(4, 12)}),
            "its header leaves a hole or an overlap in the data",
        ),
        (file({"a": entry(0, 8, shape=[3])}), "its header describes a tensor that cannot be"),
        (file({"a": entry(8, 0, shape=[])}), "its header describes a tensor that cannot be"),
        (file({"a": entry(-8, 0)}), "its header describes a tensor that cannot be"),
        (
            file({"a": entry(0, 8, shape=[1 << 61] * 33)}),
            "its header describes a tensor that cannot be",
        ),
    ],
)
def test_every_broken_rule_is_told(data: bytes, reason: str) -> None:
    assert damage(data) == reason


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":' + b"[" * 200_000,
        b'{"a":{"dtype":"F32","shape":[' + b"[" * 3000 + b'],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[' + b"9" * 3000 + b'],"data_offsets":[0,4]}}',
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,' + b"9" * 5000 + b"]}}",
        b'{"__metadata__":{"a":"' + b"\\" * 999_999 + b"}}",
        b'{"__metadata__":{' + b'"a":"b",' * 100_000 + b"}}",
        b'{"' + b"a" * 1_000_000 + b'":{}}',
        b'{"a":{"x":[' + b"[]," * 300_000 + b"]}}",
    ],
)
def test_bombs_cost_little_and_are_told(text: bytes) -> None:
    data = Whole(file(text))
    tracemalloc.start()
    with pytest.raises(DamagedError):
        safetensors.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_long_header_costs_a_few_times_its_own_length() -> None:
    one = b'"layer.%d":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    text = b"{" + b",".join(one % (i, 4 * i, 4 * i + 4) for i in range(50_000)) + b"}"

    class Announced(Whole):
        @property
        def size(self) -> int:
            return 1 << 40

    data = Announced(file(text))
    tracemalloc.start()
    assert safetensors.read(data).tensors == 50_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(text), "so the longest header allowed stays below 64 MiB"
    assert 4 * safetensors.LARGEST_HEADER <= 64 << 20


def test_any_mutation_is_read_or_damage_and_never_anything_else() -> None:
    source = random.Random(7)
    good = file({"a": entry(0, 16), "b": entry(16, 24), "__metadata__": {"x": "y"}}, bytes(24))
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        cut = bytes(data[: source.randint(0, len(data))])
        with suppress(DamagedError):
            safetensors.read(Whole(cut))
