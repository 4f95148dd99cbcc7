"""What the reading stage says about a run.

The law of this file: plain immutable values that know nothing of the machine they came from. Metric
records are columnar, so that one live line and a block of a million lines are the same thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from array import array

Split: TypeAlias = Literal["train", "eval", "test", "other"]

UNKNOWN_STEP = -1
"""A step in a ``Metrics.steps`` column that the line itself did not tell."""


class Key(NamedTuple):
    """Which quantity a column holds."""

    name: str  # canonical, lower case, without split prefix: "loss", "learning_rate", "grad_norm"
    split: Split = "train"
    dataset: str | None = None  # name of the evaluation set when there are several
    key: str = ""  # what the framework printed
    rank: int | None = None

    @property
    def series(self) -> Key:
        """The identity of the series this belongs to: the printed spelling does not matter."""
        return self._replace(key="")


class Metrics(NamedTuple):
    """Rows of numbers that were reported together; all columns have the same length.

    A row without a step takes the step of the training's own progress counter that follows it
    (the Trainer redraws its bar right after each record). ``columns`` may hold NaN and infinities:
    they are findings, not errors.
    """

    source: str  # the stream or file
    keys: tuple[Key, ...]
    columns: tuple[array[float], ...]  # array("d"), one per key
    steps: array[int]  # array("q"); UNKNOWN_STEP where the row did not tell
    epochs: array[float]  # array("d"); NaN where the row did not tell
    offsets: array[int]  # array("q"): where in the source each row starts
    at: float | None  # when it was seen arriving; None for history
    joins: bool = True  # False: rows without a step wait for no counter; nobody will tell


class Progress(NamedTuple):
    """A counter: where the training (or an evaluation, a download, ...) stands.

    The training's own counter of steps has split "train" and unit "step"; everything else is told
    apart by the reader already. Of the counts of one feed only those that matter are told: the one
    that waiting rows take their step from, and the newest of each counter.
    """

    source: str
    offset: int
    done: float
    total: float | None
    unit: Literal["step", "epoch", "batch", "other"]
    label: str  # description of the bar; "" for none
    split: Split
    elapsed: float | None  # seconds, as the bar itself tells
    remaining: float | None
    rate: float | None  # units per second
    at: float | None


NoticeKind: TypeAlias = Literal[
    "saving", "resumed", "traceback", "oom", "early-stop", "summary", "gap"
]


class Notice(NamedTuple):
    """An event told in words."""

    kind: NoticeKind
    text: str  # cleaned
    source: str
    offset: int
    at: float | None


class Unread(NamedTuple):
    """Lines that hold numbers and that no dialect understood."""

    source: str
    count: int  # type: ignore[assignment]
    offset: int  # of the first
    sample: str  # the first, cleaned and cut
    at: float | None


class Tensor(NamedTuple):
    """One tensor of a weight file, as its header describes it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    file: str


class CheckpointFile(NamedTuple):
    """One file of a checkpoint."""

    path: str  # relative to the checkpoint
    size: int
    part: Literal["weights", "optimizer", "other"]


CheckpointState: TypeAlias = Literal["writing", "complete", "incomplete", "corrupt", "unreadable"]


class CheckpointSeen(NamedTuple):
    """One checkpoint as its layout recognised it. Best, last and gap are the run's business."""

    path: str  # absolute
    name: str
    layout: str
    step: int | None
    epoch: float | None
    created: float
    files: tuple[CheckpointFile, ...]
    state: CheckpointState
    reason: str | None
    progress: float | None  # 0..1 while writing, where the header tells the final size
    resumable: Literal["full", "weights", "no"]
    metrics: tuple[tuple[str, float], ...]  # at this step, framework's keys: ("eval_loss", 0.47)
    claims_best: str | None  # name or path of the checkpoint that the framework itself calls best
    facts: tuple[tuple[str, str], ...]  # other things worth showing: ("LoRA", "r 8, alpha 16")
    inside: int = 0  # bytes of states of an optimizer that lie in a file together with the weights

    @property
    def parts(self) -> dict[str, int]:
        """Bytes of the weights, of what an optimizer holds, and of everything else."""
        sums = {"weights": -self.inside, "optimizer": self.inside, "other": 0}
        for file in self.files:
            sums[file.part] += file.size
        return sums

    @property
    def is_final(self) -> bool:
        """Whether it is what the training left in its output folder in the end."""
        return self.name == "final"


class ContentsSeen(NamedTuple):
    """What is inside one checkpoint, as far as its headers and small files tell."""

    path: str  # of the checkpoint
    tensors: tuple[Tensor, ...]
    arguments: tuple[tuple[str, str], ...]  # of the training and of its adapters
    faults: tuple[tuple[str, str], ...]  # (file, why it cannot be looked into)
    done: bool  # nothing more will come
    at: float


class CheckpointsSeen(NamedTuple):
    """All checkpoints below one root; replaces what was known of that root."""

    root: str
    checkpoints: tuple[CheckpointSeen, ...]
    odd: tuple[tuple[str, str], ...]  # (name, why it was not looked into)
    at: float


class Score(NamedTuple):
    """One number that an evaluation on a gold set gave."""

    metric: str  # "exact_match", or "task/metric" where the file holds several tasks
    value: float
    stderr: float | None
    n: int | None  # examples it was measured on
    higher_is_better: bool | None  # None: the file does not tell


class Result(NamedTuple):
    """One results file of an evaluation that was run beside the training."""

    path: str  # absolute
    tool: str  # "lm-evaluation-harness", "lighteval", ...
    scores: tuple[Score, ...]
    names: tuple[str, ...]  # strings in it that may name the checkpoint it was measured on
    step: int | None
    made: float  # when: as the file tells, else when it was changed
    at: float


Record: TypeAlias = Metrics | Progress | Notice | Unread | CheckpointsSeen | ContentsSeen | Result
