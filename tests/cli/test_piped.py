"""``... | trainwatch VERB -``: what is piped in, with a terminal for the keys and without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Sit
from tests.cli.terminal import TRAINWATCH, environment
from tests.conftest import until
from trainwatch.probe import identity

LOG = "".join(
    f"{{'loss': {2 - k / 10}, 'epoch': {k}.0}}\n{{'eval_loss': {2.1 - k / 10}, 'epoch': {k}.0}}\n"
    for k in range(8)
)
TRAIN = (
    "import sys, time\n"
    "for k in range(10000):\n"
    "    print({'loss': 2 - k / 1e4, 'epoch': k / 100}, flush=True)\n"
    "    time.sleep(0.02)\n"
)


def piped(data: str, *words: str, state: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRAINWATCH, *words],
        input=data,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(state),
        start_new_session=True,
    )


def test_every_verb_reads_what_is_piped_in(state: Path) -> None:
    said = piped(LOG, "diagnose", "-", "--json", state=state)
    assert (said.returncode, json.loads(said.stdout)["state"]) == (0, "healthy")
    status = json.loads(piped(LOG, "status", "-", "--json", state=state).stdout)
    assert (status["loss"], status["state"], status["exit"]) == (1.3, "unknown", None)
    points = [
        json.loads(line) for line in piped(LOG, "export", "-", state=state).stdout.splitlines()
    ]
    assert [p["value"] for p in points if p["key"] == "eval_loss"][:2] == [2.1, 2.0]
    assert points[0]["source"] == "stdin"
    assert "2 points" in piped(LOG[:60], "doctor", "-", state=state).stdout


def test_without_a_terminal_the_bytes_pass_through(state: Path) -> None:
    said = piped(LOG, "attach", "-", state=state)
    assert (said.returncode, said.stdout) == (0, LOG)
    assert "the training ended (how is not known" in said.stderr


def test_an_empty_input_is_an_answer(state: Path) -> None:
    said = piped("", "diagnose", "-", state=state)
    assert said.returncode == 2
    assert "nothing was printed yet" in said.stderr


def test_a_terminal_instead_of_a_pipe_is_refused(sit: Sit) -> None:
    terminal = sit("attach", "-")
    terminal.until("nothing is piped in: python train.py 2>&1 | trainwatch attach -")
    assert terminal.wait() == 2


@pytest.fixture
def pipeline(sit: Sit, state: Path, tmp_path: Path) -> Sit:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "line.sh").write_text(
        f'echo $$ > shell; {sys.executable} train.py | {" ".join(TRAINWATCH)} "$@"\n'
    )
    return sit


def test_keys_come_from_the_terminal_and_leaving_does_not_end_the_training(
    pipeline: Sit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    from tests.cli.terminal import Terminal

    monkeypatch.chdir(tmp_path)
    terminal = Terminal(["bash", "line.sh", "attach", "-"], environment(state))
    terminal.until("train.py")
    terminal.until("epoch")
    train = next(
        one.pid
        for one in map(identity.stat, identity.pids())
        if one
        and one.parent == int(Path("shell").read_text())
        and b"train.py" in Path(f"/proc/{one.pid}/cmdline").read_bytes()
    )
    terminal.type("q")
    terminal.until(f"The training goes on (pid {train}). What it prints from now on is not kept.")
    until(lambda: _reader_left(state))
    assert identity.stat(train) is not None
    terminal.type("\x03")  # the shell waits for the training, and hands Ctrl-C to it
    until(lambda: identity.stat(train) is None)
    terminal.wait()
    terminal.close()


def _reader_left(state: Path) -> bool:
    """Whether nobody but the process that reads on is left of trainwatch."""
    left = [
        stat
        for stat in map(identity.stat, identity.pids())
        if stat
        and f"TRAINWATCH_STATE={state}".encode() in _environ(stat.pid)
        and b"trainwatch" in Path(f"/proc/{stat.pid}/cmdline").read_bytes()
    ]
    return len(left) == 1 and left[0].pid == left[0].session


def _environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
