"""A folder that only holds the folders of runs: the run that was written last is meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from trainwatch.probe.listing import matcher
from trainwatch.probe.newest import newest

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS, FILES = matcher(["checkpoint-*"]), matcher(["*events.out.tfevents.*", "metrics.csv"])


def written(path: Path, when: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, (when, when))


@pytest.mark.parametrize(
    ("files", "meant"),
    [
        (["a/metrics.csv", "b/metrics.csv"], "b"),
        (["b/metrics.csv", "a/metrics.csv"], "a"),
        (["x/y/b/metrics.csv"], "x/y/b"),
        # add_scalars writes below the run that it belongs to
        (["r/events.out.tfevents.1", "r/loss/train/events.out.tfevents.2"], "r"),
        (["metrics.csv", "b/metrics.csv"], ""),
        (["checkpoint-5/other", "b/metrics.csv"], ""),
        (["a/other", "b/c/other"], ""),
        ([".hidden/metrics.csv"], ""),
    ],
)
def test_the_run_that_is_meant(tmp_path: Path, files: list[str], meant: str) -> None:
    for when, name in enumerate(files):
        written(tmp_path / name, 1000 + when)
    assert newest(str(tmp_path), FOLDERS, FILES) == str(tmp_path / meant)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path)
    assert newest(str(tmp_path), FOLDERS, FILES) == str(tmp_path)
