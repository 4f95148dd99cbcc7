"""Metric files: growing, rewritten, cut and damaged."""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib

import pytest

from trainwatch import facts
from trainwatch.read.files.tfevents import masked_crc
from trainwatch.read.reader import Reader
from trainwatch.read.records import Key, Metrics

Told = list[tuple[str, str, float, int, float]]


def told(records: list[object]) -> Told:
    """split, name, value, step and epoch (-1 where none) of every number."""
    return [
        (key.split, key.name, column[row], step, -1 if math.isnan(epoch) else epoch)
        for record in records
        if isinstance(record, Metrics)
        for row, (step, epoch) in enumerate(zip(record.steps, record.epochs, strict=True))
        for key, column in zip(record.keys, record.columns, strict=True)
    ]


class Disk:
    """A file that a reader follows, as the probe sends it."""

    def __init__(self, path: str, head: int = 1 << 20) -> None:
        self.path, self.head, self.reader = path, head, Reader()

    def write(self, data: bytes) -> Told:
        """The file now holds ``data``; everything that is asked for is answered."""
        records = self.send(0, data[: self.head], len(data))
        while requests := self.reader.requests():
            for request in requests:
                assert isinstance(request, facts.Read)
                part = data[request.offset : request.offset + request.length]
                records += self.send(request.offset, part, len(data))
        return told(records)

    def send(self, offset: int, data: bytes, size: int) -> list[object]:
        return self.reader.feed(facts.FileBytes(self.path, offset, data, size, 1.0, 2.0))


# --- files of lines -------------------------------------------------------------------------


def test_json_lines_as_they_grow() -> None:
    disk = Disk("/out/trainer_log.jsonl")
    first = b'{"current_steps": 10, "total_steps": 30, "loss": 1.25, "lr": 3e-05, "epoch": 0.5}\n'
    second = b'{"current_steps": 20, "total_steps": 30, "eval_loss": 1.5, "epoch": 1.0}\n'
    assert disk.write(first + second[:30]) == [
        ("train", "loss", 1.25, 10, 0.5),
        ("train", "learning_rate", 3e-05, 10, 0.5),
    ]
    assert disk.write(first + second) == [("eval", "loss", 1.5, 20, 1.0)]
    assert disk.write(first + second) == []


def test_a_large_file_is_asked_for_in_parts() -> None:
    lines = b"".join(b'{"step": %d, "loss": %d.5}\n' % (i, i) for i in range(2_000))
    disk = Disk("/out/metrics.jsonl", head=1000)
    assert [point[3] for point in disk.write(lines)] == list(range(2_000))


def test_sparse_rows_stay_in_their_columns() -> None:
    # Lightning's CSVLogger
    text = b"epoch,step,train_loss_epoch,train_loss_step,val_loss\n0,3,,0.5,\n0,3,,,0.625\n0,3,0.75,,\n"
    assert Disk("/logs/version_0/metrics.csv").write(text) == [
        ("train", "loss", 0.5, 3, 0),
        ("eval", "loss", 0.625, 3, 0),
        ("train", "loss_epoch", 0.75, 3, 0),
    ]


def test_a_file_that_is_written_anew_with_another_column_is_read_anew() -> None:
    disk = Disk("/logs/version_0/metrics.csv")
    assert disk.write(b"epoch,step,train_loss\n0,3,0.5\n") == [("train", "loss", 0.5, 3, 0)]
    again = disk.write(b"epoch,step,train_loss,val_loss\n0,3,0.5,\n0,4,,0.625\n")
    assert again == [("train", "loss", 0.5, 3, 0), ("eval", "loss", 0.625, 4, 0)]


def test_equal_numbers_in_a_file_are_no_repetition() -> None:
    rows = b"".join(b"%d,0.512,0.613\n" % i for i in range(5))
    points = Disk("/x/log.csv").write(b"step,loss,val_loss\n" + rows)
    assert len(points) == 10


