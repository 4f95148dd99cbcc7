"""Whether a run or a process has ended, and how.

The law of this file: the exit record is believed. Without one a run has ended only when its process
is gone and nobody is left who could still write the record; how it ended is then not known, and when
only where it was seen alive: else it ended with its last sign of life.
"""

import os
import time
from typing import Optional

from trainwatch import facts
from trainwatch.probe import identity, runs

PATIENCE = 3.0  # seconds that a living supervisor may take to write the record


class Ending:
    """Looks after the end of one run."""

    def __init__(self, run: runs.Run) -> None:
        self._run = run
        self._gone_since: Optional[float] = None
        self._seen_alive = False

    def look(self, now: float) -> Optional[facts.Ended]:
        """How the run ended; None while it runs. ``now`` is monotonic."""
        ended, _ = runs.load_exit(self._run.folder)
        if ended is not None:
            return facts.Ended(ended.code, ended.signal, ended.cause, ended.at)
        if not self._is_lost(now):
            self._seen_alive = True
            return None
        return facts.Ended(None, None, "", time.time() if self._seen_alive else self._last_sign())

    def _last_sign(self) -> float:
        """When something was printed last."""
        try:
            return max(os.stat(self._run.log).st_mtime, self._run.started)
        except OSError:
            return self._run.started

    def _is_lost(self, now: float) -> bool:
        meta = self._run.meta
        if meta is not None and identity.alive(meta.training):
            self._gone_since = None
            return False
        if meta is None or not identity.alive(meta.keeper):
            return True
        if self._gone_since is None:
            self._gone_since = now
        return now - self._gone_since > PATIENCE


class Departure:
    """Looks after the end of a process that nobody started through us.

    Nobody keeps a record of it. Only while its parent has not taken note (a zombie) does the kernel
    still tell how it ended, and only to those who may see that.
    """

    def __init__(self, who: identity.Identity) -> None:
        self._who = who

    def look(self, now: float) -> Optional[facts.Ended]:
        """That the process ended; None while it lives."""
        del now
        if identity.alive(self._who):
            return None
        status = identity.exit_status(self._who)
        code = signal = None
        if status is not None:
            signal = status & 0x7F or None
            code = None if signal else status >> 8
        return facts.Ended(code, signal, "", time.time())
