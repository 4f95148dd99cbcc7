"""Starting a training: run, demo.

The law of this file: the training is started first; what watches it is not even imported before.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trainwatch
from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.probe import launch, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.cli.grammar import Words


def do_run(words: Words) -> int:
    """``trainwatch run COMMAND...``."""
    _check_name(words.value("--name"))
    host = words.value("--on")
    if words.has("--slurm"):
        return _submit(words)
    if host is not None:
        return _start_there(host, words)
    return _start(list(words.operands), words.value("--name") or "", words)


def do_demo(words: Words) -> int:
    """``trainwatch demo``."""
    script = os.path.join(os.path.dirname(trainwatch.__file__), "demo", "train.py")
    folder = os.path.join(runs.state_folder(), "demo", runs.new_id())
    return _start([sys.executable, script, "--output_dir", folder], "demo", words)


def _start(command: list[str], name: str, words: Words) -> int:
    _check_record(words)
    started: launch.Started | None = None
    try:
        with _uninterrupted():
            started = launch.start(command, _folder(words), name, words.has("--pty"))
        if words.has("--detach"):
            sys.stdout.write(f"{started.id}\n")
            return 0
        from trainwatch.cli.watching import View, watch
        from trainwatch.cli.way import here

        return watch(View(here(started.id), words, launched=True, started=started))
    except launch.CannotStartError as error:
        raise CommandError(error.text, error.code) from error
    except BaseException:
        if started is not None:
            back = f"trainwatch attach {started.id}"
            sys.stderr.write(f"trainwatch: left it running; come back with: {back}\n")
        raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: what runs by then is to be told of."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _folder(words: Words) -> str | None:
    folder = words.value("--cwd")
    return None if folder is None else os.path.expanduser(folder)


def _submit(words: Words) -> int:
    """``run --slurm OPTIONS``: Slurm starts it when its turn comes."""
    from trainwatch.cli.batch import submit
    from trainwatch.cli.watching import View, watch
    from trainwatch.cli.way import here

    _check_record(words)
    job = submit(words, _folder(words))
    if words.has("--detach"):
        sys.stdout.write(f"{job}\n")
        return 0
    return watch(View(here(job), words, launched=True))


def _start_there(host: str, words: Words) -> int:
    """``run --on HOST``: nothing goes there but the command."""
    from trainwatch import facts
    from trainwatch.cli.inquiry import launch_there
    from trainwatch.cli.watching import View, watch
    from trainwatch.cli.way import reached

    _check_record(words)
    with reached([host if host.endswith(":") else f"{host}:"]) as way:
        run = launch_there(
            way,
            facts.Launch(
                list(words.operands),
                words.value("--cwd") or "",
                words.value("--name") or "",
                words.has("--pty"),
            ),
        )
        if words.has("--detach"):
            sys.stdout.write(f"{run}\n")
            return 0
        return watch(View(way.to(run), words, launched=True))


def _check_name(name: str | None) -> None:
    """A name must not look like anything else that can stand for a target."""
    if name is None:
        return
    plain = all(c.isalnum() or c in "._-" for c in name)
    if not name or not plain or not name[0].isalnum() or name.isdigit() or len(name) > 64:
        raise UsageError(
            f"--name {shlex.quote(name)}: a name is letters, digits, '.', '_' and '-', at most 64,"
            " begins with a letter or digit and is not a number"
        )


def _check_record(words: Words) -> None:
    """A journal that cannot be written is said before anything starts."""
    if words.has("--record"):
        from trainwatch.cli.watching import record

        record(words)
