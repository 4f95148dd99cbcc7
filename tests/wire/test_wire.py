"""Whatever a peer sends: facts or WireError. Runs without pytest, on Python 3.6 as well."""

import json
import random
import struct
import tracemalloc
from typing import Any, List

from trainwatch import facts, wire

NOW = 1763800000.5

SAMPLES: List[Any] = [
    facts.Hello(wire.VERSION, "0.1.0", "3.6.15", "gpu-box", "Linux", "", 4211, NOW),
    facts.Target("run", "bcd234", "sft", ["python", "t.py"], "/w", "h", "u", 7, None, ["output.log"], ["/w/out"], "", NOW),
    facts.Chunk("output.log", 0, b"{'loss': 1.0}\n", NOW),
    facts.Chunk("output.log", 1 << 40, b"", NOW),
    facts.Gap("output.log", 0, "truncated", NOW),
    facts.CaughtUp(NOW),
    facts.Listing("/w/out", [facts.Entry("checkpoint-1", "folder", 0, 0, NOW, 5, 2)], True, NOW),
    facts.FileBytes("/w/out/trainer_state.json", 0, bytes(range(256)), 256, NOW, NOW),
    facts.DeviceReading("nvidia", 0, "GPU-1", "H200", 0.98, 1, 2, None, 700.0, 64.0, ["power cap"], [facts.GpuProcess(7, None)], [("fan", "not supported")], False, NOW),
    facts.ProcessReading(7, "running", 4.12, 1 << 30, [7, 8], NOW),
    facts.MachineReading(16, None, 1, 2, "/w", None, None, NOW),
    facts.Part("0123456789abcdef", [0, 1], 4, NOW),
    facts.Nodes("12", ["gpu1", "gpu2"], "gpu1", NOW),
    facts.Ended(None, 9, "oom", NOW),
    facts.Trouble("devices", "no driver", "install it", NOW),
    facts.Runs([facts.RunSeen("b", "", [], "/", "h", None, "unknown", None, None, "", None, None, "/log")], NOW),
    facts.Answer(True, False, "SIGINT sent", NOW),
    facts.FileChecked("1", "model.safetensors", 20, 7, "", [facts.TensorChecked("w", "F32", [3], 12, 9, 0, 1)], NOW),
    facts.JobStep(facts.Job("1", "verify", "/w", []), 10, 20, "model.safetensors", NOW),
    facts.JobEnded("1", False, "it is gone", "", 0, NOW),
    facts.Pong(NOW),
    facts.Watch("", ["checkpoint-*"], [facts.Want("*.json", 65536, 0)], [facts.Resume("output.log", 9, "\xff\n")], True),
    facts.Read("/w/a", 0, 1024),
    facts.Visit("out"),
    facts.ListRuns(),
    facts.Stop("b", False, 30.0),
    facts.Launch(["python", "t.py"], "/w", "", False),
    facts.Job("1", "discard", "/w/out/checkpoint-1", ["optimizer.pt"]),
    facts.Cancel("1"),
    facts.Modules(b"\x78\x9c"),
    facts.Ping(),
    facts.Bye(),
]  # fmt: skip


def frame(header: bytes, raw: bytes = b"") -> bytes:
    return struct.pack(">II", len(header), len(raw)) + header + raw


def header_part(data: bytes) -> bytes:
    return data[8 : 8 + struct.unpack_from(">I", data)[0]]


def header_of(name: str, *values: Any) -> bytes:
    return json.dumps([name, list(values)]).encode("ascii")


def broken(data: bytes) -> str:
    """The words of the WireError that the bytes must give."""
    decoder = wire.Decoder(magic=False)
    try:
        found = decoder.feed(data)
        decoder.finish()
    except wire.WireError as error:
        return str(error)
    raise AssertionError("accepted: {!r}".format(found))


def test_every_fact_comes_back_as_it_was() -> None:
    named = {kind for kind, _ in wire._KINDS.items()}
    parts = {"Entry", "GpuProcess", "RunSeen", "Want", "Resume", "TensorChecked"}
    assert named - parts == {type(fact).__name__ for fact in SAMPLES}, "a fact without a sample"
    decoder = wire.Decoder(magic=False)
    for fact in SAMPLES:
        (back,) = decoder.feed(wire.encode(fact))
        assert back == fact
        assert type(back) is type(fact)
        assert [type(v) for v in back] == [type(v) for v in fact]
    decoder.finish()


