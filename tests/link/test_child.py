"""The link to a probe that is a child: real processes, killed at any moment."""

import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainwatch import facts, wire
from trainwatch.link import inbox
from trainwatch.link.child import ChildLink, local_probe
from trainwatch.link.journal import JournalLink
from trainwatch.link.pipes import BLOCK

SECONDS = 60.0  # after which a condition that does not come is a failure


class Client:
    """What a client sees of one link."""

    def __init__(self, link: ChildLink) -> None:
        self.link = link
        self.facts: list[Any] = []
        link.open(lambda: None)

    def watch(self, target: Path | int, once: bool = False, roots: tuple[str, ...] = ()) -> None:
        self.link.send(facts.Watch(str(target), ["checkpoint-*"], [], [], once, list(roots)))

    def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.facts[-5:]
            self.link.wait(1.0)
            self.facts += self.link.take(1000)
        return condition()

    def until_more(self) -> None:
        seen = len(self.facts)
        self.until(lambda: len(self.facts) > seen)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def probe(self) -> int:
        return int(self.until(lambda: self.of(facts.Hello))[-1].pid)

    def bytes_of(self, source: str) -> bytes:
        """What was sent of a stream; fails when a byte came twice or was left out."""
        found = bytearray()
        for chunk in self.of(facts.Chunk):
            if chunk.source == source:
                assert chunk.offset == len(found)
                found += chunk.data
        return bytes(found)

    def troubles(self, where: str) -> list[str]:
        return [fact.text for fact in self.of(facts.Trouble) if fact.where == where]


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def start(argv: list[str] | None = None, **more: Any) -> Client:
        clients.append(Client(ChildLink(argv or local_probe(), **more)))
        return clients[-1]

    yield start
    for client in clients:
        client.link.close()


