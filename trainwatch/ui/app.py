"""The way into the screen, and what a person is told when leaving it.

The law of this file: the link is opened before anything heavy is imported, so that the probe works
while we load, and what it says first is painted before Textual is there. Whatever the screen does,
the training is not touched.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from trainwatch.link.door import address
from trainwatch.read.clean import clean
from trainwatch.run.crew import Crew
from trainwatch.ui.pump import Intake, Pump

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trainwatch.link import Link
    from trainwatch.run.alerts import Alert
    from trainwatch.run.run import Run
    from trainwatch.run.session import Session
    from trainwatch.ui.memory import Memory

INTERRUPTED = 130
NEWEST = 64 << 10
"""Bytes of a long log that are wanted before what stands before them, where it comes from afar."""
FIRST = 0.12
"""Seconds that the first picture waits for what it shows."""
FAILED = 70  # EX_SOFTWARE of sysexits.h


class NothingThereError(Exception):
    """What was to be watched does not exist; the sentence of the probe about it."""


class Delivers(Protocol):
    """What the screen needs of a delivery."""

    said: Callable[[str], None]

    def deliver(self, alert: Alert, run: Run, write: Callable[[str], None]) -> None:
        """Tell of an alert; ``write`` goes to the terminal. Never waits."""


@dataclass(frozen=True)
class Options:
    """How to watch. Defaults suit a modern terminal and a run of this machine."""

    target: str = ""
    """What the probe is asked for."""
    host: str = ""
    """The machine that the person named it on, as ssh knows it; "" = this one."""
    launched: bool = False
    """Started by this very command: then its exit code is the training's."""
    replay: bool = False
    readonly: bool = False
    """Look only: nothing is started, stopped, kept or deleted."""
    theme: str = "dark"
    glyphs: Literal["braille", "block", "ascii"] = "braille"
    colours: bool = True
    mouse: bool = True
    smoothing: float = 0.6
    grace: float = 30.0
    """Seconds that a training has between the interrupt and SIGTERM when it is stopped."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Binding id -> keys, comma separated."""
    gold_command: str = ""
    """Evaluates one checkpoint on the user's gold set."""
    memory: Memory | None = None
    """How a person looked at each run before; None: nothing is remembered."""
    delivery: Delivers | None = None
    """Brings alerts to where the person wants them; None: they stand on the screen only."""

    @property
    def word(self) -> str:
        """The TARGET as a person named it."""
        return address(self.host, self.target)


