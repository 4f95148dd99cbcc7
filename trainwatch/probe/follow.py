"""One target being followed.

The law of this file: it decides what is looked at and when; what is seen goes out at once. Bytes come
first: nothing that is done here may hang where the log does not.
"""

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Dict, List, Optional, Set, Union

from trainwatch import facts
from trainwatch.probe import inotify
from trainwatch.probe.folders import FolderWatch
from trainwatch.probe.found import Found, Source
from trainwatch.probe.listing import Root
from trainwatch.probe.output import Output
from trainwatch.probe.readings import Readings
from trainwatch.probe.resolve import resolve
from trainwatch.probe.rhythm import Rhythm
from trainwatch.probe.streams.file import FileStream

if TYPE_CHECKING:
    from trainwatch.probe.streams.tmux import PaneStream

MAX_FOLDERS = 24  # roots that one target may come to
GLANCE = 1.0  # seconds that a single look waits for the devices


class Following:
    """Streams, folders and readings of one target. Raises TargetError when there is none."""

    def __init__(self, watch: facts.Watch, output: Output) -> None:
        found = resolve(watch)
        self.target = watch.target
        self._output = output
        output.send(found.fact)
        if found.missing:
            output.send(facts.Trouble("output", found.missing, found.fix, time.time()))
        self._inotify = inotify.Inotify()
        self._bell, self._rope = os.pipe()
        for end in (self._bell, self._rope):
            os.set_blocking(end, False)
        resume = {one.stream: one for one in watch.resume}
        self._streams = [self._stream(one, resume.get(one.name), watch) for one in found.streams]
        self._rhythm = Rhythm(blind=not self._arm())
        self._readings = Readings(found.run, found.subject, found.job)
        self._inotify.watch(self._readings.exit_record, inotify.FILE)
        self._newest = watch.newest
        self._glanced = 0.0  # when the newest part was looked for
        self._ends: Dict[str, int] = {}  # of what was sent of it
        self._end_told = False
        self._sampled = float("inf")  # when the devices began to be read
        self._cwd = found.fact.cwd
        self._folders: List[FolderWatch] = []
        self._hanging: Set[str] = set()
        self._begin(watch, found)

    def renew(self, watch: facts.Watch) -> None:
        """The same target with other wishes; the streams go on where they are. Raises TargetError."""
        self._begin(watch, resolve(watch))

    def begin_with_devices(self) -> None:
        """From now on the devices are read as well."""
        self._sampled = time.monotonic()
        self._readings.begin_with_devices()

    def visit(self, path: str) -> None:
        """List this folder as well, where it is not listed anyway."""
        place = os.path.join(self._cwd, os.path.expanduser(path))
        place = os.path.normpath(place)
        known = {folder.root.path for folder in self._folders if not folder.root.sparse}
        if "\0" not in place and place not in known and len(self._folders) < MAX_FOLDERS:
            self._add(Root(place))
            self._caught_up = False

    def inputs(self, now: float) -> List[int]:
        """Descriptors of which ``step`` wants to hear."""
        fds = [self._bell, self._readings.fileno()]
        if not self._rhythm.rests(now):
            fds.append(self._inotify.fd)
        return [fd for fd in fds if fd >= 0]

    def patience(self, now: float) -> float:
        """Seconds after which ``step`` is due though nothing was heard."""
        if not self._at_end():
            return 0.0
        return max(0.0, min(self._readings.due - now, self._rhythm.patience(now)))

    def step(self, ready: List[int], now: float) -> bool:
        """Look at everything that is due. True: the watch was for once, and it is done."""
        if self._bell in ready:
            os.read(self._bell, 4096)
        if self._inotify.fd in ready:
            self._hear(now)
        if self._readings.fileno() in ready:
            self._send(self._readings.of_devices())
        ticks = now >= self._readings.due
        if ticks:
            disk = next((folder.disk for folder in self._folders if folder.disk), None)
            self._send(self._readings.tick(now, disk))
            self._check_folders(now)
        if not self._rhythm.rests(now) or not self._at_end():
            self._read_streams(now)
        if ticks:
            self._check_room()
        return self._conclude(now)

    def read(self, request: facts.Read) -> bool:
        """Answer a request for bytes of a stream; False when it is for something else."""
        for stream in self._streams:
            if stream.name == request.path:
                self._send([stream.part(request.offset, request.length)])
                return True
        return False

    def close(self) -> None:
        """Follow nothing any more."""
        for folder in self._folders:
            folder.stop()
        for stream in self._streams:
            stream.close()
        self._readings.close()
        self._inotify.close()

    def _begin(self, watch: facts.Watch, found: Found) -> None:
        for folder in self._folders:
            folder.stop()
        self._once = watch.once
        self._caught_up = False
        self._watch = watch
        self._folders = []
        for root in found.roots:
            self._add(root)

    def _add(self, root: Root) -> None:
        readings = self._readings
        folder = FolderWatch(
            root, self._watch, self._output.send, self._ring, lambda: readings.somebody_lives
        )
        self._folders.append(folder)

    def _stream(
        self, source: Source, resume: Optional[facts.Resume], watch: facts.Watch
    ) -> "Union[FileStream, PaneStream]":
        if source.pane is not None:
            from trainwatch.probe.streams.tmux import PaneStream  # noqa: PLC0415 - most are files

            return PaneStream(
                source.name, source.pane, self._ring, resume, live=watch.live and not watch.once
            )
        return FileStream(source.name, source.path, resume, source.held)

    def _arm(self) -> bool:
        """Have the kernel report what happens to the files. False: it cannot, or not all of it."""
        seen = True
        for stream in filter(_has_path, self._streams):
            around = self._inotify.watch(os.path.dirname(stream.path), inotify.NAMES)
            self._inotify.watch(stream.path, inotify.FILE)
            seen = seen and around and inotify.sees(stream.path)
        return seen

    def _hear(self, now: float) -> None:
        changed = self._inotify.drain()
        if self._readings.exit_record in changed:
            self._readings.look_for_the_end(now)
        for stream in filter(_has_path, self._streams):  # its path may mean another file now
            self._inotify.watch(stream.path, inotify.FILE)

    def _read_streams(self, now: float) -> None:
        if self._newest and not self._caught_up and now > self._glanced + GLANCE:
            self._glanced = now
            self._send_newest()
        news = [fact for stream in self._streams for fact in stream.poll()]
        self._send(news)
        self._rhythm.looked(bool(news), now)

    def _send_newest(self) -> None:
        """New lines first, where long older parts are still to be sent."""
        for stream in [one for one in self._streams if isinstance(one, FileStream)]:
            fact = stream.ahead(self._newest, self._ends.get(stream.name, 0))
            if fact is not None and fact.data:
                self._ends[stream.name] = fact.offset + len(fact.data)
                self._send([fact])

    def _at_end(self) -> bool:
        return all(stream.at_end for stream in self._streams)

    def _conclude(self, now: float) -> bool:
        """Say that it ended, and that everything there was has been sent, once that is so."""
        ended = self._readings.ended or self._end_of_streams()
        if ended and not self._end_told and self._at_end():
            self._end_told = True
            self._send([ended])
        if not self._caught_up and self._all_sent(now):
            self._caught_up = True
            self._send([facts.CaughtUp(time.time(), self._silent())])
        return self._once and self._caught_up

    def _silent(self) -> float:
        """Seconds since anything was written; 0.0 where a stream cannot tell."""
        return min((stream.silent() for stream in self._streams), default=0.0)

    def _all_sent(self, now: float) -> bool:
        looked = all(folder.looked or folder.hangs(now) for folder in self._folders)
        glanced = not self._once or self._readings.devices_told or now - self._sampled > GLANCE
        return self._at_end() and looked and glanced and all(one.begun for one in self._streams)

    def _end_of_streams(self) -> Optional[facts.Ended]:
        """That what was followed is over, where no process is known that would tell."""
        ended = [one.ended for one in self._streams if not self._readings.knows_the_end]
        return ended[0] if ended and all(ended) else None

    def _check_folders(self, now: float) -> None:
        """Say which file systems do not answer."""
        for folder in self._folders:
            path, hangs = folder.root.path, folder.hangs(now)
            if hangs == (path in self._hanging):
                continue
            self._hanging ^= {path}
            since = time.strftime("%H:%M:%S", time.localtime(time.time() - folder.silence(now)))
            text = "still waiting for {} since {}".format(path, since) if hangs else ""
            self._send([facts.Trouble("hanging:" + path, text, "", time.time())])

    def _check_room(self) -> None:
        """Say that a log cannot grow any more, while there is somebody who writes it."""
        if not self._end_told:
            for stream in [one for one in self._streams if isinstance(one, FileStream)]:
                self._send(stream.room())

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already
            os.write(self._rope, b"!")

    def _send(self, found: List[object]) -> None:
        for fact in found:
            self._output.send(fact)


def _has_path(stream: "Union[FileStream, PaneStream]") -> bool:
    return bool(stream.path)
