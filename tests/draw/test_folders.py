"""Where checkpoints lie in several folders, each says in which, by the name that tells them apart."""

from __future__ import annotations

import pytest

from tests.draw.runs import START, checkpoint, target
from trainwatch.draw import checkpoints as table
from trainwatch.draw.rows import plain
from trainwatch.read.records import CheckpointsSeen
from trainwatch.run.run import Run


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (
            ["a/lightning_logs/version_0/checkpoints", "a/lightning_logs/version_1/checkpoints"],
            True,
        ),
        (["a/version_0", "a/version_1"], True),
        (["a/version_0", "a/version_0"], False),
    ],
)
def test_the_folder_that_differs_is_the_one_that_is_named(paths: list[str], shown: bool) -> None:
    run = Run()
    run.apply(target())
    seen = [
        checkpoint(step, None)._replace(path=f"/{path}/checkpoint-{step}")
        for step, path in zip((10, 20), paths, strict=True)
    ]
    run.apply(CheckpointsSeen("/a", tuple(seen), (), START))
    text = plain(table.draw(run, table.CheckpointsView(), 100, 12, START).rows)
    assert ("version_0" in text and "version_1" in text) == shown