class Bell:
    """What a link wakes that is opened before there is anybody to be woken."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None

    def ring(self) -> None:
        """Facts wait. Called by the link from any thread."""
        if self._wake is not None:
            self._wake()

    def wakes(self, wake: Callable[[], None]) -> None:
        """From now on ``wake`` is called."""
        self._wake = wake


class Watched:
    """One run on the screen: where its facts come from, where they go, how it is looked at.

    The caller has no request to send: the watch itself goes out here. With a ``bell`` the link is open
    already and rings it.
    """

    def __init__(
        self, link: Link, session: Session, options: Options, bell: Bell | None = None
    ) -> None:
        self.options = options
        self.session, self.run = session, session.run
        newest = NEWEST if options.host else 0
        request = session.reader.watch(options.target)._replace(newest=newest)
        self.intake = Intake(link, session, request, options.replay, bell)

    def close(self) -> None:
        """Hear no more of it; the training goes on."""
        if self.intake.begun():
            self.intake.link.close()


def watch(watched: Sequence[Watched]) -> int:
    """Show the runs until the person leaves; the exit code of the command.

    Raises NothingThereError when only one is named, and it is not there.
    """
    pump = Pump([one.intake for one in watched])
    join(watched)
    pump.open()
    draw_on_the_terminal()
    if len(watched) == 1:
        _open(watched[0], pump)

    from trainwatch.ui.monitor import Monitor  # noqa: PLC0415 - the law of this file

    monitor = Monitor(watched, pump)
    try:
        left = monitor.run(mouse=watched[0].options.mouse)
    finally:
        pump.stop()
        for one in watched:
            one.close()
    if absent(watched):
        trouble = watched[0].run.troubles["target"]
        raise NothingThereError("; ".join(filter(None, [trouble.text, trouble.fix])))
    for line in parting(watched, monitor.failure):
        print(line)  # noqa: T201 - the screen is closed; this is for the person
    if monitor.failure is not None:
        return FAILED
    if left is not None or len(watched) > 1:
        return left or 0
    return exit_code(watched[0].run, watched[0].options)


def absent(watched: Sequence[Watched]) -> bool:
    """Whether there is nothing to be seen and never was: no screen is needed to say that."""
    run, options = watched[0].run, watched[0].options
    unseen = run.target is None and "target" in run.troubles
    return len(watched) == 1 and unseen and not options.replay


def join(watched: Sequence[Watched]) -> None:
    """Let the runs find out which of them are parts of one training."""
    if len(watched) > 1:
        crew = Crew()
        for one in watched:
            crew.add(one.run, one.options.host, one.intake.now)
            one.session.crew = crew


def _open(one: Watched, pump: Pump) -> None:
    """The first picture, of what comes at once."""
    from trainwatch.ui import opening  # noqa: PLC0415 - drawing is loaded while the probe starts

    pump.read(FIRST)
    opening.show(one.run, one.options, one.intake.now())


def draw_on_the_terminal() -> None:
    """Textual draws on standard error: where that is a file, ``2>`` is meant for what fails."""
    if sys.__stderr__ is None or not sys.__stderr__.isatty():
        setattr(sys, "__stderr__", sys.__stdout__)  # noqa: B010 - typed as final


def exit_code(run: Run, options: Options) -> int:
    """The training's own code when we started it and saw it end, 0 otherwise."""
    ended = run.ended
    if not options.launched or ended is None:
        return 0
    if ended.signal is not None:
        return 128 + ended.signal
    return ended.code or 0


def parting(watched: Sequence[Watched], failure: Exception | None = None) -> list[str]:
    """What to say when the screen is closed."""
    if len(watched) == 1:
        return farewell(watched[0].run, watched[0].options, failure)
    words = " ".join(comes_back_as(one.run, one.options) for one in watched)
    told = [_slip(failure)] if failure else []
    told.append(f"What was watched goes on. Come back:  trainwatch attach {words}")
    return [clean(line, 1 << 14) for line in told]


def farewell(run: Run, options: Options, failure: Exception | None = None) -> list[str]:
    """What to say when the screen is closed: what became of the training, and how to come back."""
    told = [_slip(failure)] if failure else []
    if not options.replay:
        told += _ended(run, options) if run.ended is not None else _goes_on(run, options)
    return [clean(line, 1 << 14) for line in told]


def _slip(failure: Exception) -> str:
    what = f"{type(failure).__name__}: {failure}"
    return f"trainwatch: the screen failed ({what}). The training is not affected."


def _ended(run: Run, options: Options) -> list[str]:
    word, reason = run.state()
    how = f"{word}: {reason}" if reason else word
    if run.target is not None and run.target.kind == "stdin":
        return [f"The training {how}."]
    return [f"The training {how}. See it again:  trainwatch attach {comes_back_as(run, options)}"]


def _goes_on(run: Run, options: Options) -> list[str]:
    name, target = comes_back_as(run, options), run.target
    who = "What was watched goes on."
    if target is not None and target.pid:
        who = f"The training goes on (pid {target.pid})."
    if target is not None and target.kind == "stdin":
        return [f"{who} What it prints from now on is not kept."]
    told = [f"{who} Come back:  trainwatch attach {name}"]
    if target is not None and target.kind == "run":
        told.append(f"Stop it:  trainwatch stop {name}")
    return told


def comes_back_as(run: Run, options: Options) -> str:
    """The TARGET that leads here again, quoted for a shell."""
    target = run.target
    where = options.target
    if target is not None and target.kind == "run":
        where = target.name or target.id
    return shlex.quote(clean(address(options.host, where)))
