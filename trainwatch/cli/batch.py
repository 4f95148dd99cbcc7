"""Submitting a training to Slurm.

The law of this file: Slurm starts it and Slurm ends it; ours are only the words and a file for its
output, which an option of the person's own replaces.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from trainwatch.cli.grammar import CommandError, UsageError
from trainwatch.probe import runs

if TYPE_CHECKING:
    from trainwatch.cli.grammar import Words

_REFUSED, _NO_SLURM = 2, 127


def submit(given: Words, folder: str | None) -> str:
    """The TARGET of the job in which the command of ``run`` will run. Raises CommandError."""
    if given.value("--on") is not None or given.has("--pty"):
        raise UsageError("--slurm submits from this machine, and a job has no terminal")
    options, name = given.value("--slurm") or "", given.value("--name")
    try:
        own = shlex.split(options)
    except ValueError as error:
        raise UsageError(f"--slurm {options!r}: {error}") from error
    words = ["sbatch", "--parsable", f"--output={_outputs()}/%j.log"]
    words += [f"--job-name={name}"] if name else []
    words += [f"--chdir={folder}"] if folder else []
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        said = subprocess.run(
            [*words, *own, "--wrap", shlex.join(given.operands)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True, env=env,
        )  # fmt: skip
    except OSError as error:
        raise CommandError("Slurm is not here: sbatch cannot be started", _NO_SLURM) from error
    if said.returncode:
        why = said.stderr.strip().splitlines()
        raise CommandError(f"Slurm refuses it: {why[-1] if why else 'no reason given'}", _REFUSED)
    return f"slurm:{said.stdout.strip().partition(';')[0]}"  # after the ; stands the cluster


def _outputs() -> str:
    """The folder for what jobs print; a % in its name is no pattern of Slurm."""
    folder = os.path.join(runs.state_folder(), "slurm")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder.replace("%", "%%")