Connect = Callable[..., Client]


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_a_file_is_followed_while_it_grows(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n")
    client = connect()
    client.watch(log)
    client.until(lambda: client.of(facts.CaughtUp))
    assert client.of(facts.Target)[0].kind == "log"
    with log.open("ab") as out:
        out.write(b"two\n")
    client.until(lambda: client.bytes_of("train.log") == b"one\ntwo\n")


TRAINING = (
    "import sys, time\n"
    "number = 0\n"
    "with open(sys.argv[1], 'ab', buffering=0) as out:\n"
    "    while True:\n"
    "        number += 1\n"
    "        out.write(b'%d %s\\n' % (number, b'x' * (number * 7919 % 1500)))\n"
    "        time.sleep(0.001)\n"
)


def test_fifty_killed_probes_lose_and_double_nothing(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"")
    dice = random.Random(4)
    client = connect(backoff=(0.0,))
    client.watch(log)
    with subprocess.Popen([*script(TRAINING), str(log)]) as training:
        for kills in range(50):
            while len(client.of(facts.Hello)) == kills:
                client.until_more()
            for _ in range(dice.randint(0, 8)):  # somewhere in its work
                client.until_more()
            os.kill(client.probe(), signal.SIGKILL)
        training.kill()
    content = log.read_bytes()
    client.until(
        lambda: (
            client.of(facts.Chunk)[-1].offset + len(client.of(facts.Chunk)[-1].data) == len(content)
        )
    )
    assert client.bytes_of("train.log") == content
    assert client.of(facts.Gap) == []
    assert len(client.of(facts.Hello)) in (50, 51)


def test_a_process_that_ends_while_no_probe_looks_is_read_to_its_end(
    tmp_path: Path, connect: Connect, state: Path
) -> None:
    """The next probe must neither lose the last bytes nor take whoever has the number by then."""
    log = tmp_path / "train.log"
    with log.open("wb") as out:
        train = subprocess.Popen(["sh", "-c", "echo one; read line; echo two"],
                                 stdin=subprocess.PIPE, stdout=out, stderr=out)  # fmt: skip
    client = connect(backoff=(1.0,))
    client.watch(train.pid)
    client.until(lambda: client.of(facts.CaughtUp))
    os.kill(client.of(facts.Hello)[-1].pid, signal.SIGKILL)
    train.communicate(b"go\n")
    client.until(lambda: client.of(facts.Ended))
    assert client.bytes_of(str(log)) == b"one\ntwo\n"
    assert client.of(facts.Ended)[0][:3] == (None, None, "")
    assert {target.id for target in client.of(facts.Target)} == {client.of(facts.Target)[0].id}


def test_a_dead_probe_is_a_trouble_that_passes(tmp_path: Path, connect: Connect) -> None:
    client = connect()
    client.watch(tmp_path)
    os.kill(client.probe(), signal.SIGKILL)
    client.until(lambda: len(client.of(facts.Hello)) == 2 and client.troubles("link")[1:])
    assert "signal 9" in client.troubles("link")[0]
    assert client.troubles("link")[1] == ""


def test_a_file_replaced_while_no_probe_looked_is_a_gap(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n" * 50)
    client = connect(backoff=(0.0,))
    client.watch(log)
    client.until(lambda: client.of(facts.CaughtUp))
    os.kill(client.probe(), signal.SIGSTOP)
    log.write_bytes(b"TWO\n" * 60)
    os.kill(client.probe(), signal.SIGKILL)
    client.until(lambda: len(client.of(facts.Chunk)) == 2)
    assert [(gap.offset, gap.reason) for gap in client.of(facts.Gap)] == [(0, "truncated")]
    assert client.of(facts.Chunk)[1].data == b"TWO\n" * 60


def test_a_killed_client_takes_its_probe_along(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_bytes(b"")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from trainwatch import facts\nfrom trainwatch.link.child import *\n"
        "link = ChildLink(local_probe()); link.open(lambda: None)\n"
        "link.send(facts.Watch(sys.argv[2], [], [], [], False))\n"
        "while True:\n"
        "    link.wait(60)\n"
        "    for fact in link.take(9):\n"
        "        if isinstance(fact, facts.Hello): print(fact.pid, flush=True)\n"
    )
    root = Path(__file__).parent.parent.parent
    command = [*script(program), str(root), str(tmp_path / "train.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        probe = os.pidfd_open(int(client.stdout.readline()))
        client.kill()
        ready = select.select([probe], [], [], SECONDS)[0]
    os.close(probe)
    assert ready, "the probe outlived its client"


def test_nobody_taking_makes_the_probe_wait(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(os.urandom(1 << 20) * 64)
    client = connect()
    client.watch(log)
    box = client.link._inbox
    most = 0
    while not client.bytes_of("train.log")[(60 << 20) :]:
        client.link.wait(SECONDS)
        most = max(most, box._bytes)
        client.facts += client.link.take(1)
    assert most <= inbox.MAX_BYTES + BLOCK + (2 << 20)
    client.until(lambda: len(client.bytes_of("train.log")) == 64 << 20)
    assert client.bytes_of("train.log") == log.read_bytes()


def test_a_journal_holds_what_the_client_was_told(tmp_path: Path, connect: Connect) -> None:
    log, journal = tmp_path / "train.log", tmp_path / "run.tw"
    log.write_bytes(b"one\n")
    client = connect(record=journal, backoff=(0.0,))
    client.watch(log)
    client.until(lambda: client.of(facts.CaughtUp))
    os.kill(client.probe(), signal.SIGKILL)
    client.until(lambda: len(client.of(facts.CaughtUp)) == 2)
    client.link.close()
    client.facts += client.link.take(10000)
    replay = JournalLink(journal, 0)
    replay.open(lambda: None)
    played: list[Any] = []
    while not replay.closed:
        replay.wait(SECONDS)
        played += replay.take(1000)
    assert played == client.facts
    assert journal.read_bytes().count(wire.MAGIC) == 1


def test_a_full_disk_ends_the_journal_and_nothing_else(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n")
    client = connect(record=Path("/dev/null"))
    assert client.link._journal
    assert client.link._journal._file
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), client.link._journal._file.fileno())
    client.watch(log)
    client.until(lambda: client.troubles("journal") and client.of(facts.CaughtUp))
    assert "No space left" in client.troubles("journal")[0]
    assert client.bytes_of("train.log") == b"one\n"


def test_a_watch_for_once_ends_by_itself(tmp_path: Path, connect: Connect) -> None:
    (tmp_path / "train.log").write_bytes(b"one\n")
    client = connect()
    client.watch(tmp_path / "train.log", once=True)
    client.until(lambda: client.link.closed)
    assert isinstance(client.facts[-1], facts.CaughtUp)
    assert client.bytes_of("train.log") == b"one\n"


def test_an_unknown_target_is_said_and_ends_a_watch_for_once(
    tmp_path: Path, connect: Connect
) -> None:
    client = connect()
    client.watch(tmp_path / "none", once=True)
    client.until(lambda: client.link.closed)
    assert "there is no file or folder called" in client.troubles("target")[0]


def test_new_wishes_for_the_same_target_do_not_send_bytes_again(
    tmp_path: Path, connect: Connect
) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"one\n" * 1000)
    out = tmp_path / "elsewhere"
    (out / "checkpoint-1").mkdir(parents=True)
    client = connect()
    client.watch(log)
    client.watch(log, roots=(str(out),))
    client.until(lambda: any(fact.root == str(out) for fact in client.of(facts.Listing)))
    with log.open("ab") as more:
        more.write(b"two\n")
    client.until(lambda: len(client.bytes_of("train.log")) == 4004)
    assert client.bytes_of("train.log") == log.read_bytes()


def test_parts_of_streams_and_files_are_read_on_request(tmp_path: Path, connect: Connect) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"0123456789")
    client = connect()
    client.watch(log)
    client.link.send(facts.Read("train.log", 2, 3))
    client.link.send(facts.Read(str(log), 8, 99))
    client.link.send(facts.Read(str(tmp_path / "none"), 0, 9))
    client.link.send(facts.Read("train.log", -5, 9))
    client.until(lambda: len(client.of(facts.FileBytes)) == 4)
    answers = {(f.path, f.offset): (f.data, f.size) for f in client.of(facts.FileBytes)}
    assert answers == {
        ("train.log", 2): (b"234", 10),
        (str(log), 8): (b"89", 10),
        (str(tmp_path / "none"), 0): (b"", 0),
        ("train.log", -5): (b"", 0),
    }
    assert "No such file" in client.troubles("file:" + str(tmp_path / "none"))[0]


def test_unanswered_reads_are_asked_again_of_the_next_probe(
    tmp_path: Path, connect: Connect
) -> None:
    log = tmp_path / "train.log"
    log.write_bytes(b"0123456789")
    client = connect(backoff=(0.0,))
    probe = client.probe()
    os.kill(probe, signal.SIGSTOP)
    client.link.send(facts.Read(str(log), 2, 3))
    while client.link._requests:
        os.sched_yield()
    os.kill(probe, signal.SIGKILL)
    client.until(lambda: client.of(facts.FileBytes))
    assert client.of(facts.FileBytes)[0].data == b"234"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["/nonexistent/python"], "cannot be started: /nonexistent/python: No such file"),
        (["sh", "-c", "echo Permission denied >&2; exit 255"], "Permission denied"),
        (["sh", "-c", "exit 3"], "code 3"),
        (["sh", "-c", "echo welcome to this machine; cat"], "not a trainwatch stream"),
        (script("import sys; sys.stdout.buffer.write(b'\\0\\0TW1\\n' + b'\\xff' * 99); input()"), "limit"),
        (script("import sys; sys.stdout.buffer.write(b'\\0\\0TW1\\n\\0\\0\\0\\2\\0\\0\\0\\0{}'); input()"), "unknown frame"),
    ],
)  # fmt: skip
def test_whatever_starts_instead_of_a_probe_is_told_in_words(
    argv: list[str], words: str, connect: Connect
) -> None:
    client = connect(argv)
    client.until(lambda: len(client.troubles("link")) == 2)  # and it is tried again
    assert words in client.troubles("link")[0]
    assert "\n" not in client.troubles("link")[0]


