"""The run directories on this machine: ``<state>/runs/<id>/`` with meta.json, output.log, exit.json.

The law of this file: a run directory gets its name only when everything in it is complete, its files
are private to the user, and it is read tolerantly: a damaged record is still listed and says what
is wrong with it. Nothing of the environment is stored and secrets in the command line are masked.
"""

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple, Type, TypeVar

from trainwatch.probe import identity

if TYPE_CHECKING:
    from trainwatch import facts

MARK = "TRAINWATCH_RUN"  # environment variable of a training: orphans are found by it
LOG = "output.log"
META = "meta.json"
EXIT = "exit.json"
EXIT_SIZE = 512  # bytes of an exit record: one disk block, allocated before the training starts

# No vowels (no words), none that look alike; the first character is a letter, so that an id or a
# prefix of one never looks like a process id.
_LETTERS = "bcdfghjkmnpqrstvwxz"
_DIGITS = "23456789"
_ID_LENGTH = 6

_Record = TypeVar("_Record", "Meta", "Exit")


class Meta(NamedTuple):
    """meta.json: what was started. Written once, before the training runs."""

    id: str
    name: str
    command: List[str]  # secrets masked
    cwd: str
    host: str
    user: str
    started: float
    pty: bool
    pid: int
    start: int
    supervisor: int
    supervisor_start: int
    boot: str
    namespace: str
    release: str

    @property
    def training(self) -> identity.Identity:
        """The process that was started."""
        return identity.Identity(self.pid, self.start, self.boot, self.namespace)

    @property
    def keeper(self) -> identity.Identity:
        """Its supervisor."""
        return identity.Identity(self.supervisor, self.supervisor_start, self.boot, self.namespace)


class Exit(NamedTuple):
    """exit.json: how it ended."""

    code: Optional[int]
    signal: Optional[int]
    cause: str  # "" | "oom"
    at: float


class Run(NamedTuple):
    """One run directory as it could be read."""

    id: str
    folder: str
    meta: Optional[Meta]
    exit: Optional[Exit]
    damage: str  # one sentence; "" when the record is sound
    changed: float  # when the directory was made, for order

    @property
    def log(self) -> str:
        """The path of its output.log."""
        return os.path.join(self.folder, LOG)

    @property
    def name(self) -> str:
        """The name that the user gave it; "" for none."""
        return self.meta.name if self.meta else ""

    @property
    def started(self) -> float:
        """When it was started, as well as that is known."""
        return self.meta.started if self.meta else self.changed

    @property
    def state(self) -> str:
        """running, ended, failed, killed or unknown, as ``facts.RunSeen`` means it."""
        if self.exit is not None:
            if self.exit.signal is not None:
                return "killed"
            return "ended" if self.exit.code == 0 else "failed"
        return "running" if self.meta and identity.alive(self.meta.training) else "unknown"


# --- where they are -------------------------------------------------------------------------


def state_folder() -> str:
    """Where trainwatch keeps its own state."""
    chosen = os.environ.get("TRAINWATCH_STATE")
    if chosen:
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: relative paths are to be ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "trainwatch")


def runs_folder() -> str:
    """Where the run directories are."""
    return os.path.join(state_folder(), "runs")


def folder_of(run: str) -> str:
    """The run directory of the run ``run``."""
    return os.path.join(runs_folder(), run)


def fresh() -> Run:
    """A new, still unnamed run directory with an empty log and room for the exit record.

    Raises OSError. ``publish`` gives it its name.
    """
    base = runs_folder()
    os.makedirs(base, mode=0o700, exist_ok=True)
    while True:
        name = new_id()
        folder = os.path.join(base, "." + name)
        if os.path.exists(folder_of(name)):
            continue
        try:
            os.mkdir(folder, 0o700)
            break
        except FileExistsError:
            continue
    run = Run(name, folder, None, None, "", time.time())
    try:
        write_private(run.log, b"")
        write_private(os.path.join(folder, EXIT), b" " * (EXIT_SIZE - 1) + b"\n")
    except OSError:
        discard(run)
        raise
    return run


def publish(run: Run, meta: Meta) -> None:
    """Write meta.json and give the directory its name. Raises OSError."""
    text = json.dumps(meta._asdict(), indent=1, sort_keys=True)
    write_private(os.path.join(run.folder, META), text.encode("ascii") + b"\n")
    os.rename(run.folder, folder_of(run.id))


