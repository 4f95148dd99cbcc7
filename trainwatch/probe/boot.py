"""Modules from memory: how a probe runs on a machine where nothing may be written.

The law of this file: it stands alone, because it is the first to arrive and brings the others with
it. Sources come as (path, text); what is imported from them looks like any other package.
"""

import importlib.machinery
import json
import os
import sys
import zlib
from typing import Any, Dict, Iterator, Optional, Tuple, cast

PREFIX = "trainwatch:"  # of the entry on sys.path; no file system knows it
_sources: Dict[str, str] = {}


class Box:
    """Finds and loads the modules of one folder in memory, in the place of a folder on the disk."""

    def __init__(self, path: str) -> None:
        if not path.startswith(PREFIX):
            raise ImportError
        self._folder = path[len(PREFIX) :]

    def find_spec(self, name: str, target: Any = None) -> Optional[importlib.machinery.ModuleSpec]:
        """Where the module ``name`` comes from; None when it is not here."""
        del target
        base = self._folder + name.rpartition(".")[2]
        for path, is_package in ((base + "/__init__.py", True), (base + ".py", False)):
            if path in _sources:
                spec = importlib.machinery.ModuleSpec(
                    name, cast("Any", self), origin=PREFIX + path, is_package=is_package
                )
                if is_package:
                    spec.submodule_search_locations = [PREFIX + base + "/"]
                return spec
        return None

    def create_module(self, spec: Any) -> None:
        """As usual."""

    def exec_module(self, module: Any) -> None:
        """Run its source."""
        origin = module.__spec__.origin
        code = compile(_sources[origin[len(PREFIX) :]], origin, "exec")
        exec(code, module.__dict__)  # noqa: S102 - this is what a loader does

    def iter_modules(self, prefix: str = "") -> Iterator[Tuple[str, bool]]:
        """The modules here, for ``pkgutil.iter_modules``."""
        for path in sorted(_sources):
            rest = path[len(self._folder) :] if path.startswith(self._folder) else "/"
            name, slash, last = rest.partition("/")
            if slash and last == "__init__.py":
                yield prefix + name, True
            elif not slash and name.endswith(".py") and name != "__init__.py":
                yield prefix + name[: -len(".py")], False


def add(packed: bytes) -> None:
    """Take sources in: ``zlib`` over JSON, path -> text."""
    _sources.update(json.loads(zlib.decompress(packed).decode("ascii")))


def start(sources: Dict[str, str], marker: bytes) -> None:
    """Say that the noise of the login is over, and be a probe until the client leaves.

    What ``sources`` lack comes later, over the wire.
    """
    _sources.update(sources)
    sys.path_hooks.append(Box)
    sys.path.append(PREFIX)
    if not os.path.isdir("/proc/self"):  # psutil is needed here, and it was not brought
        import site  # noqa: PLC0415 - this interpreter was started without it

        site.main()
    os.write(1, marker)
    from trainwatch.probe.main import main  # noqa: PLC0415 - only now can it be found

    main(add)
