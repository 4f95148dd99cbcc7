"""Pickles are read by opcode; nothing in them ever runs."""

from __future__ import annotations

import collections
import enum
import os
import pickle
import random
import struct
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

import trainwatch
from trainwatch.read import pickles
from trainwatch.read.headers import DamagedError
from trainwatch.read.pickles import Global, Made


class Color(enum.Enum):
    RED = "red"


class Thing:
    def __init__(self) -> None:
        self.lr = 1e-4
        self.color = Color.RED


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/trainwatch-was-here",)


def read(data: bytes) -> object:
    return pickles.load(data)[0]


def made(value: object) -> Made:
    assert isinstance(value, Made)
    return value


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_back_under_every_protocol(protocol: int) -> None:
    value: dict[object, object] = {
        "none": None, "yes": True, "no": False, "one": 1, "big": -(1 << 70), "pi": 3.25, "text": "ä€",
        "nested": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [[]], {"a": {"b": [5]}}], 7: "seven",
    }  # fmt: skip
    shared = ["same"]
    value["twice"] = [shared, shared]
    got = read(pickle.dumps(value, protocol))
    if protocol == 0:  # text is escaped there; only its presence matters
        assert isinstance(got, dict)
        got["text"] = value["text"]
    assert got == value


@pytest.mark.parametrize("protocol", range(2, 6))
def test_objects_are_notes_of_what_would_have_been_made(protocol: int) -> None:
    note = made(read(pickle.dumps(Thing(), protocol)))
    attributes = pickles.attributes(note)
    assert attributes["lr"] == 1e-4
    assert made(attributes["color"]).arguments
    assert pickles.member(attributes["color"]) == "red"


class Early:
    """A member of an enumeration as the first releases of Python 3.11 write it."""

    def __reduce__(self) -> tuple[object, tuple[object, str]]:
        return getattr, (Color, "RED")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_member_of_an_enumeration_by_its_value_or_its_name(protocol: int) -> None:
    assert pickles.member(read(pickle.dumps(Early(), protocol))) == "red"
    assert pickles.member("plain") == "plain"


def test_an_ordered_dict_is_read_like_a_dict() -> None:
    note = read(pickle.dumps(collections.OrderedDict(a=1, b=2), 2))
    assert pickles.pairs(note) == {"a": 1, "b": 2}


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_is_noted_and_not_made(protocol: int) -> None:
    marker = Path("/tmp/trainwatch-was-here")
    note = made(read(pickle.dumps(Evil(), protocol)))
    assert note.function == Global(os.system.__module__, "system")
    assert not marker.exists()


def test_where_the_next_bytes_begin_is_told() -> None:
    data = pickle.dumps([1]) + pickle.dumps("two") + b"rest"
    first, at = pickles.load(data)
    second, end = pickles.load(data, at)
    assert (first, second, data[end:]) == ([1], "two", b"rest")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"}",
        b"\xff.",
        b"h\x05.",
        b"t.",
        b"R.",
        b"}}s.",
        b"(K\x01d.",
        b"\x87.",
        b"X\xff\xff\xff\xffabc.",
        b"\x8d" + struct.pack("<Q", 1 << 62) + b"abc.",
        b"\x96" + struct.pack("<Q", 8 << 30) + b".",
        b"\x8b\xff\xff\xff\x7f.",
        b"\x95" + struct.pack("<Q", 1 << 40) + b".",
        b"I" + b"9" * 10_000 + b"\n.",
        b"Fnone\n.",
        b"cos\nsystem",
        b"]" * (pickles.MOST_OPCODES + 5),
    ],
)
def test_nonsense_and_bombs_are_damage(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(DamagedError):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_what_nests_or_refers_to_itself_does_no_harm() -> None:
    depth = 150_000
    assert read(b")" + b"\x85" * depth + b".") is not None
    assert read(b"]" + b"\x94" + b"h\x00a" * 100 + b".") is not None
    doubling = b"]\x94" + b"".join(b"(h%ch%cl\x94" % (i, i) for i in range(100)) + b"."
    assert read(doubling) is not None
    assert read(b"(" + b")" + b"\x85" * depth + b"K\x01d.") is not None, "a deep key is not hashed"


def test_any_mutation_is_a_value_or_damage() -> None:
    source = random.Random(3)
    good = pickle.dumps([Thing(), {"a": [1.5, "x", None]}, collections.OrderedDict(k=(1, 2))], 4)
    for _ in range(5000):
        data = bytearray(good)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        with suppress(DamagedError):
            read(bytes(data[: source.randint(0, len(data))]))


def test_the_pickle_module_is_never_loaded() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import trainwatch.read.reader, trainwatch.read.layouts as layouts; layouts.layouts()\n"
        "print({'pickle', '_pickle', 'torch', 'numpy'} & set(sys.modules))"
    )
    root = str(Path(trainwatch.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
