"""What is inside a checkpoint: asked for in small pieces, told as it comes, never unpickled."""

from __future__ import annotations

from pathlib import Path

from tests.probe.test_jobs import safetensors, torch_bytes
from tests.read.disk import Disk, age, lay
from tests.read.test_hf_trainer import checkpoint
from trainwatch.facts import FileBytes
from trainwatch.probe import parts
from trainwatch.read.contents import Contents
from trainwatch.read.records import CheckpointFile, CheckpointSeen, ContentsSeen


def inside(tree: dict[str, bytes], root: Path) -> tuple[ContentsSeen, int]:
    """What is told in the end, and how many bytes were read for it."""
    lay(root, tree)
    age(root, 1000)
    [seen] = Disk(root).look().values()
    contents, read = Contents(seen), 0
    told = contents.seen(0.0)
    while asked := contents.requests():
        for one in asked:
            fact = parts.part(one.path, one.offset, one.length, 1.0)
            read += len(fact.data)
            told = contents.feed(fact) or told
    return told, read


def test_tensors_and_arguments(tmp_path: Path) -> None:
    tree = checkpoint(5, model__safetensors=safetensors(1.0, 2.0, name="a.b.weight"))
    told, _ = inside(tree, tmp_path)
    assert [(t.name, t.dtype, t.shape, t.bytes) for t in told.tensors] == [
        ("a.b.weight", "F32", (2,), 8)
    ]
    assert ("save_total_limit", "3") in told.arguments
    assert told.done
    assert told.faults == ()


def test_names_and_shapes_of_a_torch_file(tmp_path: Path) -> None:
    tree = checkpoint(5, model__safetensors=None, pytorch_model__bin=torch_bytes())
    told, _ = inside(tree, tmp_path)
    assert [(t.name, t.dtype, t.shape, t.bytes) for t in told.tensors] == [
        ("layer.weight", "F32", (3,), 12), ("half", "BF16", (2,), 4),
    ]  # fmt: skip


def test_of_a_large_file_only_the_header_is_read(tmp_path: Path) -> None:
    tree = checkpoint(5, model__safetensors=safetensors(*[0.5] * 1_000_000))
    told, read = inside(tree, tmp_path)
    assert told.tensors[0].shape == (1_000_000,)
    assert read < 200_000


def test_what_makes_no_sense_is_told_beside_what_does(tmp_path: Path) -> None:
    tree = checkpoint(5, adapter_model__safetensors=b"\xff" * 100)
    told, _ = inside(tree, tmp_path)
    assert told.tensors
    assert [name for name, _ in told.faults] == ["adapter_model.safetensors"]
    assert told.done


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    lay(tmp_path, checkpoint(5))
    age(tmp_path, 1000)
    [seen] = Disk(tmp_path).look().values()
    contents = Contents(seen)
    told: ContentsSeen | None = None
    for one in contents.requests():
        gone = FileBytes(one.path, one.offset, b"", 0, 0.0, 1.0)
        told = contents.feed(gone) or told
    assert told is not None
    assert dict(told.faults)["model.safetensors"] == "it cannot be read"
    assert told.done


def test_hostile_names_are_cleaned(tmp_path: Path) -> None:
    tree = checkpoint(5, model__safetensors=safetensors(1.0, name="w\x1b[2J\u202e"))
    told, _ = inside(tree, tmp_path)
    assert "\x1b" not in told.tensors[0].name
    assert "\u202e" not in told.tensors[0].name


def test_a_single_file_is_looked_into(tmp_path: Path) -> None:
    lay(tmp_path, {"model-5.pt": torch_bytes()})
    seen = CheckpointSeen(
        f"{tmp_path}/model-5.pt", "model-5.pt", "torch-file", 5, None, 0.0,
        (weight_file("model-5.pt", (tmp_path / "model-5.pt").stat().st_size),),
        "complete", None, None, "weights", (), None, (),
    )  # fmt: skip
    contents = Contents(seen)
    [asked] = contents.requests()
    assert asked.path == f"{tmp_path}/model-5.pt"


def weight_file(path: str, size: int) -> CheckpointFile:
    return CheckpointFile(path, size, "weights")
