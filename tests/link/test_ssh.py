"""A probe over ssh: a real sshd on loopback with keys of its own, real shells, real noise."""

import ast
import json
import os
import re
import select
import shutil
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.sshd import Box, needs_sshd
from trainwatch import facts, wire
from trainwatch.link import bare
from trainwatch.link.bare import AfterNoise
from trainwatch.link.bundle import bundle, narrow
from trainwatch.link.child import ChildLink
from trainwatch.link.door import End
from trainwatch.link.ssh import SshDoor

SECONDS = 60.0
NOISE = "printf 'Welcome \\033[31mto\\033[0m \\033]0;title\\007 the box\\n\\0\\0TW1\\n'; seq 1 5000; printf 'no newline'"


class Client:
    """What a client sees of a link to the box."""

    def __init__(self, door: SshDoor) -> None:
        self.link = ChildLink(door, backoff=(0.05,))
        self.facts: list[Any] = []
        self.link.open(lambda: None)

    def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.facts[-5:]
            assert not self.link.closed, self.facts[-5:]
            self.link.wait(1.0)
            self.facts += self.link.take(1000)
        return condition()

    def until_more(self) -> None:
        seen = len(self.facts)
        self.until(lambda: len(self.facts) > seen)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def hello(self) -> facts.Hello:
        found: facts.Hello = self.until(lambda: self.of(facts.Hello))[-1]
        return found

    def text(self) -> bytes:
        found = bytearray()
        for chunk in self.of(facts.Chunk):
            assert chunk.offset == len(found)
            found += chunk.data
        return bytes(found)

    def refusal(self) -> facts.Trouble:
        """The last word of a link that gives up."""
        while not self.link.closed:
            assert self.link.wait(SECONDS)
            self.facts += self.link.take(1000)
        found: facts.Trouble = self.of(facts.Trouble)[-1]
        assert found.where == "link"
        return found


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.end()


@pytest.fixture
def connect() -> Iterator[Callable[[SshDoor], Client]]:
    clients: list[Client] = []

    def start(door: SshDoor) -> Client:
        clients.append(Client(door))
        return clients[-1]

    yield start
    for client in clients:
        client.link.close()


Connect = Callable[[SshDoor], Client]


def pyenv(version: str) -> str:
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    if not kept:
        pytest.skip(f"no Python {version} here")
    return str(kept[-1])


def child_called(name: str) -> int:
    """The process id of our child with that name."""
    tasks = Path("/proc/self/task").iterdir()
    pids = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return next(int(pid) for pid in pids if Path(f"/proc/{pid}/comm").read_text().strip() == name)


def watch(path: Path) -> facts.Watch:
    return facts.Watch(str(path), ["checkpoint-*"], [], [], False)


@needs_sshd
@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "tcsh"])
def test_a_file_is_followed_through_any_login_shell(shell: str, box: Box, connect: Connect) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} here")
    box.shell = found
    box.start()
    log = box.folder / 'it\'s a "log" $HOME\n.log'
    log.write_bytes(b"one\n")
    client = connect(box.door())
    client.link.send(watch(log))
    client.until(lambda: client.of(facts.CaughtUp))
    with log.open("ab") as more:
        more.write(b"two\n")
    client.until(lambda: client.text() == b"one\ntwo\n")
    assert client.of(facts.Trouble) == [
        fact for fact in client.of(facts.Trouble) if fact.where == "devices"
    ]


@needs_sshd
@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.11", "3.13"])
def test_it_runs_on_every_python_from_three_six(version: str, box: Box, connect: Connect) -> None:
    box.only(python3=pyenv(version))
    box.start()
    client = connect(box.door())
    assert client.hello().python.startswith(version)
    client.link.send(watch(box.home))
    client.until(lambda: client.of(facts.CaughtUp) and client.of(facts.MachineReading))
    client.until(lambda: [fact for fact in client.of(facts.Trouble) if "libnvidia-ml" in fact.text] or client.of(facts.DeviceReading))  # fmt: skip


