"""The folders of a run: what is in them, and the small files that somebody wants.

The law of this file: each root has a thread of its own, because a dead network file system hangs
whoever touches it; nothing else may wait for it. Inotify says when to look again, and a slow scan
finds what inotify cannot see. Looking costs at most a fixed share of a core, however large the root.
"""

import errno
import os
import select
import threading
import time
import zlib
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, TypeVar

from trainwatch import facts
from trainwatch.probe import busy, inotify, parts
from trainwatch.probe.listing import Memory, Root, Tree, look, matcher
from trainwatch.probe.machine import Disk, disk_of

EAGER, LAZY = 2.0, 10.0  # seconds between scans: while something moves, and when all is quiet
THOROUGH = 6  # looks, of which one takes nothing from memory: a network file system tells nobody
SETTLE = 0.1  # seconds after an event in which more of the same are awaited
SHARE = 0.003  # of a core for looking at a quiet folder; ten times that while something moves
YOUNG = 2.0  # seconds in which a file may change again without a trace in its times
PACE = 1 << 20  # bytes per second of one file that keeps changing
PATIENCE = 5.0  # seconds after which a look counts as hanging

_T = TypeVar("_T")


class _Sent(NamedTuple):
    """What was last sent of a file."""

    state: Any  # size, mtime and inode then
    crc: int
    young: bool
    not_before: float


