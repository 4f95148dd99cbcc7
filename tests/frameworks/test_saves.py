"""Checkpoints by the real saving code of many frameworks, read right; then damaged in every way."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.frameworks.watched import TRAININGS
from tests.read.disk import Disk, age

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainwatch.read.records import CheckpointSeen

pytestmark = pytest.mark.frameworks

SCRIPT = str(TRAININGS / "saves.py")
VENVS = {
    "accelerate": "trainer5", "dcp": "trainer5", "lightning": "trainer5", "nano": "trainer5",
    "skorch": "trainer5", "baselines3": "trainer5", "keras": "trainer5", "gguf": "trainer5",
    "xgboost": "classic", "lightgbm": "classic", "catboost": "classic", "spacy": "classic",
    "orbax": "jax", "transformers": "trainer5", "sharded": "trainer5", "peft": "trainer5",
    "sentences": "trainer5", "diffusers": "trainer5", "loop": "trainer5",
}  # fmt: skip
LAYOUTS = {
    "nano": "torch-file:nanogpt", "gguf": "gguf-file", "xgboost": "boosting:xgboost",
    "lightgbm": "boosting:lightgbm", "catboost": "boosting:catboost", "loop": "generic",
} | dict.fromkeys(
    ("transformers", "sharded", "peft", "sentences", "diffusers"), "model-folder"
)  # fmt: skip
WEIGHTS_ONLY = ("epoch_", ".weights.h5", "model-best", "model-last", ".gguf", "out")
"""Parts of names of checkpoints that hold no state of an optimizer."""
UNSEEN_CUT = ("commit_success.txt", "training_metadata.json", "README.md")
"""A text without an end, and a file that only says more about another."""
UNSEEN_LOSS = (
    "training_metadata.json", "history.json", "commit_success.txt", "_sharding",
    "array_metadatas/process_0", "README.md", "generation_config.json", "tokenizer.json",
    "tokenizer_config.json", "config_sentence_transformers.json", "sentence_bert_config.json",
)  # fmt: skip
"""Files that may be missing: a model is whole without its tokenizer and its texts, Orbax restores without, on a local disk a new name is what commits."""

Told: TypeAlias = "dict[str, tuple[int | None, float | None, dict[str, float]]]"
Saved: TypeAlias = "Callable[[str], tuple[Path, Told]]"


@pytest.fixture(scope="session")
def saved(
    python: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Told]]:
    """What a kind saved, and what it says of that itself; made once."""
    made: dict[str, tuple[Path, Told]] = {}

    def find(kind: str) -> tuple[Path, Told]:
        if kind not in made:
            out = tmp_path_factory.mktemp(kind) / "out"
            done = subprocess.run(
                [python(VENVS[kind]), SCRIPT, kind, str(out)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            age(out, 1000)
            made[kind] = out, json.loads(done.stdout.splitlines()[-1])
        return made[kind]

    return find


@pytest.mark.parametrize("kind", VENVS)
def test_what_a_framework_saved_is_read_right(saved: Saved, kind: str) -> None:
    out, told = saved(kind)
    seen = Disk(out).look()
    assert seen.keys() == told.keys()
    for name, (step, epoch, metrics) in told.items():
        one = seen[name]
        assert one.layout == LAYOUTS.get(kind, kind)
        assert (one.step, one.epoch) == (step, epoch)
        assert (one.state, one.reason) == ("complete", None)
        assert dict(one.metrics) == pytest.approx(metrics)
        weights = any(part in name for part in WEIGHTS_ONLY) and kind != "lightning"
        assert one.resumable == ("weights" if weights and name != "latest.weights.h5" else "full")


PARAMETERS = {"nano": (64 * 64 + 64, 2), "loop": (64 * 64 + 64, 2), "dcp": (64 * 72 + 72, 4)}
"""Numbers in all parameters, and how many tensors they make."""


@pytest.mark.parametrize("kind", PARAMETERS)
def test_the_optimizer_in_a_file_with_the_weights_is_told_apart(saved: Saved, kind: str) -> None:
    """AdamW keeps two numbers for each parameter, and a count for each tensor."""
    out, _ = saved(kind)
    numbers, tensors = PARAMETERS[kind]
    for seen in Disk(out).look().values():
        assert seen.parts["optimizer"] == 4 * (2 * numbers + tensors)
        assert sum(seen.parts.values()) == sum(path.stat().st_size for path in files_of(seen))


def test_the_optimizer_in_an_archive_is_told_apart(saved: Saved) -> None:
    out, _ = saved("baselines3")
    for seen in Disk(out).look().values():
        with zipfile.ZipFile(seen.path) as archive:
            size = archive.getinfo("policy.optimizer.pth").file_size
        assert seen.parts["optimizer"] == size


@pytest.mark.parametrize("kind", VENVS)
def test_every_file_cut_at_twenty_points_emptied_or_lost_is_reported(
    saved: Saved, tmp_path: Path, kind: str
) -> None:
    out, _ = saved(kind)
    root = tmp_path / "out"
    shutil.copytree(out, root)
    source = random.Random(kind)
    for one in distinct(Disk(root).look()):
        for path in files_of(one):
            whole = path.read_bytes()
            for cut in sorted({0, *(source.randrange(len(whole)) for _ in range(20))}):
                path.write_bytes(whole[:cut])
                again = look(root, one)
                if not path.name.endswith(UNSEEN_CUT) and not whole[cut:].isspace():
                    assert again is None or (again.state != "complete" and again.reason), (
                        path, cut, len(whole),
                    )  # fmt: skip
            path.unlink()
            again = look(root, one)
            if not str(path).endswith(UNSEEN_LOSS):
                assert again is None or (again.state != "complete" and again.reason), path
            path.write_bytes(whole)
        assert look(root, one) is not None


CHECKSUMS = {"orbax": "ocdbt"}
"""Whose index carries checksums: each turned bit of it is found without reading a value."""


@pytest.mark.parametrize("kind", VENVS)
def test_turned_bits_break_nothing_and_show_where_a_checksum_stands(
    saved: Saved, tmp_path: Path, kind: str
) -> None:
    out, _ = saved(kind)
    root = tmp_path / "out"
    shutil.copytree(out, root)
    source = random.Random(kind)
    for one in distinct(Disk(root).look()):
        for path in files_of(one):
            whole = path.read_bytes()
            for _ in range(10):
                turned = bytearray(whole)
                turned[source.randrange(min(len(whole), 4096))] ^= 1 << source.randrange(8)
                path.write_bytes(turned)
                again = look(root, one)
                if path.name.endswith(CHECKSUMS.get(kind, "\0")):
                    assert again
                    assert again.state == "corrupt"
            path.write_bytes(whole)


@pytest.mark.parametrize("kind", ["nano", "dcp", "orbax"])
def test_what_a_killed_save_leaves_is_complete_only_where_its_library_can_load_it(
    python: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    source = random.Random(kind)
    interpreter = python(VENVS[kind])
    for attempt in range(3):
        out = tmp_path / str(attempt)
        training = subprocess.Popen(
            [interpreter, SCRIPT, "endless", kind, str(out)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert training.stdout
        for _ in range(3):
            training.stdout.readline()
        disk = Disk(out)
        for _ in range(source.randint(1, 8)):
            disk.look()  # a moment passes
        training.kill()
        training.wait()
        training.stdout.close()
        disk.look()
        disk.note(disk.folders.ended(disk.now))
        done = subprocess.run(
            [interpreter, SCRIPT, "truth", kind, str(out)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        complete = {name for name, one in disk.seen.items() if one.state == "complete"}
        assert complete == {name for name, loaded in told.items() if loaded}
        assert complete
        assert all(disk.seen[name].reason for name in disk.seen.keys() - complete)


def distinct(seen: dict[str, CheckpointSeen]) -> list[CheckpointSeen]:
    """One checkpoint of each shape."""
    shapes = {(len(one.files), Path(one.name).suffix, one.resumable): one for one in seen.values()}
    return list(shapes.values())


def files_of(one: CheckpointSeen) -> Iterator[Path]:
    place = Path(one.path)
    for file in one.files:
        path = (place if place.is_dir() else place.parent) / file.path
        if path.stat().st_size > 1:  # of one byte there is no part
            yield path


def look(root: Path, one: CheckpointSeen) -> CheckpointSeen | None:
    """What the damaged checkpoint is called now; None when it is not called one any more."""
    age(root, 1000)
    return Disk(root).look().get(one.name)
