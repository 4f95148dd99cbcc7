"""What looking at checkpoints costs: CPU of a rescan, of a large index, and memory.

Run it: ``python tests/bench/bench_checkpoints.py``. It prints figures beside their limits; it is no
test.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.read.disk import Disk, age, lay, weights
from tests.read.test_hf_trainer import checkpoint
from trainwatch import facts
from trainwatch.probe import listing
from trainwatch.read import layouts

EXTRA = ("tokenizer.json", "special_tokens_map.json", "vocab.json", "merges.txt", "README.md")


def many(root: Path) -> Disk:
    """200 checkpoints of 12 files, looked at once."""
    for step in range(10, 2010, 10):
        tree = checkpoint(step) | {f"checkpoint-{step}/{name}": b"{}" for name in EXTRA}
        lay(root, dict(list(tree.items())[:12]))
    age(root, 1000)
    disk = Disk(root)
    assert len(disk.look()) == 200
    return disk


def index(root: Path) -> None:
    """The shape of a model of 70 billion parameters: 720 tensors in 30 shards."""
    names = [f"model-{i:05}-of-00030.safetensors" for i in range(1, 31)]
    shard = weights(*[(4, 4)] * 24)
    places = {f"model.layers.{i}.mlp.weight": names[i // 24] for i in range(720)}
    told = json.dumps({"metadata": {"total_size": 1}, "weight_map": places}).encode()
    lay(root, {"checkpoint-1/model.safetensors.index.json": told})
    lay(root, {f"checkpoint-1/{name}": shard for name in names})
    lay(root, {"checkpoint-1/trainer_state.json": b'{"global_step": 1, "log_history": []}'})
    age(root, 1000)


def hostile(root: Path) -> None:
    """Headers that claim much, and one that is as long as it says."""
    long = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}' + b" " * 74_000_000 + b"}"
    for step, data in enumerate((
        struct.pack("<Q", 1 << 60) + b"{", struct.pack("<Q", len(long)) + long + bytes(4),
        struct.pack("<Q", (1 << 64) - 1),
    )):  # fmt: skip
        lay(root, {f"checkpoint-{step}/model.safetensors": data})
    age(root, 1000)


def cpu(work: Callable[[], object]) -> float:
    """Milliseconds of CPU, the best of five."""
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1000 * min(times)


def say(what: str, value: float, limit: float, unit: str) -> None:
    verdict = "" if value <= limit else "   TOO MUCH"
    print(f"{what:<58}{value:8.1f} {unit}   (at most {limit:g}){verdict}")


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "many")
        disk = many(root)
        opens = listing.matcher(layouts.folders())
        wanted = listing.matcher(want.pattern for want in layouts.wants())
        place = listing.Root(str(root))
        found = listing.look(place, opens, wanted)

        def changed() -> None:
            lay(root, {"checkpoint-2000/README.md": os.urandom(8).hex().encode()})
            entries = listing.look(place, opens, wanted).entries
            disk.take(facts.Listing(str(root), entries, True, disk.now + 1))

        print(f"{len(disk.seen)} checkpoints, {len(found.entries)} names")
        say("rescan, one of them changed", cpu(changed), 50, "ms")
        memory: listing.Memory = {}
        again = listing.look(place, opens, wanted, memory).entries

        def quiet() -> None:
            assert listing.look(place, opens, wanted, memory).entries == again

        say("nothing changed: the probe's look", cpu(quiet), 5, "ms")
        say(
            "nothing changed: telling so",
            cpu(lambda: disk.note(disk.folders.tick(disk.now))),
            5,
            "ms",
        )
        index(Path(scratch, "large"))
        say(
            "720 tensors in 30 shards, seen for the first time",
            cpu(lambda: Disk(Path(scratch, "large")).look()),
            200,
            "ms",
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        hostile(Path(scratch, "hostile"))
        written = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        Disk(Path(scratch, "hostile")).look()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say("resident before any hostile header", before / 1024, 64, "MB")
        say("more for three hostile headers", (after - written) / 1024, 8, "MB")


if __name__ == "__main__":
    main()
