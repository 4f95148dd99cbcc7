"""A real tmux pane, followed: its history, then every byte, and nothing of ours left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.probe.conftest import Tmux
from trainwatch import facts
from trainwatch.probe import panes
from trainwatch.probe.resolve import TargetError, resolve
from trainwatch.probe.streams import shot
from trainwatch.probe.streams.tmux import PaneStream

FLOOD = """
import sys, time
for k in range({}):
    print('line', k)
    if k % 50 == 0:
        sys.stdout.flush()
        time.sleep(0.002)
print('done', flush=True)
time.sleep(60)
"""


class Follower:
    """A stream, and everything that it told."""

    def __init__(self, pane: panes.Pane, resume: facts.Resume | None = None, live: bool = True):
        self.rung = threading.Event()
        self.stream = PaneStream("tmux:" + pane.id, pane, self.rung.set, resume, live)
        self.facts: list[Any] = []

    def hear(self) -> bytes:
        self.facts += self.stream.poll()
        return self.text()

    def text(self) -> bytes:
        return b"".join(f.data for f in self.facts if isinstance(f, facts.Chunk))

    def lines(self) -> list[str]:
        return shot.rendered(self.text())[0]

    def said(self) -> str:
        self.hear()
        return " ".join(f.text for f in self.facts if isinstance(f, facts.Trouble))

    def gaps(self) -> list[facts.Gap]:
        return [f for f in self.facts if isinstance(f, facts.Gap)]


Follow = Callable[..., Follower]


@pytest.fixture
def follow(state: Path) -> Iterator[Follow]:
    started: list[Follower] = []

    def begin(*arguments: Any, **options: Any) -> Follower:
        started.append(Follower(*arguments, **options))
        return started[-1]

    yield begin
    for one in started:
        one.stream.close()
    assert list(state.glob(".pane-*")) == []


def python(code: str, folder: Path) -> str:
    path = folder / f"script{len(list(folder.glob('script*')))}.py"
    path.write_text(code)
    return f"exec {sys.executable} {path}"


def test_history_and_stream_join_without_loss_or_doubling(
    tmux: Tmux, tmp_path: Path, follow: Follow
) -> None:
    tmux.ask("new-session", "-d", "sleep 60")
    tmux.ask("set", "-g", "history-limit", "50000")
    pane = tmux.pane(python(FLOOD.format(20000), tmp_path))
    until(lambda: "line" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    followers = []
    for _ in range(4):  # one after the other, because a pane has one pipe
        follower = follow(pane)
        until(lambda: b"line" in follower.hear())  # noqa: B023
        followers.append(follower)
        if len(followers) < 4:
            follower.stream.close()
            follower.hear()
    until(lambda: b"done" in followers[-1].hear(), 60)
    assert followers[-1].lines() == [f"line {k}" for k in range(20000)] + ["done"]
    for follower in followers[:-1]:
        known = follower.lines()
        assert known == [f"line {k}" for k in range(len(known))]
        assert follower.gaps() == []


def test_an_unfinished_line_goes_on(tmux: Tmux, tmp_path: Path, follow: Follow) -> None:
    go = tmp_path / "go"
    pane = tmux.pane(
        python(
            "import os, time\nprint('10%', end='', flush=True)\n"
            f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
            "print('\\r90%', end='\\r100%\\n', flush=True)\ntime.sleep(60)",
            tmp_path,
        )
    )
    until(lambda: "10%" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    follower = follow(pane)
    until(lambda: follower.hear() == b"10%")
    until(lambda: tmux.ask("display-message", "-p", "-t", pane.id, "#{pane_pipe}") == "1\n")
    go.touch()
    until(lambda: follower.hear() == b"10%\r90%\r100%\r\n")


def test_a_pipe_of_somebody_else_is_left_alone(tmux: Tmux, tmp_path: Path, follow: Follow) -> None:
    pane = tmux.pane('echo begin; read line; echo "got $line"; read line')
    until(lambda: "begin" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    theirs = tmp_path / "theirs.txt"
    tmux.ask("pipe-pane", "-t", pane.id, f"cat > {theirs}")
    follower = follow(pane)
    until(lambda: "somebody has a pipe on it" in follower.said())
    tmux.ask("send-keys", "-t", pane.id, "hello", "Enter")
    until(lambda: b"got hello\n" in follower.hear())
    until(lambda: b"got hello" in theirs.read_bytes())
    assert follower.lines() == ["begin", "hello", "got hello"]
    assert follower.gaps() == []


def test_when_their_pipe_goes_ours_comes_and_the_other_way_round(
    tmux: Tmux, tmp_path: Path, follow: Follow
) -> None:
    pane = tmux.pane('while read line; do echo "got $line"; done')
    follower = follow(pane)

    def piped(command: str) -> bool:
        (told,) = [
            one for one in tmux.ask("list-panes", "-a", "-F", "#{pane_id} #{pane_pipe}").split("\n")
            if one.startswith(pane.id)
        ]  # fmt: skip
        return bool(command) == told.endswith("1")

    def said(word: str) -> None:
        tmux.ask("send-keys", "-t", pane.id, word, "Enter")
        until(lambda: f"got {word}".encode() in follower.hear())

    until(lambda: piped("ours"))
    said("one")
    tmux.ask("pipe-pane", "-t", pane.id, f"cat > {tmp_path}/theirs.txt")
    said("two")
    until(lambda: "somebody has a pipe on it" in follower.said())
    said("three")
    tmux.ask("pipe-pane", "-t", pane.id)
    until(lambda: piped("ours"))
    said("four")
    words = [word for one in ("one", "two", "three", "four") for word in (one, f"got {one}")]
    assert [line for line in follower.lines() if line] == words
    assert follower.gaps() == []


def test_a_pane_that_closes_is_over(tmux: Tmux, follow: Follow) -> None:
    tmux.ask("new-session", "-d", "sleep 60")
    pane = tmux.pane("echo last words; read line")
    follower = follow(pane)
    until(lambda: b"last words" in follower.hear())
    tmux.ask("kill-pane", "-t", pane.id)
    until(lambda: follower.hear() and follower.stream.ended)
    assert "was closed; this is all it showed" in follower.said()
    assert follower.stream.ended
    assert follower.stream.ended[:2] == (None, None)


def test_the_whole_server_goes(tmux: Tmux, follow: Follow) -> None:
    follower = follow(tmux.pane("echo last words; read line"))
    until(lambda: b"last words" in follower.hear())
    tmux.ask("kill-server")
    until(lambda: follower.hear() and follower.stream.ended)


def test_a_dead_pane_that_is_kept_tells_the_exit_code(tmux: Tmux, follow: Follow) -> None:
    tmux.ask("new-session", "-d", "sleep 60")
    tmux.ask("set", "-g", "remain-on-exit", "on")
    pane = tmux.pane("echo bye; exit 3")
    until(lambda: tmux.ask("display-message", "-p", "-t", pane.id, "#{pane_dead}") == "1\n")
    follower = follow(pane)
    until(lambda: follower.hear() and follower.stream.ended)
    assert follower.stream.ended
    assert follower.stream.ended.code == 3
    assert b"bye\n" in follower.text()


def test_a_second_follower_looks_from_where_the_first_was(tmux: Tmux, follow: Follow) -> None:
    """As after the death of a probe: what was shown meanwhile is told once, what was told is not."""
    pane = tmux.pane(
        "for k in 1 2 3; do echo line $k; done; while read line; do echo got $line; done"
    )
    first = follow(pane)
    until(lambda: b"line 3\r\n" in first.hear() or b"line 3\n" in first.hear())
    first.stream.close()
    text = first.hear()
    tmux.ask("send-keys", "-t", pane.id, "meanwhile", "Enter")
    until(lambda: "got meanwhile" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    resume = facts.Resume("tmux:" + pane.id, len(text), text[-64:].decode("latin-1"))
    second = follow(pane, resume)
    until(lambda: b"got meanwhile\n" in second.hear())
    assert second.gaps() == []
    assert shot.rendered(text + second.text())[0] == [
        "line 1", "line 2", "line 3", "meanwhile", "got meanwhile",
    ]  # fmt: skip
    chunk = next(fact for fact in second.facts if isinstance(fact, facts.Chunk))
    assert chunk.offset == len(text)


def test_where_nothing_fits_there_is_a_gap(tmux: Tmux, follow: Follow) -> None:
    pane = tmux.pane("echo new words; read line")
    until(lambda: "new words" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    follower = follow(pane, facts.Resume("tmux:" + pane.id, 100, "old words\n"))
    until(lambda: b"new words" in follower.hear())
    (gap,) = follower.gaps()
    assert (gap.offset, gap.reason) == (100, "missing")


def test_a_single_look_sets_nothing_up(tmux: Tmux, follow: Follow) -> None:
    pane = tmux.pane("echo hello; read line")
    until(lambda: "hello" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    follower = follow(pane, live=False)
    until(lambda: follower.hear() == b"hello\n")
    assert tmux.ask("display-message", "-p", "-t", pane.id, "#{pane_pipe}") == "0\n"


def test_older_bytes_can_be_read_again(tmux: Tmux, follow: Follow) -> None:
    follower = follow(tmux.pane("echo hello; read line"))
    until(lambda: b"hello" in follower.hear())
    assert follower.stream.part(1, 3).data == b"ell"
    assert follower.stream.part(999, 3).data == b""


def test_a_killed_probe_leaves_no_process_and_no_pipe(
    tmux: Tmux, tmp_path: Path, state: Path
) -> None:
    pane = tmux.pane("echo hello; while read line; do echo got $line; done")
    code = (
        "import sys\nfrom trainwatch.probe import panes\n"
        "from trainwatch.probe.streams.tmux import PaneStream\n"
        f"(pane,) = panes.on({tmux.socket!r})\n"
        "PaneStream('x', pane, lambda: None)\nsys.stdin.read()"
    )
    probe = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    def pipe() -> str:
        return tmux.ask("display-message", "-p", "-t", pane.id, "#{pane_pipe}").strip()

    until(lambda: pipe() == "1")
    until(lambda: list(state.glob(".pane-*")) == [])
    probe.send_signal(signal.SIGKILL)
    probe.wait()
    assert probe.stdin
    probe.stdin.close()
    until(lambda: pipe() == "0")
    tmux.ask("send-keys", "-t", pane.id, "still", "Enter")
    until(lambda: "got still" in tmux.ask("capture-pane", "-p", "-t", pane.id))


# --- by name --------------------------------------------------------------------------------


def test_a_pane_is_a_target(tmux: Tmux, tmp_path: Path) -> None:
    pane = tmux.pane(python("import time\ntime.sleep(60)", tmp_path), "-s", "sft")
    until(lambda: panes.foreground(pane) > 0)
    for word in (f"tmux:{pane.id}", "tmux:sft:0.0", "tmux:sft"):
        found = resolve(facts.Watch(word, [], [], [], False))
        assert (found.fact.kind, found.fact.id) == ("pane", f"tmux:{pane.id}")
        assert found.fact.pid == pane.pid
        assert found.streams[0].pane


def test_a_pane_in_which_a_shell_waits_has_no_process(tmux: Tmux) -> None:
    pane = tmux.pane("exec bash --norc -i")
    until(lambda: "bash" in tmux.ask("capture-pane", "-p", "-t", pane.id))
    found = resolve(facts.Watch(f"tmux:{pane.id}", [], [], [], False))
    assert found.fact.pid is None
    assert found.subject is None
    assert [source.name for source in found.streams] == [f"tmux:{pane.id}"]


@pytest.mark.parametrize("word", ["tmux:%9999", "tmux:nothing:0.0", "tmux:sf"])
def test_a_pane_that_is_not_there_is_named_with_those_that_are(tmux: Tmux, word: str) -> None:
    pane = tmux.pane("sleep 60", "-s", "sft")
    with pytest.raises(TargetError) as caught:
        resolve(facts.Watch(word, [], [], [], False))
    assert caught.value.text == (
        f"there is no tmux pane {word[5:]}; here are: tmux:{pane.id} (sft:0.0)"
    )


def test_without_a_server_that_is_said(tmux: Tmux) -> None:
    with pytest.raises(TargetError, match="no tmux server runs here"):
        resolve(facts.Watch("tmux:%1", [], [], [], False))
