"""Which numbers the entries of a ``torch.save`` archive hold, told by its pickle without loading it.

The law of this file: opcodes are read one after the other and nothing is called, built or imported.
A storage stands in the pickle as a persistent id ("storage", its class, key, where it was, number of
elements); the name before it is that of the tensor. Format: torch/serialization.py of PyTorch.
"""

import pickletools
from typing import Any, Callable, Dict, List, NamedTuple

_DTYPES = {
    "FloatStorage": "F32", "DoubleStorage": "F64", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
    "ByteStorage": "U8", "BoolStorage": "BOOL",
}  # fmt: skip
_WIDTHS = {
    "F32": 4, "F64": 8, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
_EVERY = 4096


class Storage(NamedTuple):
    """What one entry holds."""

    name: str  # of the tensor, as far as it is known
    dtype: str
    elements: int

    @property
    def size(self) -> int:
        """Bytes; -1 where that is not known."""
        return self.elements * _WIDTHS[self.dtype] if self.dtype in _WIDTHS else -1


def storages(data: bytes, check: Callable[[], None]) -> Dict[str, Storage]:
    """Key -> what is there. Raises ValueError for what is no pickle."""
    found: Dict[str, Storage] = {}
    scan = _Scan()
    for number, (opcode, value, _) in enumerate(pickletools.genops(data)):
        if number % _EVERY == 0:
            check()
        atoms = scan.step(opcode.name, value)
        if len(atoms) >= 5 and atoms[0] == "storage" and type(atoms[4]) is int:
            kind = str(atoms[1]).rpartition(" ")[2]
            found.setdefault(str(atoms[2]), Storage(scan.name, _DTYPES.get(kind, ""), atoms[4]))
    return found


class _Scan:
    """The last values, as far as they matter for a persistent id."""

    def __init__(self) -> None:
        self.name = ""
        self._said = ""
        self._last = None  # type: Any
        self._memo: Dict[int, Any] = {}
        self._group: List[Any] = []

    def step(self, name: str, value: Any) -> List[Any]:
        """Take in one opcode; the parts of the persistent id when it is one."""
        if name == "BINPERSID":
            group, self._group = self._group, []
            return group
        if name == "MARK":
            self._group = []
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[value] = self._last
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._last
        elif name in ("BINGET", "LONG_BINGET"):
            self._push(self._memo.get(value))
        elif isinstance(value, (str, int)) and name not in ("PROTO", "FRAME"):
            self._push(value)
        else:
            self._last = None
        return []

    def _push(self, value: Any) -> None:
        self._last = value
        if len(self._group) < 16:
            self._group.append(value)
        if isinstance(value, str):
            if value.startswith("torch._utils _rebuild"):
                self.name = self._said
            elif " " not in value:
                self._said = value
