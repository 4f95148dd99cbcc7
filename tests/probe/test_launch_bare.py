"""A launch from an interpreter with nothing but its standard library, Python 3.6 as well."""

import os
import shutil
import tempfile
import time
from typing import Callable

from trainwatch.probe import launch, process, runs, stop


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def _ended(pty: bool) -> str:
    started = launch.start(["sh", "-c", "echo out; exit 3"], pty=pty)
    _until(lambda: runs.load(started.folder).exit)
    with open(runs.load(started.folder).log) as file:
        return "{} {}".format(runs.load(started.folder).state, file.read())


def test_a_command_runs_to_its_end_and_another_is_stopped() -> None:
    folder = tempfile.mkdtemp()
    before = os.environ.get("TRAINWATCH_STATE")
    os.environ["TRAINWATCH_STATE"] = folder
    try:
        assert _ended(pty=False) == "failed out\n"
        assert _ended(pty=True) == "failed out\n"
        launch.start(["sleep", "60"])
        run = runs.find("")[0]
        assert run.meta is not None
        answers = list(stop.stop(process.of_run(run.meta), now=False, grace=5.0))
        assert answers[-1].ok
        _until(lambda: runs.load(run.folder).exit)
        assert runs.seen(runs.load(run.folder)).signal == 2
    finally:
        del os.environ["TRAINWATCH_STATE"]
        if before is not None:
            os.environ["TRAINWATCH_STATE"] = before
        shutil.rmtree(folder)
