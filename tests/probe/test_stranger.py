"""Attaching to a process that nobody started through trainwatch: real ones, each in another place."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import until
from tests.probe.conftest import Start, Tmux
from trainwatch import facts
from trainwatch.probe import cmdline, descriptors, identity, launch, panes, process
from trainwatch.probe.ending import Departure
from trainwatch.probe.found import Found, Source
from trainwatch.probe.resolve import TargetError, resolve

pytestmark = pytest.mark.usefixtures("state")

SAY = "import sys, time\nprint('one', flush=True)\nprint('two', file=sys.stderr, flush=True)\ntime.sleep(60)"


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SAY)
    return tmp_path / "train.py"


PYTHON = f"exec {sys.executable} train.py"


def attach(word: object, resume: tuple[facts.Resume, ...] = ()) -> Found:
    return resolve(facts.Watch(str(word), [], [], list(resume), False))


def refusal(word: object) -> TargetError:
    with pytest.raises(TargetError) as caught:
        attach(word)
    return caught.value


def child_of(pid: int, name: str) -> int:
    """The process called ``name`` below ``pid``, once it runs."""

    def found() -> list[int]:
        everyone = [one for one in map(identity.stat, identity.pids()) if one]
        return [
            one.pid
            for one in everyone
            if one.parent == pid and name in " ".join(cmdline.command_of(one.pid))
        ]

    until(found)
    return found()[0]


# --- files ----------------------------------------------------------------------------------


def test_a_file_behind_standard_output_is_the_stream(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} --output_dir out > train.log 2>&1")
    log = str(tmp_path / "train.log")
    until(lambda: Path(log).exists() and Path(log).read_bytes() == b"one\ntwo\n")
    found = attach(train.pid)
    assert found.streams == [Source(log, log)]
    assert (found.fact.kind, found.fact.pid, found.fact.name) == ("process", train.pid, "train.py")
    assert found.fact.command == [sys.executable, "train.py", "--output_dir", "out"]
    assert found.fact.cwd == str(tmp_path)
    assert abs((found.fact.started or 0) - time.time()) < 30
    assert found.fact.roots == [str(tmp_path / "out"), str(tmp_path)]
    assert found.fact.note == f"standard output goes to {log}"
    assert found.missing == ""


def test_two_files_are_two_streams(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} > out.log 2> err.log")
    until(lambda: Path("err.log").exists() and Path("err.log").read_bytes())
    names = [source.name for source in attach(train.pid).streams]
    assert names == [str(tmp_path / "out.log"), str(tmp_path / "err.log")]


def test_a_deleted_file_is_read_through_the_process(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} > train.log 2>&1")
    until(lambda: Path("train.log").exists() and Path("train.log").read_bytes() == b"one\ntwo\n")
    Path("train.log").unlink()
    Path("train.log").write_text("somebody else's\n")
    (source,) = attach(train.pid).streams
    assert source.held
    assert source.name == f"{tmp_path}/train.log (deleted)"
    assert Path(source.path).read_bytes() == b"one\ntwo\n"


def test_a_file_whose_name_only_looks_deleted(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} > 'train.log (deleted)' 2>&1")
    log = tmp_path / "train.log (deleted)"
    until(lambda: log.exists() and log.read_bytes())
    assert attach(train.pid).streams == [Source(str(log), str(log))]


# --- pipes ----------------------------------------------------------------------------------


def test_a_pipe_leads_to_the_file_of_tee_and_is_not_opened(start: Start, tmp_path: Path) -> None:
    shell = start(f"{sys.executable} train.py 2>&1 | tee train.log > /dev/null; true")
    train = child_of(shell.pid, "train.py")
    log = tmp_path / "train.log"
    until(lambda: log.exists() and log.read_bytes() == b"one\ntwo\n")
    found = attach(train)
    assert found.streams == [Source(str(log), str(log))]
    assert f"goes through a pipe to tee (process {child_of(shell.pid, 'tee')})" in found.fact.note
    assert found.missing == ""


def test_filters_in_between_are_passed(start: Start, tmp_path: Path) -> None:
    shell = start(f"{sys.executable} train.py 2>&1 | cat | cat > kept.log; true")
    until(lambda: Path("kept.log").exists())
    found = attach(child_of(shell.pid, "train.py"))
    assert [source.name for source in found.streams] == [str(tmp_path / "kept.log")]


def test_a_pipe_that_nobody_keeps_says_so(start: Start) -> None:
    shell = start(f"{sys.executable} train.py 2>&1 | cat > /dev/null; true")
    found = attach(child_of(shell.pid, "train.py"))
    assert found.streams == []
    assert "goes through a pipe to cat" in found.missing
    assert "which keeps it in no file" in found.missing
    assert "only its metric files and output folders are read" in found.missing
    assert "trainwatch run" in found.fix


def test_output_thrown_away_leaves_the_log_that_it_has_open(start: Start, tmp_path: Path) -> None:
    Path("own.py").write_text(f"log = open('mine.log', 'w')\n{SAY}")
    train = start(f"exec {sys.executable} own.py > /dev/null 2>&1")
    until(Path("mine.log").exists)
    found = attach(train.pid)
    assert [source.name for source in found.streams] == [str(tmp_path / "mine.log")]
    assert found.missing.startswith("standard output is thrown away (/dev/null): its own log")


# --- terminals ------------------------------------------------------------------------------


def test_a_terminal_leads_to_the_tmux_pane_behind_it(tmux: Tmux) -> None:
    pane = tmux.pane(PYTHON)
    until(lambda: "two" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    found = attach(pane.pid)
    (source,) = found.streams
    assert (source.name, source.path) == (f"tmux:{pane.id}", "")
    assert source.pane
    assert source.pane[:4] == pane[:4]
    assert f"standard output is shown in the tmux pane {pane.id}" in found.fact.note
    assert found.fact.kind == "process"


def test_a_server_elsewhere_is_found_by_its_socket(
    tmux: Tmux, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = tmux.pane(f"unset TMUX; {PYTHON}")
    monkeypatch.setenv("TMUX_TMPDIR", "/nowhere")
    until(lambda: "two" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    found = attach(pane.pid).streams[0].pane
    assert found
    assert found[:4] == pane[:4]


def test_a_terminal_that_script_records_leads_to_its_file(start: Start, tmp_path: Path) -> None:
    recorder = start(
        ["script", "-qfc", f"{sys.executable} train.py", "session.txt"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    train = child_of(recorder.pid, "train.py")
    until(lambda: b"two" in Path("session.txt").read_bytes())
    found = attach(train)
    assert [source.name for source in found.streams] == [str(tmp_path / "session.txt")]
    assert "script (process" in found.fact.note


def test_a_terminal_that_nobody_records_says_so(start: Start) -> None:
    master, slave = os.openpty()
    train = start([sys.executable, "train.py"], stdout=slave, stderr=slave)
    found = attach(train.pid)
    assert found.streams == []
    assert f"goes to the terminal {os.ttyname(slave)}, which nobody records" in found.missing
    os.close(master)
    os.close(slave)


# --- the tree -------------------------------------------------------------------------------


def test_a_worker_that_writes_elsewhere_is_read_too_but_only_the_first(
    start: Start, tmp_path: Path
) -> None:
    """As torchrun does with ``--redirects``: every worker in a session and a file of its own."""
    Path("agent.sh").write_text(
        "for rank in 0 1; do RANK=$rank LOCAL_RANK=$rank setsid "
        f"{sys.executable} train.py > worker$rank.log 2>&1 & done; wait"
    )
    agent = start("exec bash agent.sh > agent.log 2>&1")
    until(lambda: all(Path(f"worker{k}.log").exists() for k in (0, 1)))
    until(lambda: all("train.py" in str(cmdline.command_of(p)) for p in _below(agent.pid)))
    found = attach(agent.pid)
    assert [source.name for source in found.streams] == [
        str(tmp_path / "agent.log"),
        str(tmp_path / "worker0.log"),
    ]
    assert found.subject is not None
    assert len(process.Tree(found.subject).scan()) == 3


def _below(pid: int) -> list[int]:
    children = [one for one in map(identity.stat, identity.pids()) if one and one.parent == pid]
    return [child.pid for child in children] or [0]


def test_folders_come_from_the_words_of_the_whole_tree(start: Start, tmp_path: Path) -> None:
    Path("run.sh").write_text(f"{sys.executable} train.py --output_dir deep/out > x.log 2>&1")
    shell = start("exec bash run.sh")
    child_of(shell.pid, "train.py")
    assert str(tmp_path / "deep/out") in attach(shell.pid).fact.roots


# --- what is no training --------------------------------------------------------------------


def test_a_process_that_has_ended() -> None:
    child = subprocess.Popen(["true"])
    until(lambda: getattr(identity.stat(child.pid), "state", "") == "Z")
    assert refusal(child.pid).text == f"the process {child.pid} has ended"
    child.wait()
    assert "there is no process" in refusal(child.pid).text


def test_a_number_that_belongs_to_another_process_by_now(start: Start) -> None:
    other = start("sleep 60")
    who = identity.stat(other.pid)
    assert who is not None
    assert refusal(f"{other.pid}@{who.start - 5}").text == f"the process {other.pid} has ended"
    assert attach(f"{other.pid}@{who.start}").fact.pid == other.pid


def test_a_number_of_an_ended_run_that_another_process_has_now(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launch.start(["true"])
    until(lambda: identity.stat(run.pid) is None)
    other = start("sleep 60")
    meta = Path(run.folder, "meta.json")
    meta.write_text(meta.read_text().replace(f'"pid": {run.pid}', f'"pid": {other.pid}'))
    said = refusal(other.pid)
    assert f"was the process of the run {run.id}, which has ended" in said.text
    assert f"trainwatch attach {run.id}" in said.fix
    assert f"trainwatch attach {other.pid}@" in said.fix


def test_our_own_process() -> None:
    assert refusal(os.getpid()).text == f"the process {os.getpid()} is trainwatch itself"


def test_a_shell_names_what_it_runs(start: Start) -> None:
    master, slave = os.openpty()
    shell = start(["bash", "--norc", "-i"], stdin=slave, stdout=slave, stderr=slave)
    os.write(master, f"{sys.executable} train.py\n".encode())
    train = child_of(shell.pid, "train.py")
    said = refusal(shell.pid)
    assert said.text == f"the process {shell.pid} is a shell (bash), no training"
    assert said.fix.endswith(f"train.py; trainwatch attach {train}")
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("words", "waits"),
    [
        ("bash", True),
        ("-zsh", True),
        ("/bin/bash -i", True),
        ("bash --init-file x.sh -i", True),
        ("fish -l", True),
        ("bash train.sh", False),
        ("sh -c python", False),
        ("bash -lc python", False),
        ("python", False),
    ],
)
def test_which_shell_waits_for_a_person(words: str, waits: bool) -> None:
    assert cmdline.is_interactive_shell(words.split()) is waits


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user")
def test_another_users_process_is_named_as_such(start: Start, tmp_path: Path) -> None:
    train = start("sleep 60")
    code = (
        "import os\nfrom trainwatch import facts\n"
        "from trainwatch.probe.resolve import TargetError, resolve\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"try: resolve(facts.Watch('{train.pid}', [], [], [], False))\n"
        "except TargetError as error: print(error.text)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "TRAINWATCH_STATE": str(tmp_path)},
        check=False,
    )
    assert "belongs to root: where its output goes cannot be seen" in said.stdout, said.stderr


def test_a_process_of_a_run_is_that_run() -> None:
    run = launch.start(["bash", "-c", "sleep 60; true"])
    worker = child_of(run.pid, "sleep")
    assert attach(worker).fact.id == run.id
    assert attach(run.pid).fact.id == run.id


# --- who writes a file ----------------------------------------------------------------------


def test_a_log_knows_the_process_that_writes_it(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} > train.log 2>&1")
    until(lambda: Path("train.log").exists() and Path("train.log").read_bytes())
    until(lambda: "train.py" in cmdline.command_of(train.pid))
    found = attach("train.log")
    assert (found.fact.kind, found.fact.pid) == ("log", train.pid)
    assert found.fact.command == [sys.executable, "train.py"]
    assert found.subject is not None
    train.kill()
    train.wait()
    found = attach("train.log")
    assert (found.fact.pid, found.subject) == (None, None)


def test_behind_tee_the_training_is_meant(start: Start, tmp_path: Path) -> None:
    shell = start(f"{sys.executable} train.py 2>&1 | tee train.log > /dev/null; true")
    train = child_of(shell.pid, "train.py")
    until(lambda: Path("train.log").exists() and Path("train.log").read_bytes())
    assert attach("train.log").fact.pid == train


def test_a_file_that_is_only_read_or_held_by_a_shell_is_written_by_nobody(start: Start) -> None:
    Path("train.log").write_text("one\n")
    reader = start("exec tail -f train.log > /dev/null")
    until(lambda: cmdline.name_of(reader.pid) == "tail")
    assert attach("train.log").fact.pid is None


# --- the end --------------------------------------------------------------------------------


def test_the_end_is_noticed_and_its_cause_only_told_where_known(start: Start) -> None:
    train = start("read line; exit 3", stdin=subprocess.PIPE)
    found = attach(train.pid)
    assert found.subject is not None
    departure = Departure(found.subject.root)
    assert departure.look(0.0) is None
    assert train.stdin is not None
    train.stdin.close()
    until(lambda: departure.look(0.0))
    ended = departure.look(0.0)
    assert ended is not None
    assert ended[:2] == (3, None), "its parent, which is us, has not asked yet"
    train.wait()
    ended = departure.look(0.0)
    assert ended is not None
    assert ended[:2] == (None, None)


def test_a_probe_that_comes_after_the_end_reads_the_rest(start: Start, tmp_path: Path) -> None:
    train = start(f"{PYTHON} > train.log 2>&1")
    log = tmp_path / "train.log"
    until(lambda: log.exists() and log.read_bytes() == b"one\ntwo\n")
    name = attach(train.pid).fact.id
    train.kill()
    train.wait()
    found = attach(name, (facts.Resume(str(log), 4, "one\n"),))
    assert found.streams == [Source(str(log), str(log))]
    assert found.subject is not None
    assert Departure(found.subject.root).look(0.0) is not None


def test_descriptors_tell_kind_and_direction(start: Start, tmp_path: Path) -> None:
    train = start("exec sleep 60 < /dev/null > a.log 2>> b.log")
    until(lambda: cmdline.name_of(train.pid) == "sleep")
    zero, one, two = (descriptors.one(train.pid, number) for number in (0, 1, 2))
    assert zero
    assert one
    assert two
    assert (zero.kind, one.kind, two.kind) == ("null", "file", "file")
    assert (one.path, one.reads, one.writes) == (str(tmp_path / "a.log"), False, True)
    assert descriptors.one(train.pid, 77) is None
    assert descriptors.of(train.pid)[:3] == [zero, one, two]


def test_panes_are_told_apart_by_what_a_person_types() -> None:
    text = "%3 10 /dev/pts/5 11 2 1\nwork\nsft run\n%4 11 /dev/pts/6 10 2 2\nwork\nsft run\n"
    first, second = panes.parse("/s", text)
    assert (first.id, first.pid, first.tty, first.place) == ("%3", 10, "/dev/pts/5", "work:2.1")
    assert {"%3", "work:2.1", "work:sft run.1", "work:2", "work", "work:"} <= set(first.names)
    assert set(second.names) == {"%4", "work:2.2", "work:sft run.2"}
