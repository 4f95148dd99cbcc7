"""Work on checkpoints: what is read, kept, thrown away; and what must never happen to a live one."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import random
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from trainwatch import facts
from trainwatch.probe.jobs import Jobs, floats, keep, trash, verify
from trainwatch.probe.jobs.progress import CancelledError, Progress

# What torch 2.13 pickles for {"layer.weight": three floats, "half": two bfloat16}.
PICKLE = (
    b"\x80\x02}q\x00(X\x0c\x00\x00\x00layer.weightq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X"
    b"\x07\x00\x00\x00storageq\x03ctorch\nFloatStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00"
    b"cpuq\x06K\x03tq\x07QK\x00K\x03\x85q\x08K\x01\x85q\t\x89ccollections\nOrderedDict\nq\n)Rq\x0bt"
    b"q\x0cRq\rX\x04\x00\x00\x00halfq\x0eh\x02((h\x03ctorch\nBFloat16Storage\nq\x0fX\x01\x00\x00\x00"
    b"1q\x10h\x06K\x02tq\x11QK\x00K\x02\x85q\x12K\x01\x85q\x13\x89h\n)Rq\x14tq\x15Rq\x16u."
)


def safetensors(*values: float, dtype: str = "F32", name: str = "w") -> bytes:
    data = struct.pack(f"<{len(values)}{'f' if dtype == 'F32' else 'd'}", *values)
    span = {"dtype": dtype, "shape": [len(values)], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"format": "{pt}"}, name: span}).encode()
    return struct.pack("<Q", len(header)) + header + data


def torch_bytes(values: tuple[float, ...] = (1.0, 2.0, 3.0), *, zipped: bool = False) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED if zipped else 0) as archive:
        archive.writestr("archive/data.pkl", PICKLE, zipfile.ZIP_STORED)
        archive.writestr("archive/data/0", struct.pack("<3f", *values))
        archive.writestr("archive/data/1", b"\x80\x3f\x00\x40")
    return made.getvalue()


@pytest.fixture
def checkpoint(tmp_path: Path, state: Path) -> Path:
    folder = tmp_path / "out" / "checkpoint-10"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors(1.0, 2.0, -3.0))
    (folder / "optimizer.pt").write_bytes(torch_bytes())
    (folder / "trainer_state.json").write_text('{"global_step": 10}')
    for name in os.listdir(folder):
        os.utime(folder / name, (1e9, 1e9))
    os.utime(folder, (1e9, 1e9))
    return folder


class Client:
    """Asks for jobs and waits for them."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.jobs = Jobs(self.said.append)
        self._count = 0

    def ask(self, action: str, path: Path | str, *names: str) -> str:
        self._count += 1
        self.jobs.add(facts.Job(str(self._count), action, str(path), list(names)))
        return str(self._count)

    def ended(self, job: str) -> facts.JobEnded:
        until(lambda: [f for f in self.said if isinstance(f, facts.JobEnded) and f.job == job])
        return next(f for f in self.said if isinstance(f, facts.JobEnded) and f.job == job)

    def do(self, action: str, path: Path | str, *names: str) -> facts.JobEnded:
        return self.ended(self.ask(action, path, *names))

    @property
    def files(self) -> dict[str, facts.FileChecked]:
        return {fact.path: fact for fact in self.said if isinstance(fact, facts.FileChecked)}


@pytest.fixture
def client(state: Path) -> Iterator[Client]:
    made = Client()
    yield made
    made.jobs.finish()


# --- numbers that are none ------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "code"), [("F32", "f"), ("F64", "d"), ("F16", "e")])
def test_nan_and_inf_are_counted_among_all_other_numbers(dtype: str, code: str) -> None:
    chance = random.Random(dtype)
    values = [chance.uniform(-6e4, 6e4) for _ in range(2000)] + [0.0, -0.0]
    values += [math.nan] * 3 + [math.inf, -math.inf]
    chance.shuffle(values)
    assert floats.broken(dtype, struct.pack(f"<{len(values)}{code}", *values)) == (3, 2)


def test_every_half_precision_number_is_judged_as_struct_judges_it() -> None:
    for code in range(1 << 16):
        data = struct.pack("<H", code)
        value = struct.unpack("<e", data)[0]
        assert floats.broken("F16", data) == (int(math.isnan(value)), int(math.isinf(value)))
        wide = struct.unpack("<f", b"\0\0" + data)[0]
        assert floats.broken("BF16", data) == (int(math.isnan(wide)), int(math.isinf(wide)))


def test_the_largest_finite_numbers_are_no_infinities() -> None:
    assert floats.broken("F32", b"\xff\xff\x7f\x7f" * 5) == (0, 0)
    assert floats.broken("F64", b"\xff\xff\xff\xff\xff\xff\xef\x7f") == (0, 0)


