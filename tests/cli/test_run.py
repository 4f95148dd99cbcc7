"""``trainwatch run`` and ``attach`` without a screen: bytes, sentences, exit codes, leaving."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Sit
from tests.cli.terminal import TRAINWATCH, environment, own
from tests.conftest import until
from trainwatch.probe import identity, runs

PYTHON = sys.executable


def the_run() -> runs.Run:
    return runs.every()[0]


def alive(run: runs.Run) -> bool:
    return run.meta is not None and identity.alive(run.meta.training)


# --- output and exit code -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_the_exit_code_is_the_trainings(script: str, code: int, trainwatch: Command) -> None:
    said = trainwatch("run", "sh", "-c", f"echo hello; {script}")
    assert (said.returncode, said.stdout) == (code, "hello\n")


def test_every_byte_passes_unchanged(state: Path, tmp_path: Path) -> None:
    data = (
        bytes(range(255, -1, -1)) * 4000 + b"\r10%|#  |\r\x1b[31mred\x1b[0m no newline at the end"
    )
    (tmp_path / "bytes").write_bytes(data)
    said = subprocess.run(
        [*TRAINWATCH, "run", "cat", str(tmp_path / "bytes")],
        capture_output=True,
        check=True,
        env=environment(state),
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert said.stdout == data


@pytest.mark.parametrize(
    ("words", "code"), [(["no-such-command"], 127), (["./no-such-file"], 127), (["/"], 126)]
)
def test_a_command_that_cannot_start_ends_as_in_a_shell(
    words: list[str], code: int, trainwatch: Command
) -> None:
    said = trainwatch("run", *words)
    assert (said.returncode, said.stdout) == (code, "")
    assert said.stderr.startswith(f"trainwatch: {words[0]}: ")
    assert said.stderr.count("\n") == 1


HF = """
import sys, time
for step in range(1, 7):
    print({'loss': 1 / step, 'grad_norm': 1.0, 'learning_rate': 1e-4, 'epoch': step / 2})
    if step % 2 == 0:
        print({'eval_loss': float(sys.argv[step // 2]), 'epoch': step / 2})
"""


def test_verdict_and_end_are_told_on_stderr(trainwatch: Command) -> None:
    said = trainwatch("run", PYTHON, "-c", HF, "0.9", "0.5", "2.5")
    assert said.returncode == 0
    assert len(said.stdout.splitlines()) == 9
    started, *verdicts, end = said.stderr.splitlines()
    assert re.fullmatch(
        r"trainwatch: run \w{6} started \(pid \d+\), its output is kept in /.*/output.log", started
    )
    assert [line.split()[1] for line in verdicts] == ["overfitting:"]
    assert re.fullmatch(
        r"trainwatch: the training ended · loss 0.1667 · eval_loss 2.500 · after \d\d:\d\d:\d\d",
        end,
    )


def test_an_ended_run_can_be_attached_to_again(trainwatch: Command) -> None:
    first = trainwatch("run", "--name", "sft", "sh", "-c", "echo hello; exit 5")
    again = trainwatch("attach", "sft")
    assert (first.returncode, again.returncode) == (5, 5)
    assert again.stdout == "hello\n"


def test_the_demo_is_a_run_like_any_other(sit: Sit, trainwatch: Command) -> None:
    terminal = sit("demo")
    terminal.until("eval")
    terminal.type("q")
    assert terminal.wait() == 0
    assert "demo" in trainwatch("list").stdout
    assert trainwatch("stop", "demo", "--now").returncode == 0


def test_detach_prints_the_id_and_returns(trainwatch: Command) -> None:
    said = trainwatch("run", "--detach", "sleep", "60")
    assert (said.returncode, said.stdout, said.stderr) == (0, the_run().id + "\n", "")
    assert alive(the_run())


@pytest.mark.parametrize("name", ["", "123", "a/b", "-x", "a:b", "a b", ".", "x" * 65])
def test_a_name_that_could_be_something_else_is_refused(name: str, trainwatch: Command) -> None:
    said = trainwatch("run", f"--name={name}", "true")
    assert said.returncode == 2
    assert "a name is letters, digits" in said.stderr
    assert runs.every() == []


def test_pty_gives_the_training_a_terminal(trainwatch: Command) -> None:
    said = trainwatch("run", "--pty", PYTHON, "-c", "import sys; print(sys.stdout.isatty())")
    assert (said.returncode, said.stdout) == (0, "True\n")


# --- leaving --------------------------------------------------------------------------------


def test_ctrl_c_leaves_the_training_running(sit: Sit) -> None:
    terminal = sit("run", "--no-ui", "sh", "-c", "echo ready; sleep 60")
    terminal.until("ready")
    terminal.type("\x03")
    assert terminal.wait() == 130
    assert f"left it running; come back with: trainwatch attach {the_run().id}" in (
        terminal.output.decode()
    )
    assert alive(the_run())


def test_a_reader_that_leaves_does_not_stop_the_training(state: Path) -> None:
    script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"
    watching = subprocess.Popen(
        [*TRAINWATCH, "run", "sh", "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(state),
    )
    assert watching.stdout is not None
    assert watching.stdout.readline() == b"1\n"
    watching.stdout.close()
    assert watching.wait(30) == 0
    assert watching.stderr is not None
    assert b"nobody reads the output any more" in watching.stderr.read()
    watching.stderr.close()
    assert alive(the_run())


def test_a_full_disk_behind_stdout_is_said_once(state: Path) -> None:
    with open("/dev/full", "wb") as full:
        said = subprocess.run(
            [*TRAINWATCH, "run", "sh", "-c", "echo 1; sleep 0.1; echo 2; exit 4"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(state),
            timeout=60,
        )
    assert said.returncode == 4
    assert said.stderr.count(b"the output cannot be written any more: No space left") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killing_the_watcher_leaves_the_training_running(number: int, state: Path) -> None:
    watching = subprocess.Popen(
        [*TRAINWATCH, "run", "sh", "-c", "echo ready; sleep 60"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(state),
    )
    assert watching.stdout is not None
    assert watching.stdout.readline() == b"ready\n"
    watching.send_signal(number)
    watching.wait(30)
    watching.stdout.close()
    assert alive(the_run())


def test_a_lost_terminal_leaves_the_training_running(sit: Sit) -> None:
    terminal = sit("run", "--no-ui", "sh", "-c", "echo ready; sleep 60")
    terminal.until("ready")
    terminal.close()
    assert alive(the_run())


# --- stop and list --------------------------------------------------------------------------


def test_stop_says_each_step_and_how_it_ended(trainwatch: Command) -> None:
    trainwatch("run", "-d", "-n", "sft", "sleep", "60")
    said = trainwatch("stop", "sft")
    pid = the_run().meta.pid  # type: ignore[union-attr]
    assert (said.returncode, said.stdout) == (0, "")
    assert said.stderr.splitlines() == [
        f"trainwatch: SIGINT (as Ctrl-C) to process {pid}, 30 s to save and leave",
        "trainwatch: stopped: sft ended with signal 2",
    ]
    again = trainwatch("stop", "sft")
    assert again.returncode == 0
    assert "nothing to stop" in again.stderr


def test_stop_takes_a_process_id_and_a_grace(trainwatch: Command) -> None:
    trainwatch("run", "-d", "sleep", "60")
    said = trainwatch("stop", str(the_run().meta.pid), "--grace", "7")  # type: ignore[union-attr]
    assert ", 7 s to save" in said.stderr
    assert said.returncode == 0


@pytest.mark.parametrize(
    ("words", "code"), [(["nothing"], 3), ([], 3), (["1"], 3), (["--grace", "soon"], 2)]
)
def test_stop_without_somebody_to_stop(words: list[str], code: int, trainwatch: Command) -> None:
    said = trainwatch("stop", *words)
    assert said.returncode == code
    assert said.stderr.count("\n") == 1


def test_list_shows_runs_newest_first(trainwatch: Command) -> None:
    assert own(json.loads(trainwatch("list", "--json").stdout)) == []
    trainwatch("run", "-n", "sft", PYTHON, "-c", HF, "0.9", "0.5", "2.5", "--token", "abc")
    trainwatch("run", "-d", "sleep", "60")
    head, newest, oldest, *_ = trainwatch("list").stdout.splitlines()
    assert head.split() == [
        "id",
        "name",
        "state",
        "step",
        "loss",
        "eval",
        "verdict",
        "age",
        "command",
    ]
    assert newest.split()[2] in ("running", "starting")
    assert oldest.split()[1:7] == ["sft", "ended", "–", "0.1667", "2.500", "overfitting"]
    assert oldest.endswith("--token '***'")
    first, second = own(json.loads(trainwatch("list", "--json").stdout))
    assert (first["state"], second["state"]) == (newest.split()[2], "ended")
    assert (second["name"], second["eval_loss"], second["exit"]["code"]) == ("sft", 2.5, 0)


def test_a_damaged_record_is_listed_and_can_still_be_watched(trainwatch: Command) -> None:
    trainwatch("run", "-n", "sft", "echo", "hello")
    run = the_run()
    Path(run.folder, runs.META).write_text("{")
    assert run.id in trainwatch("list").stdout
    assert trainwatch("attach", run.id).stdout == "hello\n"
    assert f"meta.json of run {run.id} cannot be read" in trainwatch("doctor").stdout


# --- a state folder that cannot be used -----------------------------------------------------


def test_a_state_folder_that_cannot_be_written_starts_nothing(
    trainwatch: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    mark = tmp_path / "mark"
    said = trainwatch("run", "touch", str(mark), TRAINWATCH_STATE=str(tmp_path / "file" / "x"))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count("\n") == 1
    assert "set TRAINWATCH_STATE" in said.stderr
    assert not mark.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a file system")
def test_a_full_disk_under_the_state_folder_starts_nothing(
    trainwatch: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(folder)]) != 0:
        pytest.skip("may not mount a file system")
    try:
        (folder / "runs").mkdir()
        (folder / "ballast").write_bytes(bytes(8192))
        said = trainwatch("run", "echo", "hello", TRAINWATCH_STATE=str(folder))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert (said.returncode, said.stdout) == (2, "")
    assert "No space left on device; free some space" in said.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a file system")
def test_lines_that_find_no_room_are_said_to_be_lost(trainwatch: Command, tmp_path: Path) -> None:
    folder, enough = tmp_path / "small", tmp_path / "enough"
    folder.mkdir()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)]) != 0:
        pytest.skip("may not mount a file system")
    told = "the disk is full: what is printed into"
    prints = f"while ! test -e {enough}; do seq 2000; sleep 0.05; done 2>/dev/null"
    try:
        started = trainwatch("run", "--detach", "sh", "-c", prints, TRAINWATCH_STATE=str(folder))
        until(lambda: not os.statvfs(folder).f_bfree)
        listed = trainwatch("list", TRAINWATCH_STATE=str(folder))
        assert told in listed.stderr
        assert "free some space" in listed.stderr
        words = [*TRAINWATCH, "attach", "--no-ui", started.stdout.strip()]
        watched = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=environment(folder),
        )  # fmt: skip
        assert watched.stderr is not None
        assert any(told.encode() in line for line in watched.stderr)
        enough.touch()
        assert watched.communicate(timeout=60)[1] is not None
        assert watched.returncode == 0
    finally:
        enough.touch()
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_training_that_somebody_else_started_is_listed_by_its_process(
    trainwatch: Command, tmp_path: Path
) -> None:
    library = tmp_path / "torch/lib/libtorch_cpu.so"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"x" * 4096)
    (tmp_path / "train.py").write_text(
        "import mmap, sys, time\nfile = open(sys.argv[1], 'rb')\n"
        "held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)\n"
        "print({'loss': 0.25, 'epoch': 1.0}, flush=True)\ntime.sleep(60)"
    )
    with (tmp_path / "train.log").open("wb") as log:
        train = subprocess.Popen(
            [PYTHON, "train.py", str(library)], cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        until((tmp_path / "train.log").read_bytes)
        listed = json.loads(trainwatch("list", "--json").stdout)
        (shape,) = [one for one in listed if one["id"] == str(train.pid)]
        assert (shape["kind"], shape["state"], shape["loss"]) == ("process", "running", 0.25)
        said = trainwatch("list")
        (row,) = [line for line in said.stdout.splitlines() if line.startswith(f"{train.pid} ")]
        assert row.split()[1:3] == ["(train.py)", "running"]
        assert "in brackets: not started by trainwatch" in said.stderr
        status = json.loads(trainwatch("status", str(train.pid), "--json").stdout)
        assert (status["pid"], status["loss"]) == (train.pid, 0.25)
    finally:
        train.kill()
        train.wait()
    said = trainwatch("status", str(train.pid))
    assert (said.returncode, said.stdout) == (3, "")
    assert f"there is no process {train.pid}" in said.stderr
