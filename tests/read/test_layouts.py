"""Checkpoint layouts in general: their samples, and that none takes another's."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.read.disk import Disk, age, lay
from trainwatch.read import layouts
from trainwatch.read.draft import Claim, Offer
from trainwatch.read.layouts import Layout, Sample
from trainwatch.read.tree import Folder

EVERY = [
    pytest.param(layout, sample, id=f"{layout.__name__.rpartition('.')[2]}-{number}")
    for layout in layouts.layouts()
    for number, sample in enumerate(layout.SAMPLES)
]


@pytest.mark.parametrize(("layout", "sample"), EVERY)
def test_a_sample_is_recognised_as_what_it_says(
    layout: Layout, sample: Sample, tmp_path: Path
) -> None:
    age(lay(tmp_path, sample.tree), 1000)
    seen = Disk(tmp_path).look()
    assert tuple((one.name, one.step) for one in seen.values()) == sample.found
    name = layout.__name__.rpartition(".")[2].replace("_", "-")
    assert {one.layout.partition(":")[0] for one in seen.values()} == {name}


@pytest.mark.parametrize(("layout", "sample"), EVERY)
def test_no_layout_takes_the_sample_of_another(
    layout: Layout, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takers: set[str] = set()

    class Spy:
        def __init__(self, inner: Layout) -> None:
            self._inner = inner
            self.__name__ = inner.__name__
            self.FOLDERS, self.WANTS, self.SAMPLES = inner.FOLDERS, inner.WANTS, inner.SAMPLES

        def recognise(self, folder: Folder) -> list[Offer]:
            return [
                Offer(names, partial(self._look, look))
                for names, look in self._inner.recognise(folder)
            ]

        def _look(self, look: Callable[[], Claim | None]) -> Claim | None:
            claim = look()
            if claim:
                takers.add(self.__name__)
            return claim if self._inner is layout else None

    spies = tuple(Spy(one) for one in layouts.layouts() if not hasattr(one, "FALLBACK"))
    monkeypatch.setattr(layouts, "layouts", lambda: spies)
    age(lay(tmp_path, sample.tree), 1000)
    Disk(tmp_path).look()
    assert takers <= {layout.__name__}


UNVERIFIABLE = (
    ".yaml", ".cfg", ".py", "checkpoint", "latest", "io.json", "recipe_state.pt",
    "training_metadata.json", "adapters.safetensors", "best_model.zip", "/best.pt",
    "metrics", "tokenizer", "saved_model.pb", "ner/model",
)  # fmt: skip
"""Files whose content has no form that could break, or that belong to another checkpoint as well."""


@pytest.mark.parametrize(("layout", "sample"), EVERY)
def test_a_sample_damaged_anywhere_is_never_complete(
    layout: Layout, sample: Sample, tmp_path: Path
) -> None:
    """Every file cut at twenty points and at nothing: the checkpoint it belongs to is not whole."""
    whole = {name for name, _ in sample.found}
    source = random.Random(1)
    for path, data in sample.tree.items():
        if path.endswith(UNVERIFIABLE) or not data:
            continue
        for cut in sorted({0, *(source.randrange(len(data)) for _ in range(20))}):
            root = tmp_path / f"{path.replace('/', '-')}-{cut}"
            age(lay(root, {**sample.tree, path: data[:cut]}), 1000)
            seen = Disk(root).look()
            assert {one.name for one in seen.values() if one.state == "complete"} < whole, (
                path,
                cut,
            )


@pytest.mark.parametrize(("layout", "sample"), EVERY)
def test_a_sample_that_is_still_growing_is_never_complete(
    layout: Layout, sample: Sample, tmp_path: Path
) -> None:
    """Written file by file: as long as one is half there, not all of it is whole."""
    disk = Disk(tmp_path)
    for path in sorted(sample.tree, reverse=True):
        data = sample.tree[path]
        if data and not path.endswith(UNVERIFIABLE):
            lay(tmp_path, {path: data[: len(data) // 2]})
            complete = [one for one in disk.look(after=1.0).values() if one.state == "complete"]
            assert len(complete) < len(sample.found), path
        lay(tmp_path, {path: data})
    interrupted = {"tmp-checkpoint-20", "step_200.orbax-checkpoint-tmp-17"}
    states = {one.name: one.state for one in disk.look(after=1.0).values()}
    assert {name for name, state in states.items() if state != "complete"} <= interrupted
