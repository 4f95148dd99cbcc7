"""torch.save's archives: their end, their first entry, their storages."""

from __future__ import annotations

import io
import random
import zipfile
from contextlib import suppress

import pytest

from trainwatch.read.headers import DamagedError, Whole, torch_zip
from trainwatch.read.headers import archive as zips

# What torch.save({"step": 3, "w": torch.zeros(2, 3)}) pickles: written opcode by opcode here.
PICKLE = (
    b"\x80\x02}q\x00(X\x04\x00\x00\x00stepq\x01K\x03X\x01\x00\x00\x00wq\x02"
    b"ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04"
    b"ctorch\nFloatStorage\nq\x05X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x06tq\x08Q"
    b"K\x00K\x02K\x03\x86q\tK\x03K\x01\x86q\n\x89ccollections\nOrderedDict\nq\x0b)Rq\x0ctq\rRq\x0eu."
)


def archive(data: bytes = bytes(24), pickle: bytes = PICKLE, force64: bool = False) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as zipped:
        for name, content in (("a/data.pkl", pickle), ("a/data/0", data), ("a/version", b"3\n")):
            with zipped.open(zipfile.ZipInfo(name), "w", force_zip64=force64) as entry:
                entry.write(content)
        if force64:
            for number in range(66_000):
                zipped.writestr(zipfile.ZipInfo(f"a/{number}"), b"")
    return whole.getvalue()


def damage(data: bytes) -> str:
    with pytest.raises(DamagedError) as caught:
        torch_zip.check_end(Whole(data))
    return str(caught.value)


@pytest.mark.parametrize("sample", torch_zip.SAMPLES)
def test_its_samples_are_whole(sample: bytes) -> None:
    torch_zip.check_end(Whole(sample))


def test_what_was_saved_is_read_inert() -> None:
    value = torch_zip.contents(Whole(archive()))
    assert isinstance(value, dict)
    assert value["step"] == 3
    assert torch_zip.storages(value) == [torch_zip.Storage("0", "Float", 6)]
    assert torch_zip.storages(value)[0].size == 24


def test_the_first_entry_is_read_although_the_rest_is_not_yet_written() -> None:
    data = archive(bytes(1000))
    cut = data[: data.index(b"a/data/0") + 100]
    assert torch_zip.storages(torch_zip.contents(Whole(cut)))[0].elements == 6
    assert damage(cut) == "it is cut: its directory is missing"


def test_every_cut_is_seen() -> None:
    data = archive()
    assert damage(b"") == "it is empty"
    for length in range(1, len(data)):
        damage(data[:length])


def test_large_archives_have_a_larger_end() -> None:
    data = archive(force64=True)
    torch_zip.check_end(Whole(data))
    assert b"PK\x06\x06" in data[-zips.TAIL :]
    for length in range(len(data) - 120, len(data)):
        damage(data[:length])


def test_bytes_after_the_end_or_missing_in_the_middle_are_seen() -> None:
    data = archive()
    assert damage(data + b"\0") == "it is cut: its directory is missing"
    assert damage(data[:200] + data[204:]) == "its directory does not fit its size"


def test_other_files_are_told_apart() -> None:
    assert damage(b"GIF89a" * 100) == "it does not begin like a zip archive"
    with pytest.raises(DamagedError):
        torch_zip.contents(Whole(b"GIF89a" * 100))


LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
TENSOR = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0kX\x03\0\0\0cpuK\x02NtQ"
OBJECT = b"\x80\x02}X\x01\0\0\0w" + TENSOR + b"s."
KEYS = b"\x80\x02]X\x01\0\0\0ka."


def test_a_file_without_a_directory_is_measured_by_its_pickle() -> None:
    """As ``torch.save`` wrote before 1.6, and still does when it is asked to."""
    whole = LEGACY + OBJECT + KEYS + (2).to_bytes(8, "little") + bytes(8)
    torch_zip.check_end(Whole(whole))
    [storage] = torch_zip.storages(torch_zip.contents(Whole(whole)))
    assert (storage.key, storage.size) == ("k", 8)
    for end in range(len(LEGACY), len(whole)):
        assert damage(whole[:end])


def test_any_mutation_is_read_or_damage() -> None:
    source = random.Random(5)
    good = archive()
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(source.randint(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        whole = Whole(bytes(data[: source.randint(0, len(data))]))
        for look in (torch_zip.check_end, torch_zip.contents):
            with suppress(DamagedError):
                torch_zip.storages(look(whole))
