"""Verify reads what real frameworks saved: sound when it is, damaged wherever a bit was turned.

What numbers are none is counted by torch itself.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.frameworks.test_saves import VENVS, saved
from trainwatch import facts
from trainwatch.probe.jobs import verify
from trainwatch.probe.jobs.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frameworks.test_saves import Saved

__all__ = ["saved"]
pytestmark = pytest.mark.frameworks

ODD_NUMBERS = """
import json, sys, torch
from safetensors.torch import save_file
torch.manual_seed(1)
made, told = {}, {}
for kind in ("float16", "bfloat16", "float32", "float64"):
    tensor = torch.randn(5000).to(getattr(torch, kind))
    tensor[torch.randperm(5000)[:7]] = float("nan")
    tensor[0], tensor[1] = float("inf"), float("-inf")
    made[kind] = tensor
    told[kind] = [int(tensor.isnan().sum()), int(tensor.isinf().sum())]
save_file(made, sys.argv[1] + "/model.safetensors")
torch.save(made, sys.argv[1] + "/optimizer.pt")
print(json.dumps(told))
"""


def proof(path: Path) -> dict[str, facts.FileChecked]:
    said: list[object] = []
    job = facts.Job("1", "verify", str(path), [])
    verify.verify(job, Progress(job, said.append))
    return {fact.path: fact for fact in said if isinstance(fact, facts.FileChecked)}


@pytest.mark.parametrize("kind", VENVS)
def test_what_a_framework_saved_is_sound(saved: Saved, kind: str) -> None:
    out, _ = saved(kind)
    found = proof(out)
    assert found
    assert {path: f.fault for path, f in found.items() if f.fault} == {}
    assert not [t for f in found.values() for t in f.tensors if t.nans or t.infinities]


@pytest.mark.parametrize("kind", ["accelerate", "lightning", "nano", "keras", "baselines3"])
def test_a_bit_turned_in_any_entry_of_an_archive_is_found(
    saved: Saved, tmp_path: Path, kind: str
) -> None:  # fmt: skip
    out, _ = saved(kind)
    root = tmp_path / "out"
    shutil.copytree(out, root)
    source = random.Random(kind)
    archives = [p for p in root.rglob("*") if p.is_file() and p.read_bytes()[:2] == b"PK"]
    assert archives
    for path in archives[:4]:
        whole = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.compress_size > 8]
        for entry in source.sample(entries, min(len(entries), 10)):
            header = 30 + int.from_bytes(whole[entry.header_offset + 26 :][:2], "little")
            extra = int.from_bytes(whole[entry.header_offset + 28 :][:2], "little")
            at = entry.header_offset + header + extra + source.randrange(entry.compress_size)
            turned = bytearray(whole)
            turned[at] ^= 1 << source.randrange(8)
            path.write_bytes(bytes(turned))
            assert proof(path)[""].fault, entry.filename
        path.write_bytes(whole)


PLACES = """
import json, pickle, sys
told = pickle.load(open(sys.argv[1], "rb")).storage_data
print(json.dumps([[info.offset, info.length] for info in told.values()]))
"""


def test_a_bit_turned_in_any_part_of_a_distributed_checkpoint_is_found(
    python: Callable[[str], str], saved: Saved, tmp_path: Path
) -> None:
    """Where the parts lie is told by torch itself."""
    root = tmp_path / "out"
    shutil.copytree(saved("dcp")[0], root)
    path = root / "step-10/__0_0.distcp"
    done = subprocess.run(
        [python("trainer5"), "-c", PLACES, str(path.with_name(".metadata"))],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    whole, source = path.read_bytes(), random.Random(1)
    sound = proof(path.parent)[path.name]
    assert (sound.fault, sound.proven) == ("", "checksums")
    assert {"model.0.weight", "optim.state.0.exp_avg"} <= {one.name for one in sound.tensors}
    for begin, length in source.sample(json.loads(done.stdout), 12):
        with zipfile.ZipFile(io.BytesIO(whole[begin : begin + length])) as archive:
            entry = max(archive.infolist(), key=lambda entry: entry.file_size)
        head = whole[begin + entry.header_offset :]
        sizes = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        turned = bytearray(whole)
        at = begin + entry.header_offset + 30 + sizes + source.randrange(entry.file_size)
        turned[at] ^= 1 << source.randrange(8)
        path.write_bytes(turned)
        assert proof(path.parent)[path.name].fault, entry.filename
    for cut in source.sample(range(len(whole)), 20):
        path.write_bytes(whole[:cut])
        assert proof(path.parent)[path.name].fault


@pytest.mark.parametrize(("kind", "pattern"), [("gguf", "*.gguf"), ("keras", "*.h5")])
def test_a_file_with_an_end_is_cut_nowhere_unnoticed(
    saved: Saved, tmp_path: Path, kind: str, pattern: str
) -> None:
    root = tmp_path / "out"
    shutil.copytree(saved(kind)[0], root)
    source = random.Random(kind)
    path = next(root.rglob(pattern))
    whole = path.read_bytes()
    assert (proof(path)[""].fault, proof(path)[""].proven) == ("", "form")
    for cut in [0, len(whole) - 1, *source.sample(range(len(whole)), 20)]:
        path.write_bytes(whole[:cut])
        assert proof(path)[""].fault


def test_numbers_that_are_none_are_counted_as_torch_counts_them(
    python: Callable[[str], str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [python("trainer5"), "-c", ODD_NUMBERS, str(tmp_path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    truth = json.loads(done.stdout)
    found = proof(tmp_path)
    for name in ("model.safetensors", "optimizer.pt"):
        told = {t.name.partition(" ")[0]: [t.nans, t.infinities] for t in found[name].tensors}
        assert told == truth
