"""A terminal for a training that insists on one (``--pty``), and the pump that empties it.

The law of this file: the supervisor keeps the terminal open and does nothing else with it; a separate
process, the pump, moves the bytes into the log and is started again when it dies. What the pump has
taken and not yet written lies in memory that both share, so that killing the pump loses no byte.
Killing the supervisor leaves the pump at work; killing both hangs the terminal up.
"""

import fcntl
import mmap
import os
import struct
import termios
import time

from trainwatch.probe import kernel

_ROOM = 1 << 16  # bytes the pump takes at once
_BASE = struct.Struct("<q")  # size of the log before the bytes in the room went into it
_QUIET = 0.2  # seconds without a byte after which a terminal that stays open counts as drained


class Terminal:
    """One pseudo terminal whose output goes into the file ``log``."""

    def __init__(self, log: int, rows: int, columns: int, title: str) -> None:
        """Raises OSError."""
        self._log = log
        self._title = title
        self._shared = mmap.mmap(-1, _BASE.size + _ROOM)
        self._master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        _pass_bytes_unchanged(self.slave)
        self._pump = 0  # pid; 0 = none
        self._start_pump()

    def child_ended(self, pid: int, status: int) -> None:
        """To be told of every child of the supervisor; starts a new pump when it was the pump."""
        if pid != self._pump:
            return
        self._pump = 0
        if status != 0:
            time.sleep(0.05)  # a pump that cannot live must not take a whole core to die
            self._start_pump()

    def finish(self, seconds: float) -> None:
        """The training ended: let go of the terminal and wait until its last bytes are in the log."""
        os.close(self.slave)
        end = time.monotonic() + seconds
        quiet_since = time.monotonic()
        while self._pump and time.monotonic() < end:
            pid, status = os.waitpid(self._pump, os.WNOHANG)
            if pid:
                self.child_ended(pid, status)
            elif self._busy():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET:
                return
            time.sleep(0.002)

    def _busy(self) -> bool:
        waiting = bytearray(4)
        fcntl.ioctl(self._master, termios.FIONREAD, waiting)
        return any(waiting) or self._shared[_BASE.size] != 0

    def _start_pump(self) -> None:
        self._pump = os.fork()
        if self._pump == 0:
            try:
                kernel.set_title(self._title)
                kernel.close_all_but(0, 1, 2, self._master, self._log)
                _Pump(self._master, self._log, self._shared).run()
            except BaseException:  # noqa: BLE001 - the supervisor starts another
                os._exit(1)
            os._exit(0)


class _Pump:
    """Moves bytes from the terminal to the log until the terminal is closed by all who write."""

    def __init__(self, master: int, log: int, shared: mmap.mmap) -> None:
        self._master = master
        self._log = log
        self._shared = shared
        self._room = memoryview(shared)[_BASE.size :]
        self._lost = 0

    def run(self) -> None:
        self._finish_for_the_dead()
        while True:
            self._confess()
            _BASE.pack_into(self._shared, 0, os.fstat(self._log).st_size)
            try:
                count = os.readv(self._master, [self._room])
            except OSError:  # EIO: nobody has the terminal open for writing
                return
            if count == 0:
                return
            self._write(bytes(self._room[:count]))
            self._room[:count] = bytes(count)

    def _finish_for_the_dead(self) -> None:
        """Write what a killed pump had taken and not written. The room is zero where it is unused."""
        taken = bytes(self._room).rstrip(b"\0")
        (base,) = _BASE.unpack_from(self._shared)
        self._write(taken[os.fstat(self._log).st_size - base :])
        self._room[: len(taken)] = bytes(len(taken))

    def _write(self, data: bytes) -> None:
        """A training must not die of a full disk under its log: what does not fit is dropped."""
        try:
            while data:
                data = data[os.write(self._log, data) :]
        except OSError:
            self._lost += len(data)

    def _confess(self) -> None:
        """Say in the log how much of it is missing, as soon as there is room again."""
        if self._lost:
            note = "\n[trainwatch: {} bytes are missing here, the disk was full]\n"
            lost, self._lost = self._lost, 0
            self._write(note.format(lost).encode("ascii"))
            if self._lost:
                self._lost += lost


def _pass_bytes_unchanged(slave: int) -> None:
    """No echo, no newline translation: the log holds what the program wrote."""
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
