"""Checkpoint layouts in general: their samples, and that none takes another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.read.disk import Disk, age, lay
from trainwatch.read import layouts
from trainwatch.read.headers import WaitingError
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

        def recognise(self, folder: Folder) -> list[object]:
            try:
                claims = list(self._inner.recognise(folder))
            except WaitingError:
                takers.add(self.__name__)
                raise
            if claims:
                takers.add(self.__name__)
            return []

    spies = tuple(Spy(one) for one in layouts.layouts() if not hasattr(one, "FALLBACK"))
    monkeypatch.setattr(layouts, "layouts", lambda: spies)
    age(lay(tmp_path, sample.tree), 1000)
    Disk(tmp_path).look()
    assert takers <= {layout.__name__}
