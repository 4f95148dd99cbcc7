"""Work on checkpoints that a person asked for: verify, keep, discard, restore.

The law of this folder: one job at a time in a thread of its own, at low priority; it says how far it
is, can be cancelled at every block of bytes, and leaves nothing half done behind. Nothing is ever
unpickled, no link is followed, and no modification time in a live folder changes.
"""

import os
import queue
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Dict, Optional

from trainwatch import facts
from trainwatch.probe.jobs import keep, trash, verify
from trainwatch.probe.jobs.progress import CancelledError, Progress, RefusedError

NICE = 10
LEAVING = 120.0  # seconds for what was thrown away to be removed; the next probe removes the rest

_Outcome = facts.JobEnded


class Jobs:
    """The jobs of one client; answers go out through ``send``."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send
        self._waiting = queue.Queue()  # type: queue.Queue[Optional[facts.Job]]
        self._progress: Dict[str, Progress] = {}
        self._thread: Optional[threading.Thread] = None
        self._trash = trash.Trash()
        if trash.remembered():  # by a probe that was killed; its disk may hang, nobody waits for it
            threading.Thread(target=trash.sweep_remembered, name="sweep", daemon=True).start()

    def add(self, job: facts.Job) -> None:
        """Do this after what was asked for before."""
        self._progress[job.id] = progress = Progress(job, self._send)
        progress.tell()
        self._waiting.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
            self._thread.start()

    def cancel(self, job: str) -> None:
        """End this job as soon as it notices."""
        progress = self._progress.get(job)
        if progress is not None:
            progress.cancelled = True

    def finish(self) -> None:
        """The client leaves: break off what goes on, and empty the trash."""
        if self._thread is None:
            return
        for progress in list(self._progress.values()):
            progress.cancelled = True
        self._waiting.put(None)
        self._thread.join(LEAVING)

    def _run(self) -> None:
        with suppress(OSError):
            os.nice(NICE)  # of this thread alone, on Linux
        while True:
            try:
                job = self._waiting.get(timeout=self._trash.patience())
            except queue.Empty:
                self._trash.empty(time.time())
                continue
            if job is None:
                break
            self._send(self._done(job)._replace(at=time.time()))
            del self._progress[job.id]
        self._trash.empty()

    def _done(self, job: facts.Job) -> _Outcome:
        progress = self._progress[job.id]
        try:
            progress.check()
            return self._do(job, progress)
        except CancelledError:
            text = "cancelled"
        except RefusedError as error:
            text = str(error)
        except FileNotFoundError:
            text = "{} was deleted meanwhile".format(os.path.basename(job.path))
        except (OSError, ValueError) as error:  # ValueError: a NUL byte in a path
            text = "{}: {}".format(job.path, getattr(error, "strerror", None) or error)
        except Exception as error:  # noqa: BLE001 - the next job must not wait for ever
            text = "{} failed ({}: {})".format(job.action, type(error).__name__, error)
        return _Outcome(job.id, False, text, "", 0, 0.0)

    def _do(self, job: facts.Job, progress: Progress) -> _Outcome:
        if job.action == "verify":
            return verify.verify(job, progress)
        if job.action in ("keep", "copy"):
            return keep.keep(job, progress)
        if job.action == "discard":
            return self._trash.discard(job, progress)
        if job.action == "restore":
            return self._trash.restore(job)
        if job.action == "remove":
            return self._trash.remove(job, progress)
        raise RefusedError("this probe cannot {}".format(job.action))
