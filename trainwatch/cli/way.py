"""From the words for a target to the way there: which link, and what the probe is asked for.

The law of this file: every verb goes through here, so that a run on another machine is as good as one
on this. A login is made before anything else and lasts as long as the verb.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.cli.piped import set_aside
from trainwatch.cli.target import Target, parse
from trainwatch.link.child import ChildLink, local_probe
from trainwatch.link.door import address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from trainwatch.link import Link
    from trainwatch.link.door import Door
    from trainwatch.link.login import Login
    from trainwatch.link.ssh import SshDoor

NOT_FOUND, NOT_CONNECTED = 3, 4
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]*")
_COLON = "; a machine is named with a colon: "


class Way(NamedTuple):
    """How a target is reached. Several links may be made, one after the other."""

    host: str  # "user@host"; "" = this machine
    where: str  # what the probe there is asked for
    make: Callable[[Path | None], Link]
    is_here: bool  # what it leads to can be looked at without the link
    piped: int | None = None  # the descriptor of a pipe that we are given to read

    def link(self, record: Path | None = None) -> Link:
        """A link there, not opened yet; with ``record`` it writes a journal."""
        return self.make(record)

    def to(self, where: str) -> Way:
        """The way to something else on the same machine."""
        return self._replace(where=where)

    @property
    def word(self) -> str:
        """The TARGET that leads here again."""
        return address(self.host, self.where)


def here(where: str) -> Way:
    """The way to something on this machine."""
    return _probed("", where, local_probe())


def check(where: str) -> None:
    """Refuse what the probe would refuse, before a screen opens to say only that."""
    from trainwatch.probe.resolve import TargetError, resolve
    from trainwatch.read.reader import Reader

    try:
        resolve(Reader().watch(where))
    except TargetError as error:
        fix = f"; {error.fix}" if error.fix else ""
        raise absent("", where, error.text + fix) from error


@contextmanager
def reached(
    words: Sequence[str], meanwhile: Iterable[object] = (), attended: bool = False
) -> Iterator[Way]:
    """The way to the one target that was named, or to the newest run of this machine.

    ``meanwhile`` is done step by step while another machine lets us in. ``attended``: a person sits at
    a screen and may log in again.
    Raises UsageError, and CommandError when the machine cannot be reached.
    """
    if len(words) > 1:
        raise CommandError("one target at a time: name one")
    target = parse(words[0] if words else "")
    login = _log_in(target.host, meanwhile) if target.host else None
    try:
        yield way_to(target, login.door(attended) if login is not None else None)
    except CommandError as error:
        if error.code != NOT_FOUND:
            raise
        raise absent(target.host, target.where, error.text) from error
    finally:
        if login is not None:
            login.close()


def absent(host: str, where: str, text: str) -> CommandError:
    """That there is no ``where``, in words of the probe on ``host`` made fit for whoever sits here.

    Who names a machine as ssh wants it is told how we do.
    """
    if host:
        more = f" {address(host, '')}" if text.endswith("trainwatch list") else ""
        text = text.replace("trainwatch run", f"trainwatch run --on {host}")
        return CommandError(f"{host}: {text}{more}", NOT_FOUND)
    unknown = text.startswith("there is no run") and _COLON not in text
    colon = f"{_COLON}{where}:" if unknown and _NAME.fullmatch(where) else ""
    return CommandError(text + colon, NOT_FOUND)


def way_to(target: Target, ssh: SshDoor | None) -> Way:
    """The way to ``target``; where its machine is another one, ``ssh`` leads there."""
    if target.kind == "stdin":
        return _of_input(target)
    if target.kind in ("docker", "k8s"):
        return _contained(target, ssh)
    return _probed(target.host, target.where, ssh or local_probe())


def _probed(host: str, where: str, door: Door | Sequence[str]) -> Way:
    """A probe behind ``door`` finds out what ``where`` means."""
    if where.startswith("slurm:"):
        return _submitted(host, where, door)
    return Way(host, where, lambda record: ChildLink(door, record), is_here=not host)


def _submitted(host: str, where: str, door: Door | Sequence[str]) -> Way:
    """A probe asks Slurm about the job, others go to its machines."""
    from trainwatch.link.bare import HERE, BareDoor
    from trainwatch.link.slurm import SlurmLink

    there = door if isinstance(door, BareDoor) else HERE

    def make(record: Path | None) -> Link:
        return SlurmLink(ChildLink(door), there, record)

    return Way(host, where, make, is_here=not host)


def _contained(target: Target, ssh: SshDoor | None) -> Way:
    """The engine of the machine is asked, and a probe goes into the container."""
    from trainwatch.link.bare import HERE
    from trainwatch.link.container import ContainerLink
    from trainwatch.link.engine import engine

    try:
        one = engine(target.where)
    except ValueError as error:
        raise UsageError(str(error)) from error
    there = ssh or HERE
    return Way(
        target.host, target.where, lambda record: ContainerLink(one, there, record), is_here=False
    )


def _of_input(target: Target) -> Way:
    """What is piped in is read here; a probe beside it knows the process that writes it, if one does."""
    from trainwatch.link.stdin import StdinLink
    from trainwatch.probe.writer import feeding

    if target.host:
        raise CommandError("standard input is on this machine: say - without the host")
    fd = set_aside()
    writer = feeding(os.getpid(), fd)

    def make(record: Path | None) -> Link:
        return StdinLink(fd, ChildLink(local_probe()) if writer else None, writer, record)

    return Way("", target.where, make, is_here=False, piped=fd)


def _log_in(host: str, meanwhile: Iterable[object]) -> Login:
    from trainwatch.link.login import Login, LoginError

    login = Login(host)
    try:
        login.open(meanwhile=meanwhile)
    except LoginError as error:
        fix = f"; {error.verdict.fix}" if error.verdict.fix else ""
        raise CommandError(error.verdict.text + fix, NOT_CONNECTED) from error
    return login
