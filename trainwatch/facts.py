"""What can cross the wire, and nothing else.

The law of this file: plain tuples of plain values, no behaviour. It runs on Python 3.6 with the
standard library alone, because it is shipped to the machine where the training runs.

Units are SI base units unless a name says otherwise: seconds, bytes, watts, degrees Celsius.
``at`` is seconds since the epoch on the clock of the machine that observed the fact. ``None`` means
"not known", never zero. Strings may be hostile: whoever shows them cleans them first
(``trainwatch.read.clean``).
"""

from typing import List, NamedTuple, Optional, Tuple

# --- probe -> client ------------------------------------------------------------------------


class Hello(NamedTuple):
    """The first fact of every conversation: who is speaking."""

    version: int  # wire.VERSION of the probe
    release: str  # trainwatch.__version__ of the probe
    python: str
    host: str
    system: str  # "Linux", "Darwin"
    boot: str  # boot id; "" where the system has none
    pid: int  # of the probe
    at: float


class Target(NamedTuple):
    """What the probe found behind the words of the user, once per watch."""

    kind: str  # "run" | "log" | "folder" | "file" | "process" | ...
    id: str  # run id; "" when it is not one of our runs
    name: str
    command: List[str]  # secrets already masked
    cwd: str
    host: str
    user: str
    pid: Optional[int]
    started: Optional[float]
    streams: List[str]  # names of the byte streams that will follow as Chunks
    roots: List[str]  # folders that will follow as Listings
    note: str  # one sentence about what could not be found; "" when nothing is missing
    at: float
    guessed: List[str] = []  # noqa: RUF012 - never written to; those of ``roots`` that may hold the files of other runs as well


class Chunk(NamedTuple):
    """Bytes ``offset .. offset+len(data)`` of one stream, in order, no byte twice."""

    source: str
    offset: int
    data: bytes
    at: float


class Gap(NamedTuple):
    """The stream broke here: the next Chunk of ``source`` starts at ``offset`` and continues nothing."""

    source: str
    offset: int
    reason: (
        str  # "truncated" | "replaced": it began anew; "missing": the same stream, bytes are lost
    )
    at: float


class CaughtUp(NamedTuple):
    """Everything that existed when the watch began has been sent. Sent once per Watch."""

    at: float
    silent: float = 0.0
    """Seconds since the newest of the followed files was written; 0.0 = not known."""


class Entry(NamedTuple):
    """One name inside a Listing."""

    path: str  # relative to the listing's root, "/" separated
    kind: str  # "file" | "folder" | "link" | "other"
    size: int  # apparent size
    stored: int  # bytes with storage behind them (a file may be created sparse at its full length)
    mtime: float
    inode: int
    links: int


class Listing(NamedTuple):
    """The tree below ``root`` as far as the Watch asks for it. Sent again whenever it changed."""

    root: str
    entries: List[Entry]
    complete: bool  # False: the walk hit its limits, more exists
    at: float
    alone: bool = False  # nobody writes below it now, as far as that could be seen


class FileBytes(NamedTuple):
    """Part of a file, either because a Watch wants it or as an answer to Read."""

    path: str  # absolute
    offset: int
    data: bytes
    size: int  # of the whole file at that moment
    mtime: float
    at: float


class GpuProcess(NamedTuple):
    """One process on a device as the driver lists it."""

    pid: int
    memory: Optional[int]


class DeviceReading(NamedTuple):
    """One sample of one accelerator. A cell that could not be read is None and named in ``faults``."""

    family: str  # "nvidia"
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    uuid: str
    name: str
    busy: Optional[float]  # 0..1: share of the last window in which any kernel ran
    memory_used: Optional[int]
    memory_total: Optional[int]
    power: Optional[float]
    power_limit: Optional[float]
    temperature: Optional[float]
    throttle: List[str]  # names of the active reasons, e.g. "power cap", "hot"
    processes: List[GpuProcess]
    faults: List[Tuple[str, str]]  # (cell, reason): ("power", "not supported"), ("*", "lost")
    fake: bool  # the driver library is a stand-in made for tests
    at: float
    node: str = ""  # the machine, where a training runs on several; "" = that of the Target


class ProcessReading(NamedTuple):
    """One sample of the training's process tree."""

    pid: int
    state: str  # "running" | "sleeping" | "disk" | "stopped" | "zombie" | "gone"
    cpu: Optional[float]  # cores in use by the whole tree: 4.12 means 412 %
    memory: Optional[int]  # resident bytes of the whole tree
    tree: List[int]  # every pid of the tree, the root first
    at: float
    node: str = ""  # as in DeviceReading


class Part(NamedTuple):
    """The processes here are a part of a training on several machines. Sent again when it changes."""

    job: str  # the same for all parts and for no other training; says nothing else
    ranks: List[int]  # of the processes here
    world: int  # ranks in all
    at: float


class Nodes(NamedTuple):
    """The machines that a job of a cluster runs on. Sent once that is known."""

    number: str  # of the job, as srun takes it
    names: List[str]
    here: str  # the one whose processes this probe sees by itself; "" = none
    at: float


class MachineReading(NamedTuple):
    """One sample of the host."""

    cores: int
    cpu: Optional[float]  # cores in use
    memory_used: Optional[int]
    memory_total: Optional[int]
    disk: str  # the folder whose file system is meant
    disk_free: Optional[int]
    disk_total: Optional[int]
    at: float
    node: str = ""  # as in DeviceReading


