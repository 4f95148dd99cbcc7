"""Run the test functions of one module without pytest, on any Python from 3.6: ``plain.py ROOT MODULE``.

For tests of what is shipped to a machine that has nothing but an old Python.
"""

import importlib.util
import sys


def main(root: str, path: str) -> None:
    sys.path.insert(0, root)
    spec = importlib.util.spec_from_file_location("specification", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ran = [name for name in vars(module) if name.startswith("test_")]
    for name in ran:
        getattr(module, name)()
    print(len(ran))


if __name__ == "__main__":
    main(*sys.argv[1:])
