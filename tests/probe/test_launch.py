"""A launched command: how it runs, how its end is told, and that nothing of ours can hurt it."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from trainwatch.probe import identity, launch, process, runs, stop

PYTHON = sys.executable
pytestmark = pytest.mark.usefixtures("state")

# Prints numbered lines until the file named in its first argument exists, then "last N".
COUNTER = """
import os, sys, time
number = 0
while not os.path.exists(sys.argv[1]):
    for _ in range(50):
        print(number, "x" * 60)
        number += 1
    time.sleep(0.001)
print("last", number)
"""


def run_of(started: launch.Started) -> runs.Run:
    return runs.load(started.folder)


def meta_of(started: launch.Started) -> runs.Meta:
    meta = run_of(started).meta
    assert meta is not None
    return meta


def ended(started: launch.Started) -> runs.Exit:
    until(lambda: run_of(started).exit is not None)
    record = run_of(started).exit
    assert record is not None
    return record


def log(started: launch.Started) -> str:
    return Path(run_of(started).log).read_text()


def gone(pid: int) -> bool:
    found = identity.stat(pid)
    return found is None or found.state in "ZX"


def whole(text: str) -> bool:
    """Whether a log of COUNTER lacks no line, has none twice and reached its end."""
    lines = text.splitlines()
    expected = [f"{number} {'x' * 60}" for number in range(len(lines) - 1)]
    return lines == [*expected, f"last {len(lines) - 1}"]


# --- how it runs ----------------------------------------------------------------------------


def test_output_and_errors_go_into_one_log_in_order() -> None:
    started = launch.start(["sh", "-c", "echo out; echo err >&2; echo out again"])
    assert ended(started).code == 0
    assert log(started) == "out\nerr\nout again\n"


def test_it_runs_where_the_caller_stands_or_where_it_is_told(tmp_path: Path) -> None:
    here = launch.start(["pwd"])
    there = launch.start(["pwd"], cwd=str(tmp_path))
    ended(here), ended(there)
    assert log(here) == os.getcwd() + "\n"
    assert log(there) == str(tmp_path) + "\n"
    assert (meta_of(here).cwd, meta_of(there).cwd) == (os.getcwd(), str(tmp_path))


def test_its_input_is_empty_and_it_inherits_no_descriptor() -> None:
    os.dup2(1, 77, inheritable=True)
    try:
        started = launch.start(["sh", "-c", "cat; exec ls /proc/self/fd"])
        assert ended(started).code == 0
        assert log(started).split() == ["0", "1", "2", "3"]  # 3 is what ls itself looks into
    finally:
        os.close(77)


def test_the_environment_makes_output_readable_and_marks_the_run() -> None:
    names = ["PYTHONUNBUFFERED", "COLUMNS", runs.MARK]
    started = launch.start([PYTHON, "-c", f"import os\nfor n in {names}: print(os.environ[n])"])
    ended(started)
    assert log(started).split() == ["1", "400", started.id]


def test_with_pty_it_sees_a_wide_terminal_and_the_log_holds_what_it_wrote() -> None:
    script = (
        "import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty(),"
        " os.get_terminal_size(1).columns)"
    )
    started = launch.start([PYTHON, "-c", script], pty=True)
    assert ended(started).code == 0
    assert log(started) == "True True False 400\n"


def test_the_record_is_private_and_holds_no_secret() -> None:
    started = launch.start(["true", "--api-key", "abc", "--lr=1", "--hub_token=def"], name="sft")
    meta = meta_of(started)
    assert (meta.name, meta.pid) == ("sft", started.pid)
    assert meta.command == ["true", "--api-key", "***", "--lr=1", "--hub_token=***"]
    assert stat.S_IMODE(os.stat(started.folder).st_mode) == 0o700
    for name in (runs.META, runs.EXIT, runs.LOG):
        assert stat.S_IMODE(os.stat(Path(started.folder) / name).st_mode) == 0o600


def test_the_caller_is_free_at_once_even_when_somebody_reads_its_output() -> None:
    script = "from trainwatch.probe import launch; print(launch.start(['sleep', '60']).id)"
    done = subprocess.run(
        [PYTHON, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=20,
    )
    assert [run.id for run in runs.every()] == [done.stdout.decode().strip()]
    assert runs.every()[0].state == "running"


def test_a_caller_with_closed_descriptors_can_launch() -> None:
    script = "from trainwatch.probe import launch; launch.start(['echo', 'hello'])"
    subprocess.run(["sh", "-c", f'"{PYTHON}" -c "{script}" <&- >&- 2>&-'], check=True)
    until(lambda: runs.every()[0].exit is not None)
    assert Path(runs.every()[0].log).read_text() == "hello\n"


# --- how its end is told --------------------------------------------------------------------


@pytest.mark.parametrize("pty", [False, True])
@pytest.mark.parametrize(
    ("script", "code", "killer", "state"),
    [
        ("exit 0", 0, None, "ended"),
        ("exit 3", 3, None, "failed"),
        ("kill -TERM $$", None, 15, "killed"),
        ("kill -KILL $$", None, 9, "killed"),
        ("sh -c 'kill -KILL $$'; exit $?", 137, None, "failed"),
    ],
)
def test_code_and_signal_are_told_apart(
    script: str, code: int | None, killer: int | None, state: str, *, pty: bool
) -> None:
    started = launch.start(["sh", "-c", script], pty=pty)
    record = ended(started)
    assert (record.code, record.signal, record.cause) == (code, killer, "")
    assert run_of(started).state == state


def test_the_exit_record_always_has_the_size_it_was_given() -> None:
    started = launch.start(["sleep", "0.05"])
    path = Path(started.folder) / runs.EXIT
    assert len(path.read_bytes()) == runs.EXIT_SIZE
    ended(started)
    assert len(path.read_bytes()) == runs.EXIT_SIZE


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (["no-such-command"], 127, "no-such-command: command not found"),
        (["./no-such-file"], 127, "./no-such-file: no such file"),
        (["/"], 126, "/: is a folder"),
        (["./locked"], 126, "./locked: not executable"),
        (["./orphan"], 126, "./orphan: the interpreter named in its first line does not exist"),
        (["./binary"], 126, "./binary: Exec format error"),
        (["train.py"], 127, "train.py: command not found (did you mean: python train.py)"),
        (["./train.py"], 126, "./train.py: not executable (did you mean: python ./train.py)"),
        (
            ["echo a b"],
            127,
            "echo a b: command not found (give the command as separate words, or use: sh -c 'echo a b')",
        ),
    ],
)
@pytest.mark.parametrize("pty", [False, True])
def test_what_cannot_start_says_why_and_leaves_nothing(
    command: list[str],
    code: int,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    pty: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, mode, content in [
        ("locked", 0o600, "#!/bin/sh\n"),
        ("orphan", 0o700, "#!/no/such/interpreter\n"),
        ("binary", 0o700, "\0\1\2\3"),
        ("train.py", 0o600, "print(1)\n"),
    ]:
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    with pytest.raises(launch.CannotStartError) as caught:
        launch.start(command, pty=pty)
    assert (caught.value.code, caught.value.text) == (code, text)
    assert os.listdir(runs.runs_folder()) == []


def test_a_script_without_a_first_line_runs_as_in_every_shell(tmp_path: Path) -> None:
    script = tmp_path / "job"
    script.write_text("echo $1\n")
    script.chmod(0o700)
    started = launch.start([str(script), "hello"])
    assert ended(started).code == 0
    assert log(started) == "hello\n"


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(launch.CannotStartError, match="gone: No such file or directory"):
        launch.start(["true"], cwd=str(tmp_path / "gone"))
    assert os.listdir(runs.runs_folder()) == []


def test_a_state_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRAINWATCH_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(launch.CannotStartError, match="set TRAINWATCH_STATE") as caught:
        launch.start(["true"])
    assert caught.value.code == 2


# --- what cannot hurt it --------------------------------------------------------------------


@pytest.mark.parametrize("pty", [False, True])
def test_killing_the_supervisor_costs_the_exit_record_and_no_byte(
    tmp_path: Path, *, pty: bool
) -> None:
    enough = tmp_path / "enough"
    started = launch.start([PYTHON, "-c", COUNTER, str(enough)], pty=pty)
    until(lambda: log(started))
    os.kill(meta_of(started).supervisor, signal.SIGKILL)
    until(lambda: gone(meta_of(started).supervisor))
    size = len(log(started))
    until(lambda: len(log(started)) > size + 100_000)
    assert run_of(started).state == "running"
    enough.touch()
    until(lambda: gone(started.pid))
    until(lambda: "last" in log(started))
    assert whole(log(started))
    assert (run_of(started).exit, run_of(started).state) == (None, "unknown")


def pump_of(supervisor: int, training: int) -> int | None:
    for pid in identity.pids():
        found = identity.stat(pid)
        if found and found.parent == supervisor and pid != training and found.state not in "ZX":
            return pid
    return None


def test_killing_the_pump_of_a_terminal_again_and_again_loses_no_byte(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    started = launch.start([PYTHON, "-c", COUNTER, str(enough)], pty=True)
    until(lambda: log(started))
    for _ in range(40):
        until(lambda: pump_of(meta_of(started).supervisor, started.pid))
        size = len(log(started))
        until(lambda size=size: len(log(started)) > size + 2_000)  # type: ignore[misc]
        pump = pump_of(meta_of(started).supervisor, started.pid)
        if pump:
            os.kill(pump, signal.SIGKILL)
            until(lambda pump=pump: gone(pump))  # type: ignore[misc]
    enough.touch()
    assert ended(started).code == 0
    assert whole(log(started))


def test_closing_the_terminal_it_was_started_from_leaves_it_running(tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    script = (
        "import sys, time; from trainwatch.probe import launch;"
        "launch.start([sys.executable, *sys.argv[1:]]); time.sleep(60)"
    )
    master, slave = os.openpty()
    caller = subprocess.Popen(
        ["setsid", "--ctty", PYTHON, "-c", script, "-c", COUNTER, str(enough)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    until(lambda: [run for run in runs.every() if os.path.getsize(run.log)])
    run = runs.every()[0]
    os.close(master)
    assert caller.wait(10) == -signal.SIGHUP
    size = os.path.getsize(run.log)
    until(lambda: os.path.getsize(run.log) > size + 100_000)
    enough.touch()
    until(lambda: runs.load(run.folder).exit is not None)
    assert whole(Path(run.log).read_text())


def test_a_paused_training_outlives_its_supervisor() -> None:
    started = launch.start(["sleep", "60"])
    os.kill(started.pid, signal.SIGSTOP)
    until(lambda: identity.stat(started.pid).state == "T")  # type: ignore[union-attr]
    os.kill(meta_of(started).supervisor, signal.SIGKILL)
    until(lambda: gone(meta_of(started).supervisor))
    os.kill(started.pid, signal.SIGCONT)
    until(lambda: identity.stat(started.pid).state == "S")  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_the_supervisor_stays_at_its_post(number: int) -> None:
    started = launch.start(["sleep", "0.3"])
    os.kill(meta_of(started).supervisor, number)
    assert ended(started).code == 0


def test_signals_that_the_caller_ignored_or_blocked_arrive() -> None:
    script = (
        "import signal; from trainwatch.probe import launch\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "launch.start(['sleep', '60'])\n"
        "launch.start(['sleep', '61'])\n"
    )
    subprocess.run([PYTHON, "-c", script], check=True, timeout=20)
    for run, number in zip(runs.every(), (signal.SIGINT, signal.SIGTERM), strict=True):
        assert run.meta is not None
        os.kill(run.meta.pid, number)
        until(lambda run=run: runs.load(run.folder).exit is not None)  # type: ignore[misc]
        assert runs.load(run.folder).exit.signal == number  # type: ignore[union-attr]


def test_the_supervisor_does_not_look_like_the_training() -> None:
    started = launch.start(["sleep", "60.125"])
    path = Path(f"/proc/{meta_of(started).supervisor}/cmdline")
    until(lambda: path.read_bytes().startswith(b"trainwatch: supervisor of"))
    assert b"60.125" not in path.read_bytes()


# --- a full disk ----------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder on a file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.call(command, stderr=subprocess.DEVNULL) != 0:
        pytest.skip("may not mount a file system")
    monkeypatch.setenv("TRAINWATCH_STATE", str(folder))
    yield folder
    for run in runs.every():
        if run.meta is not None:
            list(stop.stop(process.of_run(run.meta), now=True, grace=0))
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", 0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_a_full_disk_does_not_lose_the_exit_record(small_disk: Path, tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    waiter = f"until test -e {enough}; do sleep 0.02; done; exit 7"
    started = launch.start(["sh", "-c", waiter])
    fill(small_disk)
    enough.touch()
    assert ended(started).code == 7


def test_a_full_disk_starts_nothing_and_says_so(small_disk: Path) -> None:
    (small_disk / "runs").mkdir()
    fill(small_disk)
    with pytest.raises(launch.CannotStartError, match="No space left on device; free some space"):
        launch.start(["touch", str(small_disk / "never")])
    assert os.listdir(small_disk / "runs") == []


def test_with_pty_a_full_disk_costs_lines_but_not_the_training(
    small_disk: Path, tmp_path: Path
) -> None:
    enough = tmp_path / "enough"
    started = launch.start([PYTHON, "-c", COUNTER, str(enough)], pty=True)
    until(lambda: len(log(started)) >= 50_000)
    before = identity.stat(started.pid)
    until(lambda: identity.stat(started.pid).ticks > before.ticks + 5)  # type: ignore[union-attr]
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    until(lambda: "bytes are missing here, the disk was full]" in log(started))
    enough.touch()
    assert ended(started).code == 0
    assert log(started).splitlines()[-1].startswith("last ")


# --- out of memory --------------------------------------------------------------------------


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group with 40 MiB of memory; yields the path of its list of processes."""
    for base, limit in [
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ]:
        folder = Path(base, f"trainwatch-test-{os.getpid()}")
        try:
            folder.mkdir()
            (folder / limit).write_text(str(40 << 20))
        except OSError:
            continue
        yield folder / "cgroup.procs"
        until(lambda folder=folder: not (folder / "cgroup.procs").read_text())  # type: ignore[misc]
        folder.rmdir()
        return
    pytest.skip("may not make a control group")


HOG = "x = []\nwhile True: x.append(bytearray(1 << 20))"


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ([PYTHON, "-c", HOG], "oom"),
        (["sh", "-c", f'"{PYTHON}" -c "$0"; exit $?', HOG], "oom"),
        (["sh", "-c", "kill -KILL $$"], ""),
    ],
)
def test_out_of_memory_is_said_only_when_the_kernel_counted_it(
    command: list[str], cause: str, small_group: Path
) -> None:
    script = (
        "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid()));"
        "from trainwatch.probe import launch; launch.start(sys.argv[2:])"
    )
    subprocess.run([PYTHON, "-c", script, str(small_group), *command], check=True, timeout=20)
    run = runs.every()[0]
    until(lambda: runs.load(run.folder).exit is not None)
    assert runs.load(run.folder).exit.cause == cause  # type: ignore[union-attr]