def test_keras_counts_epochs_from_zero_in_its_file() -> None:
    text = (
        b"epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,0.75,0.25,0.875\n1,0.5,0.5,0.25,0.75\n"
    )
    points = Disk("/x/training.csv").write(text)
    assert [(p[1], p[4]) for p in points if p[0] == "eval"] == [
        ("accuracy", 1), ("loss", 1), ("accuracy", 2), ("loss", 2),
    ]  # fmt: skip


def test_the_name_of_a_file_tells_its_split() -> None:
    # CatBoost
    assert Disk("/catboost_info/learn_error.tsv").write(b"iter\tLogloss\n0\t0.5\n") == [
        ("train", "loss", 0.5, 0, -1)
    ]
    assert Disk("/catboost_info/test_error.tsv").write(b"iter\tLogloss\n0\t0.5\n") == [
        ("eval", "loss", 0.5, 0, -1)
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log.txt", b"step 5 loss 0.5\n"),
        ("results.csv", b"name,city,zip\na,b,12345\n"),
        ("metrics.json", b"\0\1\2\3" * 100),
        ("metrics.jsonl", b"[" * 100_000 + b"\n"),
        ("history.csv", b""),
    ],
)
def test_other_files_of_such_names_are_left_alone(name: str, data: bytes) -> None:
    assert Disk(f"/x/{name}").write(data) == []


# --- TensorBoard ----------------------------------------------------------------------------

# One point that tensorboardX 2.6.5 wrote: acc 0.4 at step 3.
EVENTS = base64.b64decode(
    "GAAAAAAAAACjf0siCXIjYBLhwNpBGg1icmFpbi5FdmVudDoy3ahv2BkAAAAAAAAAi/EIKAnB2V8S4cDaQRADKgwKCgoDYWNjFc3MzD5nkONC"
)
EVENTS_NAME = "events.out.tfevents.1795392585.vm"


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def event(step: int, tag: str, value: bytes) -> bytes:
    """One TFRecord with one scalar; ``value`` is the field that holds it."""
    summary = field(1, field(1, tag.encode()) + value)
    data = b"\x09" + struct.pack("<d", 1.0) + b"\x10" + varint(step) + field(5, summary)
    length = struct.pack("<Q", len(data))
    check = struct.pack("<I", masked_crc(length))
    return length + check + data + struct.pack("<I", masked_crc(data))


def simple(value: float) -> bytes:
    return b"\x15" + struct.pack("<f", value)


def tensor(value: float) -> bytes:
    return field(8, b"\x08\x01" + field(4, struct.pack("<f", value)))


def test_what_a_real_writer_wrote() -> None:
    (point,) = Disk(f"/runs/acc/val/{EVENTS_NAME}").write(EVENTS)
    assert point == ("eval", "accuracy", struct.unpack("<f", struct.pack("<f", 0.4))[0], 3, -1)


@pytest.mark.parametrize(
    ("folder", "split"),
    [("val", "eval"), ("loss_val", "eval"), ("sft-eval-every-100", "train"), ("test-run", "train")],
)
def test_a_folder_tells_a_split_when_it_is_called_after_one(folder: str, split: str) -> None:
    data = event(10, "loss", simple(0.5))
    assert Disk(f"/runs/{folder}/{EVENTS_NAME}").write(data) == [(split, "loss", 0.5, 10, -1)]


def test_the_trainers_own_history_is_of_no_folders_split() -> None:
    history = b'{"log_history": [{"loss": 0.5, "epoch": 1.0, "step": 10}]}'
    (point,) = Disk("/runs/test/trainer_state.json").write(history)
    assert point[:2] == ("train", "loss")


def test_both_forms_of_a_scalar_at_any_cut() -> None:
    data = event(10, "train/loss", simple(0.5)) + event(10, "eval/loss", tensor(0.25))
    data += event(1, "epoch_accuracy", tensor(0.75))
    whole = [
        ("train", "loss", 0.5, 10, -1),
        ("eval", "loss", 0.25, 10, -1),
        ("train", "accuracy", 0.75, -1, 2),
    ]
    for cut in range(0, len(data), 5):
        disk = Disk(f"/runs/{EVENTS_NAME}")
        assert disk.write(data[:cut]) + disk.write(data) == whole


