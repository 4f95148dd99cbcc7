"""Accelerators: one family per file, found by looking into this folder.

The law of this file: a module here defines ``FAMILY``, a subclass of ``Family``, and nothing else
needs to know about it. Families are only ever used inside the sampler's own process, because a
driver call may hang for good.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Iterable, List, Type, Union

from trainwatch import facts

if TYPE_CHECKING:
    from trainwatch.probe.sampler import Sampler

Fact = Union[facts.DeviceReading, facts.Trouble]


class AbsentError(Exception):
    """This family cannot be read here: one sentence why, and what the user can do about it.

    ``soon``: it is worth looking again after seconds, not minutes.
    """

    def __init__(self, text: str, fix: str = "", soon: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix
        self.soon = soon


class RestartError(Exception):
    """The driver answers nothing sensible any more; a fresh process may do better."""


class Family:
    """Accelerators of one maker on this machine. ``now`` is seconds on a monotonic clock."""

    def open(self) -> None:
        """Load the driver's library. Raises AbsentError."""
        raise NotImplementedError

    def read(self, now: float) -> Iterable[facts.DeviceReading]:
        """One reading per device, each yielded as soon as it is there. Raises RestartError."""
        raise NotImplementedError


def families() -> List[Type[Family]]:
    """Every family in this folder, by file name; works inside a zip as well."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(__name__ + "." + name).FAMILY for name in names]


def start() -> "Sampler":
    """Begin to sample every device of this machine, in a process of its own."""
    from trainwatch.probe.sampler import Sampler  # noqa: PLC0415 - it stands on this module

    return Sampler()