def test_a_question_that_died_with_the_probe_is_answered(connect: Connect) -> None:
    client = connect(backoff=(0.0,))
    probe = client.probe()
    os.kill(probe, signal.SIGSTOP)
    client.link.send(facts.Stop("x", False, 5.0))
    while client.link._requests:
        os.sched_yield()
    os.kill(probe, signal.SIGKILL)
    answer = client.until(lambda: client.of(facts.Answer))[0]
    assert not answer.ok
    assert answer.done


def test_a_client_that_leaves_is_not_held_by_a_hanging_probe(connect: Connect) -> None:
    client = connect()
    probe = client.probe()
    os.kill(probe, signal.SIGSTOP)
    client.link.close()
    client.until(lambda: client.link.closed)
    end = os.pidfd_open(probe)
    os.kill(probe, signal.SIGCONT)
    assert select.select([end], [], [], SECONDS)[0]
    os.close(end)
    for reaper in [thread for thread in threading.enumerate() if thread.name == "reaper"]:
        reaper.join(SECONDS)


def test_the_time_of_the_next_try_is_counted_down(connect: Callable[..., Client]) -> None:
    client = connect(["/bin/false"], backoff=(4.0,))
    client.until(lambda: len(client.troubles("link")) >= 3)
    told = [int(text.rpartition(" in ")[2].split()[0]) for text in client.troubles("link")[:3]]
    assert told[0] > told[1] > told[2] > 0


def test_a_link_that_is_closed_leaves_no_descriptor_open() -> None:
    def links() -> list[str]:
        return sorted(os.listdir("/proc/self/fd"))

    before = links()
    for _ in range(3):
        client = Client(ChildLink(local_probe()))
        client.probe()
        client.link.close()
        client.link._thread.join(SECONDS)
    assert links() == before


def test_what_is_asked_without_a_connection_is_answered_and_never_done_later(
    connect: Callable[..., Client], tmp_path: Path
) -> None:
    client = connect(["cat", str(tmp_path / "no-such-file")], backoff=(60.0,))
    client.until(lambda: client.troubles("link"))
    client.link.send(facts.Stop("x", False, 1.0))
    client.link.send(facts.Job("1", "verify", "x", []))
    client.until(lambda: client.of(facts.Answer) and client.of(facts.JobEnded))
    (answer,), (ended,) = client.of(facts.Answer), client.of(facts.JobEnded)
    assert (answer.ok, answer.done, ended.ok) == (False, True, False)
    assert answer.text == "there is no connection: it was not asked to stop; ask again"
    assert not client.link._requests