def test_nested_values_have_their_own_types() -> None:
    listing, reading = SAMPLES[6], SAMPLES[8]
    back = wire.Decoder(magic=False).feed(wire.encode(listing) + wire.encode(reading))
    assert type(back[0].entries[0]) is facts.Entry
    assert type(back[1].processes[0]) is facts.GpuProcess
    assert type(back[1].faults[0]) is tuple


def test_any_chunking_gives_the_same_facts() -> None:
    stream = wire.MAGIC + b"".join(map(wire.encode, SAMPLES))
    dice = random.Random(1)
    for most in (1, 2, 7, 100, 5000):
        decoder, start = wire.Decoder(), 0
        found: List[Any] = []
        while start < len(stream):
            step = dice.randint(1, most)
            found += decoder.feed(stream[start : start + step])
            start += step
        decoder.finish()
        assert found == SAMPLES


def test_paths_that_are_no_text_survive() -> None:
    path = b"/w/\xff\xfe\x80 caf\xc3\xa9 \n\x1b[2J".decode("utf-8", "surrogateescape")
    (back,) = wire.Decoder(magic=False).feed(wire.encode(facts.Read(path, 0, 1)))
    assert back.path == path
    assert back.path.encode("utf-8", "surrogateescape").startswith(b"/w/\xff\xfe\x80")


def test_three_megabytes_of_noise_arrive_unchanged() -> None:
    dice = random.Random(2)
    noise = bytes(bytearray(dice.getrandbits(8) for _ in range(1 << 16))) * 48
    stream = wire.encode(facts.FileBytes("/w", 0, noise, len(noise), NOW, NOW))
    decoder = wire.Decoder(magic=False)
    found: List[Any] = []
    for start in range(0, len(stream), 65536):
        found += decoder.feed(stream[start : start + 65536])
    assert found[0].data == noise


def test_facts_before_a_broken_frame_are_not_lost_in_any_chunking() -> None:
    good = wire.encode(SAMPLES[0]) + wire.encode(SAMPLES[2])
    stream = good + frame(b"garbage") + wire.encode(SAMPLES[1])
    for size in (1, 3, 50, len(stream)):
        decoder, said = wire.Decoder(magic=False), ""
        found: List[Any] = []
        for start in range(0, len(stream), size):
            try:
                found += decoder.feed(stream[start : start + size])
            except wire.WireError as error:
                said = said or str(error)
        try:
            decoder.finish()
        except wire.WireError as error:
            said = said or str(error)
        assert found == [SAMPLES[0], SAMPLES[2]]
        assert "garbage" in said


def test_a_stream_that_begins_otherwise_is_refused_at_its_first_wrong_byte() -> None:
    for noise in (b"W", b"\0\0TW2\n", b"Permission denied", b"\0" * 6):
        try:
            wire.Decoder().feed(noise)
        except wire.WireError:
            continue
        raise AssertionError(noise)
    assert wire.Decoder().feed(wire.MAGIC[:3]) == []


def test_a_cut_stream_says_so_only_where_it_is_cut() -> None:
    stream = wire.MAGIC + wire.encode(SAMPLES[1])
    for cut in range(1, len(stream)):
        decoder = wire.Decoder()
        assert decoder.feed(stream[:cut]) == []
        try:
            decoder.finish()
        except wire.WireError:
            continue
        assert cut == len(wire.MAGIC)


MALFORMED = [
    b"", b"\xff", b"null", b"[]", b"{}", b'"Ping"', b'["Ping"]', b'["Ping",{}]', b'["Ping",null]', b'["Ping",[],1]',
    b'[["Ping"],[]]', b"[null,[]]", b'["Nothing",[]]', b'["NamedTuple",[]]', b'["List",[]]', b'["__doc__",[]]',
    b'["Ping",[1]]', b'["Ping",[]]x', b'{"Ping":1,"b":2}', b'["Pong",[]]', b'["Pong",["1"]]', b'["Pong",[null]]',
    b'["Pong",[true]]', b'["Pong",[1e400]]', b'["Pong",[-1e400]]', b'["Pong",[Infinity]]', b'["Pong",[[1]]]',
    b'["Read",["/",0,1.5]]', b'["Read",["/",true,1]]', b'["Read",[1,0,1]]', b'["Read",["/",9223372036854775808,1]]',
    b'["Read",["/",' + b"9" * 5000 + b",1]]", b"[" * 100000, b'["Pong",[' + b"[" * 900 + b"]" * 900 + b"]]",
    b'["Chunk",["a",0,"text",1]]', b'["Chunk",["a",0,[1],1]]', b'["Chunk",["a",0,1]]',
    b'["Listing",["/",[["a","file"]],true,1]]', b'["Listing",["/",[{}],true,1]]', b'["Listing",["/",{},true,1]]',
    b'["Listing",["/",[],1,1]]', b'["Listing",["/",[],null,1]]', b'["Watch",["",[1],[],[],false]]',
    b'["Watch",["",[],[["*",1]],[],false]]', b'["Watch",["",[],[],[["a","b","c"]],false]]',
    b'["Ended",["1",null,"",1]]', b'["DeviceReading",["n",0,"","",null,null,null,null,null,null,[],[],[["a"]],false,1]]',
]  # fmt: skip