class FolderWatch:
    """Sends listings and wanted files of one root, each time they changed."""

    def __init__(
        self,
        root: Root,
        watch: facts.Watch,
        send: Callable[[Any], None],
        wake: Callable[[], None],
        is_written: Callable[[], bool] = lambda: False,
    ) -> None:
        self.root = root
        self.looked = False  # the first look is done and sent
        self.disk: Optional[Disk] = None
        self._folders = matcher(watch.folders)
        self._wants = [(matcher([want.pattern]), want) for want in watch.wants]
        self._wanted = matcher(want.pattern for want in watch.wants)
        self._send = send
        self._wake = wake
        self._is_written = is_written  # whether somebody is known who may write here
        self._sent: Dict[str, _Sent] = {}
        self._entries: Optional[List[facts.Entry]] = None
        self._alone = False
        self._trouble = ""
        self._denied: Set[str] = set()  # files that we may not read
        self._watched: Set[str] = set()
        self._cost = 0.0  # seconds that the file system took in this round
        self._pause = EAGER
        self._memory: Memory = {}
        self._looks = 0
        self._stopped = False
        self._busy_since: Optional[float] = None
        self._inotify = inotify.Inotify()
        self._bell, self._rope = os.pipe()
        threading.Thread(target=self._run, name="folder", daemon=True).start()

    def stop(self) -> None:
        """Send nothing more. A thread that hangs in the file system is left behind."""
        os.write(self._rope, b"!")
        self._stopped = True

    def silence(self, now: float) -> float:
        """For how many seconds the file system has owed an answer. ``now`` is monotonic."""
        since = self._busy_since
        return now - since if since is not None else 0.0

    def hangs(self, now: float) -> bool:
        """Whether that is too long."""
        return self.silence(now) > PATIENCE

    def _run(self) -> None:
        while not self._stopped:
            self._cost = 0.0
            tree = self._look()
            moved = self._tell(tree)
            moved = self._offer(tree.entries) or moved
            if not self.looked:
                self.looked = True
                self._wake()
            self._rest(moved, self._watch(tree.folders))
        self._inotify.close()
        os.close(self._bell)
        os.close(self._rope)

    def _look(self) -> Tree:
        try:
            self.disk = self._asking(disk_of, self.root.path)
            if self._looks % THOROUGH == 0:
                self._memory.clear()
            self._looks += 1
            return self._asking(look, self.root, self._folders, self._wanted, self._memory)
        except FileNotFoundError:
            self._say("")
        except OSError as error:
            if self.root.sparse and isinstance(error, NotADirectoryError):
                return Tree([], [], True)  # a word of the command that might have been a folder
            self._say("{} cannot be listed: {}".format(self.root.path, error.strerror))
        return Tree([], [], True)

    def _asking(self, question: Callable[..., _T], *arguments: Any) -> _T:
        """The answer of the file system to ``question``, and note how long it takes."""
        self._busy_since = began = time.monotonic()
        try:
            return question(*arguments)
        finally:
            self._busy_since = None
            self._cost += time.monotonic() - began

    def _tell(self, tree: Tree) -> bool:
        """Send the listing if it is news."""
        if tree.folders:
            self._say("")
        if self._entries is None and not tree.folders:
            return False
        alone = self._is_alone(tree)
        if tree.entries == self._entries and alone == self._alone:
            return False
        self._entries, self._alone = tree.entries, alone
        told = facts.Listing(self.root.path, tree.entries, tree.complete, time.time(), alone)
        self._put(told)
        return True

    def _is_alone(self, tree: Tree) -> bool:
        """Whether nobody writes here now; asked only while something is young."""
        now = time.time()
        young = [one.path for one in tree.entries if now - one.mtime < busy.YOUNG]
        if not young:
            return self._alone
        if self._is_written():
            return False
        path = self.root.path
        return self._asking(busy.nobody, path, [os.path.join(path, one) for one in young])

    def _offer(self, entries: List[facts.Entry]) -> bool:
        """Send the wanted files that changed, the newest first. False: all is quiet."""
        here = {entry.path: entry for entry in entries if entry.kind == "file"}
        self._sent = {path: sent for path, sent in self._sent.items() if path in here}
        moved = False
        for entry in sorted(here.values(), key=lambda entry: -entry.mtime):
            if self._stopped:
                break
            want = next((want for match, want in self._wants if match.match(entry.path)), None)
            moved = (want is not None and self._offer_one(entry, want)) or moved
        return moved

    def _offer_one(self, entry: facts.Entry, want: facts.Want) -> bool:
        state = (entry.size, entry.mtime, entry.inode)
        sent = self._sent.get(entry.path)
        if sent is not None and sent.state == state and not sent.young:
            return False
        if sent is not None and time.monotonic() < sent.not_before:
            return True
        try:
            path = os.path.join(self.root.path, entry.path)
            found = self._asking(parts.ends, path, want, time.time())
        except OSError as error:
            self._deny(path, error)
            return True  # it is gone, or may be read later
        self._deny(path, None)
        crc = 0
        for part in found:
            crc = zlib.crc32(part.data, crc)
        size = sum(len(part.data) for part in found)
        if sent is None or (sent.crc, sent.state[0]) != (crc, entry.size):
            for part in found:
                self._put(part)
        young = abs(time.time() - entry.mtime) < YOUNG
        self._sent[entry.path] = _Sent(state, crc, young, time.monotonic() + size / PACE)
        return True

    def _deny(self, path: str, error: Optional[OSError]) -> None:
        """Say once that we may not read a file, and once that we may again."""
        refused = error is not None and error.errno in (errno.EACCES, errno.EPERM, errno.EIO)
        if refused == (path in self._denied):
            return
        if error is not None and refused:
            self._denied.add(path)
            text = "{} cannot be read: {}".format(path, error.strerror)
        else:
            self._denied.discard(path)
            text = ""
        self._put(facts.Trouble("file:" + path, text, "", time.time()))

    def _watch(self, folders: List[str]) -> bool:
        """Have inotify watch every folder. True: some are new and may have changed meanwhile."""
        seen = [one for one in folders if self._asking(self._inotify.watch, one, inotify.FOLDER)]
        fresh = set(seen) - self._watched
        self._watched = set(seen)
        return bool(fresh)

    def _rest(self, moved: bool, fresh: bool) -> None:
        """Wait until it is time to look again."""
        absent = self._entries is None
        self._pause = EAGER if moved or absent else min(self._pause * 1.5, LAZY)
        least = max(SETTLE, self._cost / (10 * SHARE))
        if fresh:
            select.select([self._bell], [], [], least)
            return
        most = max(self._pause, self._cost / (10 * SHARE if moved else SHARE))
        inputs = [self._bell] + ([self._inotify.fd] if self._inotify.fd >= 0 else [])
        if self._inotify.fd in select.select(inputs, [], [], most)[0]:
            select.select([self._bell], [], [], least)
            self._inotify.drain()
            self._memory.clear()  # what was told may have happened inside a file

    def _say(self, text: str) -> None:
        if text != self._trouble:
            self._trouble = text
            self._put(facts.Trouble("folder:" + self.root.path, text, "", time.time()))

    def _put(self, fact: Any) -> None:
        if not self._stopped:
            self._send(fact)