# --- verify ---------------------------------------------------------------------------------


def test_a_whole_checkpoint_is_read_to_the_last_byte(client: Client, checkpoint: Path) -> None:
    ended = client.do("verify", checkpoint)
    assert (ended.ok, ended.text) == (True, "3 files read to the last byte")
    assert {f.fault for f in client.files.values()} == {""}
    data = (checkpoint / "model.safetensors").read_bytes()
    model = client.files["model.safetensors"]
    assert model.crc == zlib.crc32(data)
    assert model.tensors == [facts.TensorChecked("w", "F32", [3], 12, zlib.crc32(data[-12:]), 0, 0)]
    names = [(t.name, t.dtype, t.shape) for t in client.files["optimizer.pt"].tensors]
    assert names == [("layer.weight (data/0)", "F32", [3]), ("half (data/1)", "BF16", [2])]


@pytest.mark.parametrize("zipped", [False, True])
def test_numbers_that_are_none_are_found_in_an_archive(
    client: Client, checkpoint: Path, zipped: bool
) -> None:
    data = torch_bytes((math.nan, 1.0, math.inf), zipped=zipped)
    (checkpoint / "optimizer.pt").write_bytes(data)
    assert client.do("verify", checkpoint).ok
    tensor = client.files["optimizer.pt"].tensors[0]
    assert (tensor.nans, tensor.infinities) == (1, 1)