class Ended(NamedTuple):
    """The training ended. ``code`` and ``signal`` are apart; both None = it is gone, how is unknown."""

    code: Optional[int]
    signal: Optional[int]
    cause: str  # "" | "oom" (only when the kernel's counter proves it) | ...
    at: float


class Trouble(NamedTuple):
    """Something does not work; the rest goes on. An empty ``text`` withdraws the trouble of ``where``."""

    where: str  # "devices", "stream:output.log", "folder:/x", "link", ...
    text: str
    fix: str  # what the user can do; "" when nothing
    at: float


class RunSeen(NamedTuple):
    """One of the runs on a machine, as its run directory tells."""

    id: str
    name: str
    command: List[str]
    cwd: str
    host: str
    pid: Optional[int]
    state: str  # "running" | "ended" | "failed" | "killed" | "unknown"
    code: Optional[int]
    signal: Optional[int]
    cause: str
    started: Optional[float]
    ended: Optional[float]
    log: str  # absolute path of its output.log


class Runs(NamedTuple):
    """Answer to ListRuns, newest first."""

    runs: List[RunSeen]
    at: float


class Answer(NamedTuple):
    """Progress or result of a Stop or Launch: sentences for the user, the last one with ``done``.

    ``code`` is what trainwatch exits with when the whole of it failed.
    """

    ok: bool
    done: bool
    text: str
    at: float
    code: int = 1


class Job(NamedTuple):
    """Do something with a checkpoint: JobStep, FileChecked and one JobEnded answer. One at a time.

    "verify": read every byte. "keep", "copy": put it into a folder ``kept`` beside it, sharing bytes
    where that is safe, or not. "discard": into the trash beside it, whole or only ``names`` of it;
    "restore": back from there; what stays there for 30 s, or when the client leaves, is removed.
    "remove": discard without a way back.
    """

    id: str  # chosen by the client; the answers carry it
    action: str
    path: str
    names: List[str]


class TensorChecked(NamedTuple):
    """What reading every byte of one tensor found."""

    name: str
    dtype: str  # as safetensors spells it; "" where it is not known
    shape: List[int]  # one number of elements where the shape is not known
    size: int
    crc: int
    nans: int
    infinities: int


class FileChecked(NamedTuple):
    """What reading every byte of one file of a checkpoint found."""

    job: str
    path: str  # relative to the checkpoint; "" where that is the file
    size: int
    crc: int  # of the content: of an archive, of its entries
    fault: str  # in words; "" when nothing is wrong
    tensors: List[TensorChecked]  # a part of them when the next fact is about the same file
    at: float
    proven: str = ""  # by what: "checksums" of every byte, its "form" alone; "": it was only read


class JobStep(NamedTuple):
    """How far a Job is; the first one says that it was taken on."""

    job: Job
    done: int  # bytes
    total: int
    text: str  # what is being worked on
    at: float


class JobEnded(NamedTuple):
    """The last word about a Job."""

    job: str
    ok: bool
    text: str  # one sentence: what was done, or why not
    path: str  # what is there now: the kept copy, the place in the trash; "" for nothing
    freed: int  # bytes that are free now, or will be when the trash is emptied
    at: float


class Pong(NamedTuple):
    """Answer to Ping."""

    at: float


# --- client -> probe ------------------------------------------------------------------------


class Want(NamedTuple):
    """Send these parts of every listed file whose name matches, whenever the file changed."""

    pattern: str  # fnmatch on the path relative to the root
    head: int  # bytes from the start; files up to this size arrive whole
    tail: int  # bytes from the end; 0 = none


class Resume(NamedTuple):
    """Where an earlier watch of a stream stopped."""

    stream: str
    offset: int  # continue here instead of at the start
    tail: str = ""  # latin-1 of the bytes just before: when they differ the stream is another one


class Watch(NamedTuple):
    """Follow this. Replaces an earlier Watch.

    Streams of the same target go on where they are; ``resume`` counts for streams that begin.
    """

    target: str  # WHERE of the command-line contract, without the host
    folders: List[str]  # fnmatch patterns of folder names worth listing with their content
    wants: List[Want]
    resume: List[Resume]
    once: bool  # leave after CaughtUp
    roots: List[str] = []  # noqa: RUF012 - folders to list beside those that the target leads to
    live: bool = True  # False: what is there now is enough, nothing need be set up to hear more
    deep: bool = False  # a folder without checkpoints may hold the folders of several runs
    newest: int = 0  # bytes of the end of a long stream to send as FileBytes before all of it


class Read(NamedTuple):
    """Send this part of a file or stream as FileBytes."""

    path: str
    offset: int
    length: int


class Visit(NamedTuple):
    """List this folder beside those that the target leads to; CaughtUp says when it has come."""

    path: str  # as the training printed it: relative to where it runs


class ListRuns(NamedTuple):
    """Ask for Runs."""


class Stop(NamedTuple):
    """Stop a run: SIGINT, after ``grace`` SIGTERM, then SIGKILL; ``now`` = SIGKILL at once."""

    target: str
    now: bool
    grace: float


class Launch(NamedTuple):
    """Start a command detached on the probe's machine; the Answer's text is the run id."""

    command: List[str]
    cwd: str
    name: str
    pty: bool


class Cancel(NamedTuple):
    """End this Job, or forget it if it has not begun."""

    id: str


class Modules(NamedTuple):
    """The part of the probe's own program that it can begin without, as ``boot`` takes it."""

    data: bytes


class Ping(NamedTuple):
    """Still there? Answered by Pong; a probe that hears nothing for 60 s leaves."""


class Bye(NamedTuple):
    """The client leaves; the training stays."""
