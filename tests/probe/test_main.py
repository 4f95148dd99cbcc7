"""The probe as a program: what is shipped runs bare on every Python, and never raises across the wire."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from trainwatch import facts, wire

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ("__init__.py", "facts.py", "wire.py", "probe")  # and nothing else
BOOT = "import sys; sys.path.insert(0, {!r}); from trainwatch.probe.main import main; main()"
SECONDS = 60.0
PYTHONS = ("3.6", "3.8", "3.11", "3.13")


def interpreter(version: str) -> list[str]:
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    if not kept:
        pytest.skip(f"no Python {version} here")
    return [str(kept[-1]), "-I", "-S"]


class Probe:
    """A probe at the other end of two pipes."""

    def __init__(self, python: list[str], root: Path, boot: str) -> None:
        self.process = subprocess.Popen(
            [*python, "-c", boot.format(str(root))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._decoder = wire.Decoder()
        self.facts: list[Any] = []

    def ask(self, *requests: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(map(wire.encode, requests)))
        self.process.stdin.flush()

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.hear(deadline), (self.facts[-5:], self.words())
        return condition()

    def hear(self, deadline: float) -> bool:
        """Take in what it says next; False when it has ended, or the time is up."""
        assert self.process.stdout is not None
        out = self.process.stdout.fileno()
        if not select.select([out], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        data = os.read(out, 1 << 20)
        self.facts += self._decoder.feed(data)
        return bool(data)

    def words(self) -> str:
        self.process.kill()
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def text(self) -> bytes:
        return b"".join(chunk.data for chunk in self.of(facts.Chunk))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(OSError):  # what it did not read any more
                if pipe is not None:
                    pipe.close()


Start = Callable[..., Probe]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv("TRAINWATCH_STATE", str(tmp_path / "state"))
    started: list[Probe] = []

    def begin(python: list[str] | None = None, root: Path = ROOT, boot: str = BOOT) -> Probe:
        started.append(Probe(python or [sys.executable], root, boot))
        return started[-1]

    yield begin
    for probe in started:
        probe.end()


def watch(target: object, once: bool = False) -> facts.Watch:
    wants = [facts.Want("*/trainer_state.json", 1 << 20, 0)]
    return facts.Watch(str(target), ["checkpoint-*"], wants, [], once)


@pytest.mark.parametrize("version", PYTHONS)
def test_what_is_shipped_follows_a_run_on_a_bare_python(
    version: str, tmp_path: Path, start: Start
) -> None:
    python = interpreter(version)
    (tmp_path / "ship/trainwatch").mkdir(parents=True)
    for name in SHIPPED:
        (tmp_path / "ship/trainwatch" / name).symlink_to(ROOT / "trainwatch" / name)
    out = tmp_path / "out"
    training = (
        f"mkdir -p {out}/checkpoint-1; echo one; echo '{{}}' > {out}/checkpoint-1/trainer_state.json; "
        "echo two; read wait; echo three"
    )
    probe = start(python, tmp_path / "ship")
    command = [
        "sh",
        "-c",
        f"{training.replace('read wait', f'while [ ! -e {tmp_path}/go ]; do :; done')}",
    ]
    probe.ask(facts.Launch([*command, "x", "--output_dir", str(out)], str(tmp_path), "bare", False))
    probe.ask(watch("bare"), facts.ListRuns(), facts.Ping())
    probe.until(lambda: probe.text() == b"one\ntwo\n" and probe.of(facts.FileBytes))
    probe.until(lambda: probe.of(facts.Runs) and probe.of(facts.Pong) and probe.of(facts.CaughtUp))
    assert probe.of(facts.Hello)[0].python.startswith(version)
    assert probe.of(facts.Target)[0].roots[0] == str(out)
    assert probe.of(facts.FileBytes)[0].data == b"{}\n"
    assert probe.of(facts.Runs)[0].runs[0].state == "running"
    probe.until(
        lambda: [r for r in probe.of(facts.ProcessReading) if r.memory and r.cpu is not None]
    )
    probe.until(
        lambda: [r for r in probe.of(facts.MachineReading) if r.disk == str(out) and r.disk_free]
    )
    (tmp_path / "go").touch()
    probe.until(lambda: probe.of(facts.Ended))
    assert probe.of(facts.Ended)[0][:3] == (0, None, "")
    assert probe.text() == b"one\ntwo\nthree\n"
    ended = probe.facts.index(probe.of(facts.Ended)[0])
    assert probe.of(facts.Chunk)[-1] in probe.facts[:ended], "the end is told after the last byte"


@pytest.mark.parametrize("version", PYTHONS)
def test_it_stays_small(version: str, tmp_path: Path, start: Start) -> None:
    (tmp_path / "train.log").write_bytes(b"x" * 99 + b"\n")
    with (tmp_path / "train.log").open("ab") as log:
        for _ in range(30):
            log.write(b"{'loss': 1.0}\n" * 100_000)
    probe = start(interpreter(version))
    probe.ask(watch(tmp_path / "train.log"))
    probe.until(lambda: probe.of(facts.CaughtUp))
    status = Path(f"/proc/{probe.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak <= 25 * 1024, f"{peak} kB"


def test_how_long_a_log_was_silent_is_told(tmp_path: Path, start: Start) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"once\n")
    hour_ago = time.time() - 3600
    os.utime(log, (hour_ago, hour_ago))
    probe = start()
    probe.ask(watch(log))
    probe.until(lambda: probe.of(facts.CaughtUp))
    assert 3600 <= probe.of(facts.CaughtUp)[0].silent < 3700


def test_leaving_is_at_once_when_standard_input_ends(tmp_path: Path, start: Start) -> None:
    probe = start()
    probe.ask(watch(tmp_path))
    probe.until(lambda: probe.of(facts.CaughtUp))
    assert probe.process.stdin is not None
    probe.process.stdin.close()
    assert probe.process.wait(SECONDS) == 0


def test_bye_is_goodbye(start: Start) -> None:
    probe = start()
    probe.ask(facts.Bye())
    assert probe.process.wait(SECONDS) == 0


def test_a_reader_that_is_gone_ends_it(tmp_path: Path, start: Start) -> None:
    (tmp_path / "train.log").write_bytes(b"x" * (32 << 20))
    probe = start()
    probe.ask(watch(tmp_path / "train.log"))
    assert probe.process.stdout is not None
    probe.process.stdout.close()
    assert probe.process.wait(SECONDS) == 0


def test_a_client_that_pinged_and_fell_silent_is_given_up(start: Start) -> None:
    probe = start(
        boot=BOOT.replace("; main()", "; import trainwatch.probe.main as m; m.SILENCE = 1; main()")
    )
    probe.ask(facts.Ping())
    probe.until(lambda: probe.of(facts.Pong))
    assert probe.process.wait(SECONDS) == -signal.SIGALRM


@pytest.mark.parametrize(
    "words",
    [b"\xff" * 64, b"hello\n" * 20, wire.encode(facts.Ping())[:-1] + b"x", b"\0\0\0\2\0\0\0\0{}"],
)
def test_garbage_as_a_request_is_a_trouble(words: bytes, start: Start) -> None:
    probe = start()
    assert probe.process.stdin is not None
    probe.process.stdin.write(words)
    probe.process.stdin.close()
    while probe.hear(time.monotonic() + SECONDS):
        pass
    assert [fact.where for fact in probe.of(facts.Trouble)] == ["wire"]
    assert probe.process.wait(SECONDS) == 0


HOSTILE = ["\0", "a\0b", "\ud800", "x" * 5000, "../" * 1500, "~nobody/x", "\x1b[2J\n", "-rf", "%s%n", "/dev/zero", "/proc/self/mem"]  # fmt: skip


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_answered_and_the_probe_lives(word: str, start: Start) -> None:
    probe = start()
    probe.ask(
        facts.Watch(
            word,
            [word],
            [facts.Want(word, 1 << 60, -1)],
            [facts.Resume(word, -1, word)],
            False,
            [word],
        )
    )
    probe.ask(facts.Read(word, -(1 << 62), 1 << 62), facts.Read(word, 1 << 62, -5))
    probe.ask(facts.Stop(word, False, 0.0), facts.Ping())
    probe.until(lambda: probe.of(facts.Pong) and len(probe.of(facts.FileBytes)) >= 2)
    probe.until(lambda: [answer for answer in probe.of(facts.Answer) if answer.done])
    assert probe.process.poll() is None


DEAF = BOOT.replace(
    "; main()", "; from trainwatch.probe import inotify; inotify.ctypes = None; main()"
)


def test_without_inotify_everything_still_comes(tmp_path: Path, start: Start) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n")
    probe = start(boot=DEAF)
    probe.ask(watch(log))
    probe.until(lambda: probe.of(facts.CaughtUp))
    (tmp_path / "checkpoint-1").mkdir()
    log.rename(tmp_path / "old.log")
    log.write_bytes(b"two\n")
    probe.until(lambda: probe.text() == b"one\ntwo\n")
    probe.until(lambda: [seen for seen in probe.of(facts.Listing) if seen.entries])
    assert [gap.reason for gap in probe.of(facts.Gap)] == ["replaced"]


def test_checkpoints_in_a_folder_that_no_word_names_are_found(tmp_path: Path, start: Start) -> None:
    training = "mkdir -p sft-out/checkpoint-5; echo {} > sft-out/checkpoint-5/trainer_state.json"
    (tmp_path / "work/old/checkpoint-1").mkdir(parents=True)
    for path in ("work/old/checkpoint-1", "work/old"):
        os.utime(tmp_path / path, (1000, 1000))
    probe = start()
    probe.ask(facts.Launch(["sh", "-c", training], str(tmp_path / "work"), "hidden", False))
    probe.ask(watch("hidden"))
    state = str(tmp_path / "work/sft-out/checkpoint-5/trainer_state.json")
    probe.until(lambda: [fact for fact in probe.of(facts.FileBytes) if fact.path == state])
    listed = {entry.path for seen in probe.of(facts.Listing) for entry in seen.entries}
    assert "sft-out/checkpoint-5" in listed
    assert not any(path.startswith("old") for path in listed)


def test_a_launch_that_fails_says_why(tmp_path: Path, start: Start) -> None:
    probe = start()
    probe.ask(facts.Launch(["no-such-command"], str(tmp_path), "", False))
    probe.ask(facts.Launch(["true"], str(tmp_path / "none"), "", False))
    probe.ask(facts.Launch(["a\0b"], str(tmp_path), "", False))
    probe.ask(facts.Launch([], str(tmp_path), "", False))
    probe.until(lambda: len(probe.of(facts.Answer)) == 4)
    first, second, third, fourth = probe.of(facts.Answer)
    assert "command not found" in first.text
    assert "No such file" in second.text
    assert not any(answer.ok for answer in (first, second, third, fourth))
    assert all(answer.text for answer in (third, fourth))


def test_a_stop_that_began_is_carried_through_when_the_client_leaves(
    tmp_path: Path, start: Start
) -> None:
    deaf = "trap '' INT; echo $$; while :; do sleep 1; done"
    probe = start()
    probe.ask(facts.Launch(["sh", "-c", deaf], str(tmp_path), "deaf", False), watch("deaf"))
    training = os.pidfd_open(int(probe.until(lambda: probe.text().strip())))
    probe.ask(facts.Stop("deaf", False, 0.2))
    probe.until(lambda: probe.of(facts.Answer)[1:])
    assert probe.process.stdin is not None
    assert probe.process.stdout is not None
    probe.process.stdin.close()
    probe.process.stdout.close()
    assert select.select([training], [], [], SECONDS)[0]
    os.close(training)
    assert probe.process.wait(SECONDS) == 0


def test_what_was_launched_holds_none_of_our_pipes(tmp_path: Path, start: Start) -> None:
    probe = start()
    probe.ask(facts.Launch(["sleep", "600"], str(tmp_path), "sleeper", False), watch("sleeper"))
    pid = probe.until(lambda: probe.of(facts.Target))[0].pid
    probe.ask(facts.Bye())
    while probe.hear(time.monotonic() + SECONDS):
        pass  # the end of the stream comes although the training lives
    assert probe.process.wait(SECONDS) == 0
    os.kill(pid, signal.SIGKILL)


def test_a_single_look_at_an_ended_run_tells_how_it_ended(tmp_path: Path, start: Start) -> None:
    first = start()
    first.ask(facts.Launch(["sh", "-c", "echo x; exit 3"], str(tmp_path), "", False), watch(""))
    first.until(lambda: first.of(facts.Ended))
    probe = start()
    probe.ask(watch("", once=True))
    while probe.hear(time.monotonic() + SECONDS):
        pass
    assert probe.process.wait(SECONDS) == 0
    assert probe.of(facts.Ended)[0].code == 3
    assert isinstance(probe.facts[-1], facts.CaughtUp)


def test_nothing_but_frames_is_written_to_standard_output(tmp_path: Path, start: Start) -> None:
    probe = start([sys.executable, "-X", "importtime"])
    probe.ask(watch(tmp_path, once=True))
    while probe.hear(time.monotonic() + SECONDS):
        pass
    assert json.dumps([type(fact).__name__ for fact in probe.facts[:2]]) == '["Hello", "Target"]'