def test_any_flipped_bit_of_an_archive_is_found(client: Client, checkpoint: Path) -> None:
    whole = bytearray((checkpoint / "optimizer.pt").read_bytes())
    at = whole.index(struct.pack("<f", 2.0))
    whole[at] ^= 1
    (checkpoint / "optimizer.pt").write_bytes(bytes(whole))
    assert not client.do("verify", checkpoint).ok
    assert "Bad CRC-32" in client.files["optimizer.pt"].fault


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_every_cut_is_a_fault(client: Client, checkpoint: Path, name: str) -> None:
    whole = (checkpoint / name).read_bytes()
    for length in range(0, len(whole), max(len(whole) // 20, 1)):
        (checkpoint / name).write_bytes(whole[:length])
        client.said.clear()
        ended = client.do("verify", checkpoint)
        # An archive that is empty is no archive any more: its name promises nothing to the probe.
        assert ended.ok is (name == "optimizer.pt" and length < 4), (length, ended)


HEADERS = {
    "length of 2^60": struct.pack("<Q", 1 << 60) + b"{}",
    "no object": struct.pack("<Q", 2) + b"[]",
    "a million brackets": struct.pack("<Q", 1 << 20) + b"[" * (1 << 20),
    "goes on": struct.pack("<Q", 4) + b"{}{}",
    "a hole": safetensors(1.0, 2.0).replace(b"[0, 8]", b"[4, 8]"),
    "a lie": safetensors(1.0, 2.0).replace(b"[0, 8]", b"[0, 4]"),
    "behind itself": safetensors(1.0, 2.0).replace(b"[0, 8]", b"[8, 0]"),
    "no numbers": safetensors(1.0, 2.0).replace(b"[0, 8]", b'["",8]'),
    "longer": safetensors(1.0) + b"x",
}


@pytest.mark.parametrize("data", HEADERS.values(), ids=HEADERS)
def test_a_header_that_lies_is_a_fault_and_costs_nothing(
    client: Client, checkpoint: Path, data: bytes
) -> None:
    (checkpoint / "model.safetensors").write_bytes(data)
    began = time.monotonic()
    assert not client.do("verify", checkpoint).ok
    assert client.files["model.safetensors"].fault
    assert time.monotonic() - began < 5


def test_an_archive_that_claims_to_be_huge_is_not_expanded(
    client: Client, checkpoint: Path
) -> None:
    with zipfile.ZipFile(checkpoint / "optimizer.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1 << 20))
    data = bytearray((checkpoint / "optimizer.pt").read_bytes())
    for at in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data[at : at + 4] = struct.pack("<I", 0xF0000000)
    (checkpoint / "optimizer.pt").write_bytes(bytes(data))
    assert not client.do("verify", checkpoint).ok
    assert "claims to expand" in client.files["optimizer.pt"].fault


def test_a_pickle_is_never_run(client: Client, checkpoint: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(checkpoint / "optimizer.pt", "w") as archive:
        command = f"touch {tmp_path}/owned"
        evil = b"cos\nsystem\n(S'" + command.encode() + b"'\ntR."
        archive.writestr("archive/data.pkl", evil)
    client.do("verify", checkpoint)
    assert not (tmp_path / "owned").exists()


def test_a_link_is_named_and_not_followed(client: Client, checkpoint: Path) -> None:
    link = checkpoint.parent / "latest"
    link.symlink_to(checkpoint)
    ended = client.do("verify", link)
    assert not ended.ok
    assert "is a link" in ended.text


def test_a_pipe_does_not_hold_it_up(client: Client, checkpoint: Path) -> None:
    os.mkfifo(checkpoint / "fifo.safetensors")
    assert client.do("verify", checkpoint).ok
    os.mkfifo(checkpoint.parent / "checkpoint-1")
    assert (
        "neither a file nor a folder"
        in client.do("verify", checkpoint.parent / "checkpoint-1").text
    )


class Slow(Progress):
    """Stops at the first byte until it is let go on."""

    def __init__(self, said: list[Any]) -> None:
        super().__init__(facts.Job("1", "verify", "", []), said.append)
        self.reached, self.go = threading.Event(), threading.Event()

    def add(self, count: int) -> None:
        self.reached.set()
        assert self.go.wait(10)
        super().add(count)


def verifying(path: Path, meanwhile: Callable[[Slow], None]) -> list[Any]:
    """What is said when something happens while it is read."""
    said: list[Any] = []
    slow = Slow(said)
    job = facts.Job("1", "verify", str(path), [])

    def work() -> None:
        try:
            said.append(verify.verify(job, slow))
        except (OSError, CancelledError) as error:
            said.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert slow.reached.wait(10)
    meanwhile(slow)
    slow.go.set()
    thread.join(10)
    return said


def test_a_checkpoint_rotated_away_while_it_is_read_is_news_of_its_own(checkpoint: Path) -> None:
    def rotate(_: Slow) -> None:
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()

    assert isinstance(verifying(checkpoint, rotate)[-1], FileNotFoundError)


def test_a_file_that_changes_while_it_is_read_proves_nothing(checkpoint: Path) -> None:
    said = verifying(checkpoint, lambda _: os.utime(checkpoint / "model.safetensors"))
    assert [f.fault for f in said if isinstance(f, facts.FileChecked) and f.fault] == [
        "it changed while it was read"
    ]


def test_it_ends_at_the_next_block_when_nobody_wants_it_any_more(checkpoint: Path) -> None:
    def cancel(slow: Slow) -> None:
        slow.cancelled = True

    assert isinstance(verifying(checkpoint, cancel)[-1], CancelledError)


def test_a_job_that_waits_can_be_forgotten(client: Client, checkpoint: Path) -> None:
    job = facts.Job("x", "verify", str(checkpoint), [])
    client.jobs._progress["x"] = Progress(job, client.said.append)
    client.jobs.cancel("x")
    client.jobs._waiting.put(job)
    client.do("verify", checkpoint)
    assert client.ended("x").text == "cancelled"


# --- keep -----------------------------------------------------------------------------------


def times(folder: Path) -> list[tuple[str, int]]:
    every = [folder, *sorted(folder.rglob("*"))]
    return [(p.name, p.lstat().st_mtime_ns) for p in every]


@pytest.mark.parametrize("action", ["keep", "copy"])
def test_a_kept_checkpoint_is_the_same_and_the_live_one_untouched(
    client: Client, checkpoint: Path, action: str
) -> None:
    before = times(checkpoint)
    ended = client.do(action, checkpoint)
    kept = checkpoint.parent / "kept" / "checkpoint-10"
    assert (ended.ok, ended.path) == (True, str(kept))
    assert times(checkpoint) == times(kept) == before
    for file in checkpoint.iterdir():
        assert (kept / file.name).read_bytes() == file.read_bytes()
    assert os.listdir(kept.parent) == ["checkpoint-10"]


def test_rotation_leaves_a_kept_checkpoint_alone(client: Client, checkpoint: Path) -> None:
    client.do("keep", checkpoint)
    data = (checkpoint / "model.safetensors").read_bytes()
    assert [p.name for p in checkpoint.parent.glob("checkpoint-*")] == ["checkpoint-10"]
    for file in checkpoint.iterdir():
        file.unlink()
    assert (checkpoint.parent / "kept/checkpoint-10/model.safetensors").read_bytes() == data


def test_a_single_file_is_not_linked_because_it_is_written_again_in_place(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "ckpt.pt"
    file.parent.mkdir()
    data = torch_bytes()
    file.write_bytes(data)
    assert client.do("keep", file).ok
    with file.open("r+b") as live:
        live.write(b"something else entirely")
    assert (tmp_path / "out/kept/ckpt.pt").read_bytes() == data


def test_what_is_kept_already_is_not_kept_again(client: Client, checkpoint: Path) -> None:
    client.do("keep", checkpoint)
    assert "exists already" in client.do("keep", checkpoint).text
    assert "is kept already" in client.do("keep", checkpoint.parent / "kept/checkpoint-10").text


def test_a_full_disk_leaves_nothing_behind(
    client: Client, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keep._Maker, "_copied", full)
    monkeypatch.setattr(keep, "_clone", lambda *_: False)
    ended = client.do("copy", checkpoint)
    assert ended.text == "the disk is full: nothing was kept, and nothing was left behind"
    assert os.listdir(checkpoint.parent) == ["checkpoint-10"]


# --- the trash ------------------------------------------------------------------------------


def test_what_is_thrown_away_comes_back_as_it_was(client: Client, checkpoint: Path) -> None:
    before = times(checkpoint)
    gone = client.do("discard", checkpoint)
    assert gone.ok
    assert not checkpoint.exists()
    assert not list(checkpoint.parent.glob("checkpoint-*"))
    assert client.do("restore", gone.path).ok
    assert times(checkpoint) == before
    assert os.listdir(checkpoint.parent) == ["checkpoint-10"]


def test_a_part_goes_and_the_time_of_the_folder_stays(client: Client, checkpoint: Path) -> None:
    before = times(checkpoint)
    gone = client.do("discard", checkpoint, "optimizer.pt")
    assert sorted(os.listdir(checkpoint)) == ["model.safetensors", "trainer_state.json"]
    assert checkpoint.stat().st_mtime_ns == before[0][1]
    assert client.do("restore", gone.path).ok
    assert times(checkpoint) == before


def test_the_trash_is_emptied_when_the_client_leaves(client: Client, checkpoint: Path) -> None:
    client.do("discard", checkpoint)
    client.jobs.finish()
    assert os.listdir(checkpoint.parent) == []


def test_the_trash_is_emptied_when_the_time_to_undo_is_over(
    client: Client, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "UNDO", 0.05)
    gone = client.do("discard", checkpoint)
    until(lambda: not os.listdir(checkpoint.parent))
    assert client.do("restore", gone.path).text == "it is gone for good"


def test_the_next_probe_removes_what_a_killed_one_left(
    state: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Client()  # it never finishes
    gone = killed.do("discard", checkpoint)
    trash.sweep_remembered()
    assert os.path.exists(gone.path)  # it may still be wanted back
    monkeypatch.setattr(trash, "UNDO", -1.0)
    trash.sweep_remembered()
    assert os.listdir(checkpoint.parent) == []


def test_it_does_so_as_soon_as_it_starts(
    state: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client().do("discard", checkpoint)
    monkeypatch.setattr(trash, "UNDO", -1.0)
    Jobs(lambda _: None)
    until(lambda: os.listdir(checkpoint.parent) == [])


def test_nothing_but_the_trash_is_ever_swept(
    state: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "UNDO", -1.0)
    (state / "trash").mkdir(parents=True)
    (state / "trash" / "forged").write_text(str(checkpoint.parent))
    (checkpoint.parent / trash.FOLDER).symlink_to(tmp_path)
    trash.sweep_remembered()
    assert checkpoint.exists()


def test_a_new_checkpoint_in_its_place_is_not_overwritten(client: Client, checkpoint: Path) -> None:
    gone = client.do("discard", checkpoint)
    checkpoint.mkdir()
    assert "there is a new checkpoint-10 now" in client.do("restore", gone.path).text


def test_what_a_link_beside_it_points_at_stays(client: Client, checkpoint: Path) -> None:
    (checkpoint.parent / "latest").symlink_to("checkpoint-10")
    assert client.do("discard", checkpoint).text == "checkpoint-10 is what latest points at"
    assert checkpoint.exists()


def test_what_a_process_has_open_stays(client: Client, checkpoint: Path) -> None:
    code = "import sys, time; f = open(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(checkpoint / "optimizer.pt")], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        ended = client.do("remove", checkpoint)
    finally:
        holder.kill()
        holder.communicate()
    assert ended.text == f"checkpoint-10 is open in process {holder.pid}: wait for it"
    assert checkpoint.exists()


@pytest.mark.parametrize("path", ["/", "/tmp", "relative/x", "/tmp/../etc/x"])
def test_what_is_no_place_of_a_checkpoint_stays(client: Client, path: str) -> None:
    ended = client.do("remove", path)
    assert not ended.ok
    assert os.path.exists("/tmp")


def test_freed_is_what_no_other_name_holds(client: Client, checkpoint: Path) -> None:
    client.do("keep", checkpoint)
    ended = client.do("remove", checkpoint)
    assert (ended.ok, ended.freed) == (True, 0)
    ended = client.do("remove", checkpoint.parent / "kept/checkpoint-10")
    assert ended.freed > 0


def test_hostile_names_go_and_come_back(client: Client, checkpoint: Path) -> None:
    odd = checkpoint.parent / "checkpoint-7\x1b[2J\n\udcff"
    checkpoint.rename(odd)
    assert client.do("verify", odd).ok
    gone = client.do("discard", odd)
    assert client.do("restore", gone.path).ok
    assert odd.exists()
