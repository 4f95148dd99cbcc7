"""The probe as bytes: everything that a bare Python needs in order to be one.

The law of this file: what is sent is what is here, without its comments and docstrings. pynvml goes
along where it is installed, because the remote machine may have the GPU and not the binding.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import zlib
from functools import cache
from pathlib import Path

import trainwatch

_SHIPPED = ("__init__.py", "facts.py", "wire.py", "probe/**/*.py")
BOOT = "trainwatch/probe/boot.py"


@cache
def bundle() -> bytes:
    """``zlib`` over JSON: path -> source."""
    home = Path(trainwatch.__file__).parent
    sources = {
        f"trainwatch/{path.relative_to(home).as_posix()}": path.read_text("utf-8")
        for pattern in _SHIPPED
        for path in sorted(home.glob(pattern))
    }
    binding = importlib.util.find_spec("pynvml")
    if binding is not None and binding.origin is not None:
        sources["pynvml.py"] = Path(binding.origin).read_text("utf-8")
    bare = {path: _bare(source) for path, source in sources.items()}
    return zlib.compress(json.dumps(bare).encode("ascii"), 9)


def _bare(source: str) -> str:
    """The same program without docstrings and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
