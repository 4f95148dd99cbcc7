"""The panes of the tmux servers of this user.

The law of this file: tmux is asked, with a limit on the time that it may take; nothing is changed.
What a person may name is compared as it stands: no beginnings of names, no guessing.
"""

import os
import re
import shutil
from typing import Dict, List, NamedTuple, Optional

from trainwatch.probe import asking

PATIENCE = 10.0  # seconds that tmux may take to answer
_FIELDS = "#{pane_id} #{pane_pid} #{pane_tty} #{window_active}#{pane_active} #{window_index} #{pane_index}"
_NAMES = "#{session_name}\n#{window_name}"


class Pane(NamedTuple):
    """One pane."""

    socket: str  # of its server
    id: str  # "%3"; never handed out again by the same server
    pid: int  # of its first process, usually a shell
    tty: str  # "/dev/pts/5"
    place: str  # "session:window.pane"
    names: List[str]  # what a person may call it

    @property
    def words(self) -> str:
        """What it is, for a person."""
        return "the tmux pane {}".format(self.known_as)

    @property
    def known_as(self) -> str:
        """Its id and its place, with the server where that is not the usual one."""
        server = os.path.basename(self.socket)
        where = self.place if server == "default" else "{} on {}".format(self.place, server)
        return "{} ({})".format(self.id, where)


class TmuxError(Exception):
    """tmux did not do what it was asked: one sentence."""


def ask(socket: str, *words: str) -> bytes:
    """What tmux prints. Raises TmuxError."""
    try:
        answer = asking.ask(["tmux", "-u", "-S", socket, *words], PATIENCE)
    except FileNotFoundError:
        raise TmuxError("tmux is not installed here") from None
    except asking.LateError:
        raise TmuxError("tmux does not answer") from None
    except OSError as error:
        raise TmuxError("tmux cannot be started: {}".format(error.strerror)) from None
    if answer.code:
        raise TmuxError(answer.complaint.strip() or "tmux refuses")
    return answer.said


def sockets() -> List[str]:
    """Where tmux servers of this user may listen: ours first, then the default one."""
    inside = os.environ.get("TMUX", "").partition(",")[0]
    base = os.environ.get("TMUX_TMPDIR") or "/tmp"  # noqa: S108 - where tmux itself has them
    folder = os.path.join(base, "tmux-{}".format(os.getuid()))
    try:
        names = sorted(os.listdir(folder), key=lambda name: (name != "default", name))
    except OSError:
        names = []
    found = ([inside] if inside else []) + [os.path.join(folder, name) for name in names]
    return list(dict.fromkeys(path for path in found if os.path.exists(path)))


def on(socket: str) -> List[Pane]:
    """The panes of one server; none where none listens."""
    try:
        told = ask(socket, "list-panes", "-a", "-F", _FIELDS + "\n" + _NAMES)
    except TmuxError:
        return []
    return parse(socket, told.decode("utf-8", "replace"))


def parse(socket: str, text: str) -> List[Pane]:
    """The answer of ``list-panes``: three lines for each pane."""
    lines = text.split("\n")
    found = []
    for start in range(0, len(lines) - 2, 3):
        fields, session, window = lines[start : start + 3]
        name, pid, tty, active, window_index, index = fields.split(" ")
        windows = ["{}:{}".format(session, window_index), "{}:{}".format(session, window)]
        names = [name] + ["{}.{}".format(one, index) for one in windows]
        if active[1:] == "1":
            names += windows
        if active == "11":
            names += [session, session + ":"]
        place = "{}:{}.{}".format(session, window_index, index)
        found.append(Pane(socket, name, int(pid), tty, place, names))
    return found


def every() -> List[Pane]:
    """All panes of all servers of this user."""
    return [pane for socket in sockets() for pane in on(socket)]


def named(word: str) -> List[Pane]:
    """The panes that ``word`` can mean, on the first server that has one.

    Raises TmuxError where there is no tmux at all.
    """
    if shutil.which("tmux") is None:
        raise TmuxError("tmux is not installed here")
    for socket in sockets():
        found = [pane for pane in on(socket) if word in pane.names]
        if found:
            return found
    return []


def behind(tty: str, environment: Dict[str, str]) -> Optional[Pane]:
    """The pane whose terminal is ``tty``; ``environment`` is that of a process in it."""
    inside = environment.get("TMUX", "").partition(",")[0]
    return at(([inside] if inside else []) + sockets(), tty)


def at(servers: List[str], tty: str) -> Optional[Pane]:
    """The pane of one of these servers whose terminal is ``tty``."""
    panes = (pane for socket in dict.fromkeys(servers) for pane in on(socket))
    return next((pane for pane in panes if pane.tty == tty), None)


def exists(pane: Pane) -> bool:
    """Whether the pane is still there. Raises TmuxError where that cannot be told."""
    try:
        told = ask(pane.socket, "list-panes", "-a", "-F", "#{pane_id}")
    except TmuxError as error:
        if re.search(
            r"no server|error connecting|server exited|lost server|no such file",
            str(error),
            re.IGNORECASE,
        ):
            return False
        raise
    return pane.id.encode("ascii") in told.split()


def foreground(pane: Pane) -> int:
    """The process that has the terminal of the pane: the shell itself when it waits."""
    try:
        with open("/proc/{}/stat".format(pane.pid), "rb") as file:
            text = file.read()
        return int(text[text.rfind(b")") + 1 :].split()[5])  # tpgid of proc(5)
    except (OSError, ValueError, IndexError):
        return pane.pid
