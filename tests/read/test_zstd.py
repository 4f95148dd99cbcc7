"""Zstandard frames, made by the zstd command, and what becomes of damaged ones."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from trainwatch.read.headers import DamagedError
from trainwatch.read.zstd import decompress

WORDS = b"".join(b"layer.%d.weight " % (n * n % 97) for n in range(40))
FRAMES = {
    "nothing, level 3": (
        b"",
        "28b52ffd240001000099e9d851",
    ),
    "raw, level 3": (
        b"abc",
        "28b52ffd0458190000616263990977ad",
    ),
    "one byte often, level 3": (
        b"x" * 5000,
        "28b52ffd04584d0000107878010083d3032c44e03dc5",
    ),
    "words, level 3": (
        WORDS,
        (
            "28b52ffd0458450400f2440f14b0271da791c3d68e976428a54c3225b90fee703cff8da4f2673326"
            "b39a1b2197f6af3424d5d2bd53e529cd3fbf34e7994421001014c32083500ec5202820b0e3b40104"
            "96b18cc958c6322e6319cb988ca0634259c858669d745787652ce33296b18ca18c833a164a27a203"
            "32ca2cba2695858c655cc620e36919033292992c2f2fc15a1d841a80ae"
        ),
    ),
    "words, level 19": (
        WORDS,
        (
            "28b52ffd04680d030062051012b0b9016fd0610924958ad0965c49b930e004bb7ca779db8c78651e"
            "a8cb42dff9eb7f3b154f8c4c6ddccb8063fc98c7dffea6e25effc03a0615164450a5911428a8204a"
            "b7bf01b05b0310142111e60331b9b0f9450e1c8921fbad139052841a80ae"
        ),
    ),
    "bytes in order, level 3": (
        bytes(range(64)) * 9 + WORDS,
        (
            "28b52ffd04589d0600f208211fd064cb01502958a537530df0c5037c31fcbf774544a40de37b4ade"
            "7c798327ff2f559df5a7dc6d9732ee4be8cddafd937d1546669fcf1b632fabec9ffdecfb3a5bbb81"
            "1c0ee023f0a027f015dc026c35da4c169b32be37af4298f772b5582b550a75329548a34e14027d3c"
            "1dce4693c15c2c15ca4412813c1c0dc64291401c0c05c2202920a0e3e40104967119cb58c6652c63"
            "1997b18ca86342599051669dec6e87655cc6329671190719473b166e27b20332caccbb26c942c664"
            "2ce397f1988c01196546969297185681fe412551910731a5"
        ),
    ),
    "bytes in order, level 19": (
        bytes(range(64)) * 9 + WORDS,
        (
            "28b52ffd046885050052c9201bd0b61ca018f2600fa3d4c328db5f7b57444422dcbd75f7ffffd716"
            "ff52d5597fcadd7629e3facbd07b72ebecfec9be1a46669ffbca1b63f7b2cafed9cfbeafb3f5dbdd"
            "6cb81a0f0c415dad47cbcd6431d8cb35657c6f5e0d5b206ba54aa14ea61269240a81be8fa7c3d968"
            "32988ba5429948229087a3c15828128883a1401808028029a831247bbfeb1da05b8b011138040d61"
            "f6f5ffff0c59c403ae71bb62049b9a3008b21705fa07355501910731a5"
        ),
    ),
}
EVERY = [pytest.param(whole, bytes.fromhex(frame), id=n) for n, (whole, frame) in FRAMES.items()]


@pytest.mark.parametrize(("whole", "frame"), EVERY)
def test_a_frame_is_unpacked(whole: bytes, frame: bytes) -> None:
    assert decompress(frame, 1 << 20) == whole


@pytest.mark.parametrize(("whole", "frame"), EVERY)
def test_no_cut_of_a_frame_is_whole(whole: bytes, frame: bytes) -> None:
    for length in range(len(frame) - 4):  # the checksum at its end is not looked at
        with pytest.raises(DamagedError):
            decompress(frame[:length], 1 << 20)


@pytest.mark.parametrize(("whole", "frame"), EVERY)
def test_no_bytes_do_anything_but_damage(whole: bytes, frame: bytes) -> None:
    source = random.Random(len(frame))
    for _ in range(1000):
        data = bytearray(frame)
        data[source.randrange(4, len(data))] = source.randrange(256)
        with suppress(DamagedError):
            decompress(bytes(data), 1 << 16)


def test_a_bomb_is_cut_short() -> None:
    block = (1 | 1 << 1 | 0x1FFFFF << 3).to_bytes(3, "little") + b"x"
    with pytest.raises(DamagedError, match="larger than it may be"):
        decompress(b"\x28\xb5\x2f\xfd\x00\x58" + block, 1000)
