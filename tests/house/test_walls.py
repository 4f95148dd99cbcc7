"""The walls between the stages: what must not be there, checked on the code itself."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import trainwatch

ROOT = Path(trainwatch.__file__).parent.parent
SOURCES = sorted((ROOT / "trainwatch").rglob("*.py"))
RING_0 = ("facts", "wire", "probe")
RING_1 = ("read", "run", "draw")
NEEDS_A_PACKAGE = {"trainwatch.draw.plain": "plotext"}
HOMES = {
    "textual": "trainwatch/ui/",
    "rich": "trainwatch/ui/",
    "plotext": "trainwatch/draw/plain.py",
    "psutil": "trainwatch/probe/",
    "pynvml": "trainwatch/probe/devices/",
}
NOT_A_NOUN = {"utils", "util", "helpers", "helper", "common", "misc"}
LINES = 400
BARE = (
    "import sys, importlib; sys.path.insert(0, sys.argv[1]); importlib.import_module(sys.argv[2])"
)


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    return place(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def ring(*stages: str) -> list[Path]:
    return [p for p in SOURCES if module(p).split(".")[1:2] and module(p).split(".")[1] in stages]


@cache
def imports(path: Path) -> frozenset[str]:
    """Every top-level package that the file imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


@pytest.mark.parametrize(("package", "home"), HOMES.items())
def test_a_package_is_imported_only_in_its_home(package: str, home: str) -> None:
    strangers = [
        place(p) for p in SOURCES if package in imports(p) and not place(p).startswith(home)
    ]
    assert strangers == []


@pytest.mark.parametrize("path", ring(*RING_0, *RING_1), ids=module)
def test_the_inner_rings_need_only_the_standard_library(path: Path) -> None:
    outside = imports(path) - set(sys.stdlib_module_names) - {"trainwatch"}
    if path in ring("probe"):
        outside -= {"psutil", "pynvml"}  # the run under -I -S below proves the fallback
    elif module(path) in NEEDS_A_PACKAGE:
        outside -= {NEEDS_A_PACKAGE[module(path)]}
    assert outside == set()


@pytest.mark.parametrize("stage", [*RING_0, *RING_1])
def test_the_inner_rings_import_without_any_package_installed(stage: str) -> None:
    names = [module(p) for p in ring(stage) if module(p) not in NEEDS_A_PACKAGE]
    assert names
    for name in names:
        command = [sys.executable, "-I", "-S", "-c", BARE, str(ROOT), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_a_file_is_short_and_named_by_a_noun(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINES
    assert NOT_A_NOUN.isdisjoint(path.with_suffix("").relative_to(ROOT).parts)


@pytest.mark.parametrize("path", [p for p in SOURCES if p.read_text().strip()], ids=place)
def test_a_file_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_no_timer_but_the_pumps() -> None:
    timers = re.compile(r"\b(set_interval|set_timer|call_later)\(")
    assert [place(p) for p in SOURCES if timers.search(p.read_text())] in (
        [],
        ["trainwatch/ui/pump.py"],
    )


def test_the_way_to_the_first_paint_is_light() -> None:
    """Neither plotext nor the drivers' libraries nor numpy are loaded to start the screen."""
    name = "trainwatch.ui.monitor"
    if importlib.util.find_spec(name) is None:
        pytest.skip("there is no screen yet")
    code = f"import sys, {name}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    assert {"plotext", "numpy", "psutil", "pynvml"}.isdisjoint(loaded)


def plugins(package: str) -> list[str]:
    found = importlib.import_module(package)
    return [name for _, name, _ in pkgutil.iter_modules(found.__path__, package + ".")]


SHAPES = ["formats", "layouts", "headers", "results"]


@pytest.mark.parametrize("name", [n for s in SHAPES for n in plugins(f"trainwatch.read.{s}")])
def test_every_shape_that_is_read_carries_samples(name: str) -> None:
    assert importlib.import_module(name).SAMPLES