def test_every_malformed_header_is_a_wire_error_and_nothing_else() -> None:
    for header in MALFORMED:
        said = broken(frame(header))
        assert said
        assert len(said) < 600, said


def test_bytes_on_a_fact_that_carries_none_are_refused() -> None:
    assert "Ping" in broken(frame(header_of("Ping"), b"x"))


def test_every_field_of_every_fact_refuses_every_wrong_type() -> None:
    wrong: List[Any] = [None, True, 1, 1.5, "x", [], {}, [[]], ["x"], [1], [None], {"a": 1}]
    refused = accepted = 0
    for fact in SAMPLES:
        name, fields = json.loads(header_part(wire.encode(fact)).decode("ascii"))
        for index in range(len(fields)):
            for value in wrong:
                lie = [*fields[:index], value, *fields[index + 1 :]]
                raw = fact.data if "data" in fact._fields else b""
                try:
                    found = wire.Decoder(magic=False).feed(frame(header_of(name, *lie), raw))
                except wire.WireError:
                    refused += 1
                    continue
                accepted += 1
                assert is_sound(found[0])
    assert refused > 5 * accepted > 0


def is_sound(fact: Any) -> bool:
    """What was accepted can be sent again and gives the same fact."""
    return wire.Decoder(magic=False).feed(wire.encode(fact)) == [fact]


def test_random_damage_gives_facts_or_a_wire_error() -> None:
    dice = random.Random(3)
    stream = bytearray(b"".join(map(wire.encode, SAMPLES)))
    for _ in range(3000):
        damaged = bytearray(stream)
        for _ in range(dice.randint(1, 8)):
            damaged[dice.randrange(len(damaged))] = dice.getrandbits(8)
        decoder = wire.Decoder(magic=False)
        try:
            for start in range(0, len(damaged), 500):
                decoder.feed(bytes(damaged[start : start + 500]))
            decoder.finish()
        except wire.WireError:
            pass


def test_lengths_over_the_limit_are_refused_before_anything_is_kept() -> None:
    for lengths in ((wire.MAX_HEADER + 1, 0), (2, wire.MAX_RAW + 1), (0xFFFFFFFF, 0xFFFFFFFF)):
        assert "limit" in broken(struct.pack(">II", *lengths))


def test_after_an_error_nothing_is_kept_and_every_call_says_it_again() -> None:
    decoder = wire.Decoder(magic=False)
    for _ in range(50):
        try:
            decoder.feed(frame(b"no") + b"x" * 100000)
        except wire.WireError:
            continue
        raise AssertionError
    assert len(decoder._pending) < 200000


def test_an_endless_frame_holds_no_more_than_its_cap() -> None:
    tracemalloc.start()
    decoder = wire.Decoder(magic=False)
    decoder.feed(struct.pack(">II", 2, wire.MAX_RAW))
    sent = 0
    try:
        while sent < 3 * wire.MAX_RAW:
            decoder.feed(b"\0" * 65536)
            sent += 65536
    except wire.WireError:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent < wire.MAX_RAW + (2 << 20)
    assert peak < 3 * (wire.MAX_RAW + wire.MAX_HEADER)


def test_a_bomb_of_brackets_is_bounded() -> None:
    tracemalloc.start()
    bomb = b'["Pong",[' + b"[]," * ((wire.MAX_HEADER - 20) // 3) + b"1]]"
    assert broken(frame(bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


def test_what_is_over_the_limit_is_not_sent() -> None:
    for fact in (
        facts.FileBytes("/", 0, b"\0" * (wire.MAX_RAW + 1), 0, NOW, NOW),
        facts.Trouble("x", "y" * (wire.MAX_HEADER + 1), "", NOW),
    ):
        try:
            wire.encode(fact)
        except wire.WireError:
            continue
        raise AssertionError