@needs_sshd
@pytest.mark.parametrize("version", ["3.6", "3.13"])
def test_checkpoints_are_worked_on_there(
    version: str, box: Box, connect: Connect, tmp_path: Path
) -> None:
    box.only(python3=pyenv(version))
    saved = tmp_path / "out" / "checkpoint-5"
    saved.mkdir(parents=True)
    (saved / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    box.start()
    client = connect(box.door())

    def ended(job: str) -> list[facts.JobEnded]:
        return [fact for fact in client.of(facts.JobEnded) if fact.job == job]

    for number, action in enumerate(("verify", "keep", "discard", "remove")):
        path = str(saved.parent / "kept" / saved.name) if action == "remove" else str(saved)
        client.link.send(facts.Job(str(number), action, path, []))
        client.until(partial(ended, str(number)))
    assert [(f.ok, f.text.split()[-2:]) for f in client.of(facts.JobEnded)] == [
        (True, ["last", "byte"]), (True, ["(hard", "links)"]), (True, ["the", "trash"]),
        (True, ["is", "deleted"]),
    ]  # fmt: skip
    client.link.close()
    until(lambda: not list(saved.parent.iterdir()))


@needs_sshd
def test_the_oldest_python_that_works_is_taken(box: Box, connect: Connect) -> None:
    fake = box.folder / "shim"
    fake.write_text("#!/bin/sh\necho 'pyenv: python3.6: command not found' >&2\nexit 127\n")
    fake.chmod(0o755)
    programs = {"python3.6": str(fake), "python3.8": pyenv("3.8"), "python3.13": pyenv("3.13")}
    box.only(**programs, python3=pyenv("3.13"), python=pyenv("2.7"))
    box.start()
    assert connect(box.door()).hello().python.startswith("3.8")


@needs_sshd
def test_nothing_is_written_there_and_no_process_stays(box: Box, connect: Connect) -> None:
    box.start()
    client = connect(box.door())
    probe = os.pidfd_open(client.hello().pid)
    client.link.send(watch(box.home))
    client.until(lambda: client.of(facts.CaughtUp))
    client.link.close()
    assert select.select([probe], [], [], SECONDS)[0]
    os.close(probe)
    assert list(box.home.iterdir()) == []


@needs_sshd
def test_what_a_login_prints_is_skipped(box: Box, connect: Connect) -> None:
    (box.home / ".bashrc").write_text(NOISE + "\n")
    box.start()
    client = connect(box.door())
    assert client.hello().pid
    assert client.of(facts.Trouble) == []


@needs_sshd
def test_a_training_is_started_and_watched_there(box: Box, connect: Connect) -> None:
    box.start()
    client = connect(box.door())
    client.link.send(facts.Launch(["sh", "-c", "echo one; exit 3"], str(box.home), "there", False))
    client.link.send(watch(Path("there"))._replace(target="there"))
    client.until(lambda: client.of(facts.Ended))
    assert client.text() == b"one\n"
    assert client.of(facts.Ended)[0].code == 3
    assert client.of(facts.Answer)[0].ok


@needs_sshd
def test_a_lost_connection_loses_and_doubles_nothing(box: Box, connect: Connect) -> None:
    box.start()
    log = box.folder / "train.log"
    log.write_bytes(b"")
    client = connect(box.door())
    client.link.send(watch(log))
    for cut in range(1, 7):
        while len(client.of(facts.Hello)) < cut:
            client.until_more()
        with log.open("ab") as more:
            more.write(b"line %d\n" % cut * 1000)
        if cut % 2:
            os.kill(client.of(facts.Hello)[-1].pid, signal.SIGKILL)
        else:
            os.kill(child_called("ssh"), signal.SIGKILL)
    client.until(lambda: len(client.text()) == log.stat().st_size)
    assert client.text() == log.read_bytes()
    lost = [fact.text for fact in client.of(facts.Trouble) if fact.where == "link" and fact.text]
    assert all("connection to box was lost" in text for text in lost)
    assert len(lost) == 6


@needs_sshd
def test_no_python_is_named(box: Box, connect: Connect) -> None:
    box.only(python=pyenv("2.7"))
    box.start()
    said = connect(box.door()).refusal()
    assert said.text == "there is no Python 3.6 or newer on box"
    assert "install python3" in said.fix


@needs_sshd
@pytest.mark.parametrize("code", [0, 1, 7])
def test_a_login_script_that_leaves_is_named(code: int, box: Box, connect: Connect) -> None:
    (box.home / ".bashrc").write_text(f"echo hello\nexit {code}\n")
    box.start()
    said = connect(box.door()).refusal()
    assert "ended before it ran a command" in said.text
    assert ".bashrc" in said.fix


@needs_sshd
def test_a_login_script_that_reads_standard_input_is_named(box: Box, connect: Connect) -> None:
    (box.home / ".bashrc").write_text("head -c 1000000 >/dev/null\n")
    box.start()
    door = box.door()
    door.patience = 1.0
    client = connect(door)
    client.until(lambda: client.of(facts.Trouble))
    assert "still waiting for box" in client.of(facts.Trouble)[0].text
    assert "read standard input" in client.of(facts.Trouble)[0].fix


@needs_sshd
def test_a_refused_login_is_named(box: Box, connect: Connect) -> None:
    box.start()
    (box.folder / "keys").write_text("")
    said = connect(box.door()).refusal()
    assert said.text == "box refuses the login"
    assert "ssh box" in said.fix


@needs_sshd
def test_an_unknown_host_key_is_never_accepted(box: Box, connect: Connect) -> None:
    box.start()
    (box.folder / "known").write_text("")
    said = connect(box.door()).refusal()
    assert "host key of box is not known" in said.text
    assert (box.folder / "known").read_text() == ""


@needs_sshd
def test_a_changed_host_key_is_named(box: Box, connect: Connect) -> None:
    box.start()
    box.know((box.folder / "user.pub").read_text())
    said = connect(box.door()).refusal()
    assert "host key of box has changed" in said.text
    assert "ssh-keygen -R" in said.fix


@needs_sshd
def test_an_unknown_host_is_named(box: Box, connect: Connect) -> None:
    box.start()
    said = connect(box.door("no-such-host.invalid")).refusal()
    assert "there is no host called no-such-host.invalid" in said.text


@needs_sshd
def test_a_host_that_is_down_is_tried_again(box: Box, connect: Connect) -> None:
    box.start()
    box.end()
    client = connect(box.door())
    client.until(
        lambda: len([f for f in client.of(facts.Trouble) if "refuses connections" in f.text]) > 1
    )


@needs_sshd
@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch${IFS}owned", "a b", "$(touch owned)", "`touch owned`"]
)
def test_hostile_host_names_run_nothing(
    host: str, box: Box, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(box.folder)
    box.start()
    client = connect(box.door(host))
    client.until(lambda: client.of(facts.Trouble))
    assert not (box.folder / "owned").exists()


def test_the_bundle_is_small_and_complete() -> None:
    assert sum(map(len, bundle())) <= 80_000
    assert len(bundle().first) <= 36_000  # about a second of 256 kbit/s
    assert bundle() is bundle()


def sources() -> dict[str, str]:
    first, rest = (json.loads(zlib.decompress(part)) for part in bundle())
    assert not first.keys() & rest.keys()
    return {**first, **rest}


def test_of_the_driver_binding_all_that_the_probe_names_is_shipped() -> None:
    pynvml = pytest.importorskip("pynvml")
    shipped = sources()
    made = sys.modules["pynvml_as_shipped"] = type(sys)("pynvml_as_shipped")
    exec(shipped["pynvml.py"], made.__dict__)
    module = dir(made)
    probe = " ".join(source for path, source in shipped.items() if path != "pynvml.py")
    named = {name for name in re.findall(r"\bnvml\w+", probe) if hasattr(pynvml, name)}
    assert len(named) > 15
    assert named <= set(module)
    errors = {name for name in dir(pynvml) if name.startswith("NVMLError_")}
    assert errors
    assert {name for name in module if name.startswith("NVMLError_")} == errors


def test_what_is_sent_is_the_same_program() -> None:
    for path, source in sources().items():
        again = ast.unparse(ast.parse(source))
        sent = again if path == "pynvml.py" else narrow(again)
        assert sent == source, path
        assert ast.dump(ast.parse(narrow(again))) == ast.dump(ast.parse(again)), path


def test_the_command_has_one_level_of_quotes_and_no_character_that_a_shell_changes() -> None:
    argv = SshDoor("box").knock().argv
    command = argv[-1]
    assert argv[-3:-1] == ["--", "box"]
    assert command.count("'") == 2
    assert not set(command) & set("!\n\\`")
    assert len(command) < 4096


def test_each_connection_draws_its_own_marker() -> None:
    door = SshDoor("box")
    assert door.knock().argv[-1] != door.knock().argv[-1]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_noise_ends_exactly_at_the_marker(size: int) -> None:
    decoder = AfterNoise(b"\0\0marker")
    pong = facts.Pong(1.0)
    stream = b"noise \0\0mark \0\0TW1\n\0\0\0" + b"\0\0marker" + wire.MAGIC + wire.encode(pong)
    found = [
        f
        for start in range(0, len(stream), size)
        for f in decoder.feed(stream[start : start + size])
    ]
    assert found == [pong]


def test_noise_without_end_is_given_up_and_does_not_fill_memory() -> None:
    decoder = AfterNoise(b"\0\0marker")
    for _ in range(8):
        decoder.feed(b"x" * (1 << 20))
    with pytest.raises(wire.WireError, match="without end"):
        decoder.feed(b"x" * (1 << 20))
    assert len(decoder.noise) <= 4096


def test_a_loss_after_a_success_is_never_final() -> None:
    door = SshDoor("box")
    lost = End(255, "Connection to box closed by remote host.", "", spoke=True)
    assert "was lost" in door.verdict(lost).text
    refused = End(255, "Permission denied (publickey).", "", spoke=False)
    assert not door.verdict(refused).final
    assert SshDoor("box").verdict(refused).final


def test_a_login_that_was_typed_is_not_repeated_by_itself() -> None:
    door = SshDoor("box")
    door.typed = True
    lost = End(255, "Connection to box closed by remote host.", "", spoke=True)
    assert not door.verdict(lost).final  # the shared connection may still be there
    again = door.verdict(End(255, "Permission denied (publickey,password).", "", spoke=False))
    assert again.final
    assert "typed again" in again.text


def test_this_python_is_enough_to_read_the_stub() -> None:
    compile(bare._STUB, "stub", "exec")
    assert sys.version_info >= (3, 10)