def test_a_damaged_record_is_passed_over_and_a_lost_length_ends_it() -> None:
    good = event(1, "loss", simple(1.0))
    bad = bytearray(good)
    bad[-1] ^= 1
    assert len(Disk(f"/runs/{EVENTS_NAME}").write(good + bytes(bad) + good)) == 2
    bad = bytearray(good)
    bad[0] ^= 1
    assert len(Disk(f"/runs/{EVENTS_NAME}").write(good + bytes(bad) + good)) == 1


def test_an_event_file_can_be_the_target_itself() -> None:
    reader, source = Reader(), f"/runs/{EVENTS_NAME}"
    records = reader.feed(facts.Chunk(source, 0, EVENTS[:50], 1.0))
    records += reader.feed(facts.Chunk(source, 50, EVENTS[50:], 2.0))
    assert [point[1] for point in told(records)] == ["accuracy"]


# --- Weights & Biases -----------------------------------------------------------------------


def offline(*records: bytes, block: int = 32 << 10) -> bytes:
    """An offline log with these records, cut where a block ends."""
    out = bytearray(b":W&B\xe1\xbe\0")
    for record in records:
        parts, rest, first = [], record, True
        while True:
            left = block - len(out) % block
            if left < 7:
                out += bytes(left)
                left = block
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            parts.append(kind)
            out += struct.pack("<IHB", zlib.crc32(bytes((kind,)) + part), len(part), kind) + part
            first = False
            if not rest:
                break
    return bytes(out)


def history(**values: object) -> bytes:
    items = b"".join(
        field(1, field(1, key.replace("__", "/").encode()) + varint(16 << 3 | 2)
              + varint(len(json.dumps(value))) + json.dumps(value).encode())
        for key, value in values.items()
    )  # fmt: skip
    return field(2, items)


def test_an_offline_log_tells_its_history() -> None:
    data = offline(
        history(_step=0, train__loss=0.5, train__global_step=10, note="x"),
        history(_step=1, eval__loss=float("nan"), train__global_step=10, flag=True),
        field(17, b"run"),
    )
    points = Disk("/w/offline-run-1/run-abc.wandb").write(data)
    assert [p[:2] + p[3:4] for p in points] == [("train", "loss", 10), ("eval", "loss", 10)]
    assert (points[0][2], math.isnan(points[1][2])) == (0.5, True)


def test_records_over_block_borders_at_any_cut() -> None:
    records = [history(_step=i, loss=i + 0.5, pad="x" * 9_000) for i in range(12)]
    data = offline(*records)
    whole = [("train", "loss", i + 0.5, i, -1) for i in range(12)]
    for cut in range(0, len(data), 6_007):
        disk = Disk("/w/run-abc.wandb")
        assert disk.write(data[:cut]) + disk.write(data) == whole


def test_damage_costs_only_its_record() -> None:
    data = bytearray(offline(*(history(_step=i, loss=i + 0.5) for i in range(3))))
    data[7 + 7 + 12] ^= 1
    assert [p[3] for p in Disk("/w/run-abc.wandb").write(bytes(data))] == [1, 2]
    assert Disk("/w/run-abc.wandb").write(b"no such thing" * 100) == []


def test_tallies_name_file_format_rows_and_points() -> None:
    disk = Disk("/x/metrics.jsonl")
    disk.write(b'{"step": 1, "loss": 2.5, "lr": 0.1}\n')
    assert disk.reader.tallies == [("/x/metrics.jsonl", "lines", 1, 2)]


def test_keys_keep_the_spelling_of_the_file() -> None:
    records = Disk("/x/log.csv").send(0, b"step,val_loss\n1,0.5\n", 20)
    assert [r.keys for r in records if isinstance(r, Metrics)] == [
        (Key("loss", "eval", None, "val_loss"),)
    ]
