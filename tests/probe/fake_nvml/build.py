"""Build the FAKE driver library and use it through the real binding, in a process of its own."""

import ctypes
import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import pytest

T = TypeVar("T")
SOURCE = Path(__file__).with_name("fake_nvml.c")
DRIVERS = ("today", "470", "535")


@cache
def library(driver: str = "today") -> Path:
    """The path of a libnvidia-ml.so.1 that speaks like this driver; skips without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here to build the fake NVML library with")
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    path = Path(mkdtemp(prefix="fake-nvml-")) / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1"]
    define = [] if driver == "today" else [f"-DDRIVER_{driver}"]
    subprocess.run([compiler, *flags, *define, "-o", str(path), str(SOURCE)], check=True)
    return path


def with_fake(work: Callable[[ctypes.CDLL], T], driver: str = "today") -> T:
    """What ``work`` returns, run in a forked process that has the fake library loaded."""
    path = library(driver)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # A library loaded by path answers to its SONAME: the binding finds this one.
            result: object = work(ctypes.CDLL(str(path)))
        except BaseException as error:  # noqa: BLE001 - it is raised again on the other side
            result = error
        with os.fdopen(theirs, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        outcome = pickle.load(pipe)
    os.waitpid(pid, 0)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome  # type: ignore[no-any-return]