def discard(run: Run) -> None:
    """Remove a run directory, published or not, in which nothing ever ran."""
    for folder in (run.folder, folder_of(run.id)):
        for name in (META, EXIT, LOG):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def exit_record(ended: Exit) -> bytes:
    """The whole content of exit.json, always ``EXIT_SIZE`` bytes long."""
    text = json.dumps(ended._asdict(), sort_keys=True).encode("ascii")
    return text.ljust(EXIT_SIZE - 1) + b"\n"


def write_private(path: str, data: bytes) -> None:
    """A new file that only the user may read. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)


def new_id() -> str:
    """Six letters and digits that no process id looks like."""
    draw = bytearray(os.urandom(_ID_LENGTH))
    alphabet = _LETTERS + _DIGITS
    first = _LETTERS[draw[0] % len(_LETTERS)]
    return first + "".join(alphabet[byte % len(alphabet)] for byte in draw[1:])


# --- reading them ---------------------------------------------------------------------------


def load(folder: str) -> Run:
    """The run directory ``folder``, however damaged."""
    name = os.path.basename(folder)
    meta, damage = None, ""
    try:
        meta = _parse(Meta, _read(os.path.join(folder, META)))
    except (OSError, ValueError) as error:
        damage = "{} of run {} cannot be read: {}".format(META, name, _why(error))
    try:
        changed = os.stat(folder).st_mtime
    except OSError:
        changed = 0.0
    ended, exit_damage = load_exit(folder)
    return Run(name, folder, meta, ended, damage or exit_damage, changed)


def load_exit(folder: str) -> Tuple[Optional[Exit], str]:
    """The exit record of a run directory and what is wrong with it: ``(Exit or None, sentence)``."""
    try:
        text = _read(os.path.join(folder, EXIT)).strip()
        return (_parse(Exit, text) if text else None), ""
    except (OSError, ValueError) as error:
        name = os.path.basename(folder)
        return None, "{} of run {} cannot be read: {}".format(EXIT, name, _why(error))


def every() -> List[Run]:
    """All runs of this user, newest first."""
    base = runs_folder()
    try:
        with os.scandir(base) as entries:
            folders = [e.path for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    found = [load(folder) for folder in folders]
    return sorted((run for run in found if run.changed), key=lambda run: -run.started)


def find(word: str) -> List[Run]:
    """The runs that ``word`` can mean: none, one, or several when it is ambiguous.

    "" is the newest run of this host; digits are the process id of a training, if possible one that
    lives; an id or a name beats the prefix of an id; of several runs with the same name the newest
    is meant.
    """
    known = every()
    if word.isdigit():
        same = [run for run in known if run.meta and str(run.meta.pid) == word]
        return ([run for run in same if run.state == "running"] or same)[:1]
    if not word:
        host = hostname()
        own = [run for run in known if run.meta and run.meta.host == host]
        return (own or known)[:1]
    exact = [run for run in known if run.id == word] + [r for r in known if r.name == word][:1]
    if exact:
        return exact[:1] if len({run.id for run in exact}) == 1 else exact
    return [run for run in known if run.id.startswith(word)]


def hostname() -> str:
    """The name of this machine."""
    return os.uname().nodename


def seen(run: Run) -> "facts.RunSeen":
    """The run as it crosses the wire."""
    from trainwatch import facts  # noqa: PLC0415 - a launch need not wait for the whole vocabulary

    meta, ended = run.meta, run.exit
    return facts.RunSeen(
        id=run.id,
        name=run.name,
        command=meta.command if meta else [],
        cwd=meta.cwd if meta else "",
        host=meta.host if meta else "",
        pid=meta.pid if meta else None,
        state=run.state,
        code=ended.code if ended else None,
        signal=ended.signal if ended else None,
        cause=ended.cause if ended else "",
        started=run.started or None,
        ended=ended.at if ended else None,
        log=run.log,
    )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(1 << 20)


def _parse(kind: Type[_Record], text: bytes) -> _Record:
    """A record from JSON, every field of the right type. Raises ValueError."""
    try:
        value = json.loads(text.decode("utf-8"))
    except RecursionError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("it holds no record")  # noqa: TRY004 - damage, not a mistake of ours
    values: Dict[str, Any] = {}
    for field, type_ in kind.__annotations__.items():
        if not _fits(type_, value.get(field)):
            raise ValueError("{} is missing or wrong".format(field))
        values[field] = value.get(field)
    return kind(**values)


def _fits(kind: Any, value: Any) -> bool:
    if kind == Optional[int]:
        return value is None or type(value) is int
    if kind == List[str]:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind is float:
        return type(value) in (int, float) and abs(value) < 1e15
    return type(value) is kind


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0)
    return str(error)
