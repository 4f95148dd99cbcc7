"""A folder for the sockets of one login: ours alone, gone with us or with the next of us.

The law of this file: what a dead process left is removed only when nobody holds its lock. The kernel lets
go of a lock when its last holder dies, however it dies and in whatever container it lived.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress

_PREFIX = "tw-"
_LOCK = "lock"


class Nook:
    """A folder of mode 0700 with a short name. Raises OSError where there can be none."""

    def __init__(self) -> None:
        _sweep()
        self.path = tempfile.mkdtemp(prefix=_PREFIX)
        fresh = os.path.join(self.path, "fresh")
        self._lock = os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(OSError):  # a disk that knows no locks: then nobody else removes it
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            os.rename(fresh, os.path.join(self.path, _LOCK))  # held before anybody can find it

    def close(self) -> None:
        """Nothing of it stays."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _sweep() -> None:
    """Remove the folders of those who died before they could."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with suppress(OSError):
                    _remove_if_left(entry.path)


def _remove_if_left(folder: str) -> None:
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        return
    lock = os.open(os.path.join(folder, _LOCK), os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
