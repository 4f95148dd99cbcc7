"""The probe as bytes: everything that a bare Python needs in order to be one.

The law of this file: what is sent is what is here, without its comments and docstrings. Where pynvml is
installed, the part of it that the probe asks for goes along, because the remote machine may have the
GPU and not the binding. It goes in two parts: over a slow line the first lines need not wait for what
the probe imports later.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import re
import sys
import tempfile
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import trainwatch
from trainwatch.probe import runs

_SHIPPED = ("__init__.py", "facts.py", "wire.py", "probe/**/*.py")
BOOT = "trainwatch/probe/boot.py"
_BEGINS = (BOOT, "trainwatch/probe/main.py")


class Bundle(NamedTuple):
    """Each part is ``zlib`` over JSON: path -> source."""

    first: bytes
    """What the probe imports when it begins."""
    rest: bytes


@cache
def bundle() -> Bundle:
    """Made once for each version of the files, since that is slow."""
    sources = _sources()
    kept = Path(runs.state_folder(), "bundle", _version(sources))
    with suppress(OSError, zlib.error):
        return _parted(kept.read_bytes())
    made = _made(sources)
    with suppress(OSError):
        _keep(kept, made)
    return made


def _parted(kept: bytes) -> Bundle:
    """Both parts, which stand one after the other. Raises zlib.error where they are torn."""
    reading = zlib.decompressobj()
    reading.decompress(kept)
    rest = reading.unused_data
    zlib.decompress(rest)
    return Bundle(kept[: len(kept) - len(rest)], rest)


def _sources() -> dict[str, Path]:
    home = Path(trainwatch.__file__).parent
    return {
        f"trainwatch/{path.relative_to(home).as_posix()}": path
        for pattern in _SHIPPED
        for path in sorted(home.glob(pattern))
    }


def _binding() -> Path | None:
    found = importlib.util.find_spec("pynvml")
    return None if found is None or found.origin is None else Path(found.origin)


def _version(sources: dict[str, Path]) -> str:
    """What tells two versions of everything that is sent, and of what makes it, apart."""
    told = [sys.version, trainwatch.__version__]
    for path in [Path(__file__), *sources.values(), *filter(None, [_binding()])]:
        status = path.stat()
        told.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def _made(sources: dict[str, Path]) -> Bundle:
    bare = {name: narrow(_bare(path.read_text("utf-8"))) for name, path in sources.items()}
    binding = _binding()
    if binding is not None:
        asked = set(re.findall(r"\w+", " ".join(bare.values())))
        bare["pynvml.py"] = _part(_bare(binding.read_text("utf-8")), asked)
    first = _needed(bare)
    return Bundle(
        _packed({name: source for name, source in bare.items() if name in first}),
        _packed({name: source for name, source in bare.items() if name not in first}),
    )


def _packed(sources: dict[str, str]) -> bytes:
    return zlib.compress(json.dumps(sources).encode("ascii"), 9)


def _needed(sources: dict[str, str]) -> set[str]:
    """What is imported when the probe begins: by statements at the top of a module."""
    needed: set[str] = set()
    waiting = set(_BEGINS)
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting |= _imported(sources[name]) & sources.keys() - needed
    return needed


def _imported(source: str) -> set[str]:
    """The files that the imports at the top may mean, with the packages that they lie in."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    folders = {"/".join(name.split(".")[:depth]) for name in found for depth in range(1, 6)}
    return {f"{folder}{end}" for folder in folders for end in (".py", "/__init__.py")}


def _keep(path: Path, made: Bundle) -> None:
    """In place of what older versions left. Another process may be doing the same."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(made.first + made.rest)
    os.replace(file.name, path)


def _bare(source: str) -> str:
    """The same program without docstrings, comments and what only a type checker reads."""
    tree = _Untyped().visit(ast.parse(source))
    _import_less(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def narrow(source: str) -> str:
    """One space where ``ast.unparse`` writes four: no string of ours spans two lines of its output."""
    return re.sub(r"^ +", lambda found: " " * (len(found[0]) // 4), source, flags=re.MULTILINE)


class _Untyped(ast.NodeTransformer):
    """Takes the types out of functions; those of classes stay, the wire reads them."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Neither arguments nor results nor what is assigned within has a type."""
        node.returns = None
        for one in ast.walk(node.args):
            if isinstance(one, ast.arg):
                one.annotation = None
        self.generic_visit(node)
        node.body = [_assigned(one) for one in node.body]
        return node


def _import_less(tree: ast.Module) -> None:
    """Take away what is imported from ``typing`` and named nowhere any more."""
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in list(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "typing":
            node.names = [one for one in node.names if one.name in named]
            if not node.names:
                tree.body.remove(node)


def _assigned(statement: ast.stmt) -> ast.stmt:
    """``x: int = 1`` as ``x = 1``."""
    if not isinstance(statement, ast.AnnAssign) or statement.value is None:
        return statement
    plain = ast.Assign([statement.target], statement.value)
    return ast.copy_location(plain, statement)


def _part(source: str, asked: set[str]) -> str:
    """What of a module is ``asked`` for by name, and what that names in turn.

    Statements that define nothing stay. A word inside a string counts as a name, and one that ends in
    an underscore as the beginning of names.
    """
    tree = ast.parse(source)
    waiting = asked.union(*(_words(node) for node in tree.body if not _defined(node)))
    kept: set[str] = set()
    needed: list[ast.stmt] = [node for node in tree.body if not _defined(node)]
    while waiting - kept:
        fresh = waiting - kept
        kept |= fresh
        begun = tuple(word for word in fresh if word.endswith("_") and len(word) > len("NVML"))
        found = [
            node
            for node in tree.body
            if node not in needed
            and any(name in fresh or name.startswith(begun) for name in _defined(node))
        ]
        needed += found
        waiting = set().union(*map(_words, found))
    tree.body = [node for node in tree.body if node in needed]
    return ast.unparse(tree)


def _defined(node: ast.stmt) -> set[str]:
    """The names that a statement defines, where it does nothing else."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return names if len(names) == len(node.targets) else set()
    return set()


def _words(node: ast.AST) -> set[str]:
    """Every name below the node, and every word of its strings."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            found.update(re.findall(r"\w+", one.value))
    return found
