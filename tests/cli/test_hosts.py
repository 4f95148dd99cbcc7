"""Trainings on another machine: a real sshd, the real command, ``host:`` in front of everything."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.terminal import TRAINWATCH, Terminal, environment, own
from tests.sshd import Box, needs_sshd

pytestmark = needs_sshd

At: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
LINES = "print({'loss': 2.0, 'epoch': 0.5}); print({'eval_loss': 1.5, 'epoch': 1.0})"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.end()


@pytest.fixture
def env(box: Box, state: Path) -> dict[str, str]:
    return environment(state / "mine", PATH=f"{box.ssh()}:{os.environ['PATH']}")


@pytest.fixture
def at(env: dict[str, str], tmp_path: Path) -> At:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TRAINWATCH, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=env,
            start_new_session=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_training_is_started_listed_read_and_judged_there(box: Box, at: At) -> None:
    box.start()
    said = at("run", "--on", "box", "--name", "far", "python3", "-c", LINES)
    assert (said.returncode, len(said.stdout.splitlines())) == (0, 2)
    assert "run box:" in said.stderr
    (listed,) = own(json.loads(at("list", "box:", "--json").stdout))
    assert (listed["name"], listed["state"], listed["loss"]) == ("far", "ended", 2.0)
    assert json.loads(at("status", "box:far", "--json").stdout)["eval_loss"] == 1.5
    points = [json.loads(line) for line in at("export", "box:far").stdout.splitlines()]
    assert [point["value"] for point in points if point["name"] == "loss"] == [2.0, 1.5]
    assert at("diagnose", "box:").returncode == 2
    assert own(json.loads(at("list", "--json").stdout)) == []


def test_the_exit_code_of_the_training_there_comes_back(box: Box, at: At) -> None:
    box.start()
    assert at("run", "--on", "box", "--no-ui", "sh", "-c", "exit 7").returncode == 7


def test_a_command_that_is_not_there_says_so_as_a_shell_does(box: Box, at: At) -> None:
    box.start()
    said = at("run", "--on", "box", "no-such-program")
    assert (said.returncode, said.stdout) == (127, "")
    assert said.stderr.startswith("trainwatch: box: ")


def test_a_folder_of_that_machine_can_be_named(box: Box, at: At) -> None:
    (box.home / "it's here").mkdir()
    box.start()
    said = at("run", "--on", "box", "--cwd", "~/it's here", "--no-ui", "pwd")
    assert said.stdout == f"{box.home}/it's here\n"


def test_a_training_there_is_stopped_from_here(box: Box, at: At) -> None:
    box.start()
    run = at("run", "--on", "box", "--detach", "sleep", "1000").stdout.strip()
    said = at("stop", f"box:{run}", "--grace", "5")
    assert said.returncode == 0, said.stderr
    (listed,) = own(json.loads(at("list", "box:", "--json").stdout))
    assert listed["state"] != "running"


def test_a_file_with_a_hostile_name_is_read_there(box: Box, at: At) -> None:
    log = box.home / 'it\'s "a" $(log)\n;.log'
    log.write_text("{'loss': 3.25}\n")
    box.start()
    said = at("export", f"box:{log}")
    assert [json.loads(line)["value"] for line in said.stdout.splitlines()] == [3.25]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status", "box:no-such-run"], 3),
        (["attach", "box:/no/such/file"], 3),
        (["stop", "box:no-such-run"], 3),
        (["status", "nowhere.invalid:"], 4),
        (["attach", "nowhere.invalid:"], 4),
        (["run", "--on", "nowhere.invalid", "true"], 4),
        (["list", "nowhere.invalid:"], 4),
    ],
)
def test_what_cannot_be_found_or_reached_says_so(
    words: list[str], code: int, box: Box, at: At
) -> None:
    box.start()
    said = at(*words)
    assert (said.returncode, said.stdout) == (code, "")
    assert said.stderr.count("\n") == 1


def test_where_there_is_nothing_no_screen_stays_and_it_is_said_in_words_for_who_sits_here(
    box: Box, env: dict[str, str]
) -> None:
    box.start()
    terminal = Terminal([*TRAINWATCH, "attach", "box:"], env, columns=200)
    try:
        assert terminal.wait() == 3
    finally:
        terminal.close()
    said = terminal.output.decode().splitlines()[-1]
    assert "trainwatch: box: there is no run here yet" in said
    assert "trainwatch run --on box python train.py" in said
    assert said.endswith("trainwatch list box:")


def test_a_host_key_that_is_not_known_is_refused_without_a_terminal(box: Box, at: At) -> None:
    box.start()
    (box.folder / "known").write_text("")
    said = at("status", "box:")
    assert said.returncode == 4
    assert "host key of box is not known yet" in said.stderr


def test_a_jump_host_of_the_configuration_is_used(box: Box, at: At) -> None:
    box.start()
    config = box.folder / "ssh_config"
    far = config.read_text().replace("Host box\n", "Host far\n ProxyJump box\n")
    config.write_text(config.read_text() + far)
    log = box.home / "train.log"
    log.write_text("{'loss': 3.25}\n")
    said = at("export", f"far:{log}")
    assert [json.loads(line)["value"] for line in said.stdout.splitlines()] == [3.25], said.stderr


def test_a_connection_of_the_user_is_used_and_stays(box: Box, at: At) -> None:
    box.start()
    config = box.folder / "ssh_config"
    config.write_text(f"ControlPath {box.folder}/own\n" + config.read_text())
    ssh = [f"{box.ssh()}/ssh"]
    subprocess.run([*ssh, "-M", "-N", "-f", "-o", "ControlPersist=60", "box"], check=True)
    try:
        (box.folder / "keys").write_text("")  # nobody can log in any more
        said = at("run", "--on", "box", "--no-ui", "echo", "hello")
        assert (said.returncode, said.stdout) == (0, "hello\n"), said.stderr
        assert subprocess.run([*ssh, "-O", "check", "box"], check=False).returncode == 0
    finally:
        subprocess.run([*ssh, "-O", "exit", "box"], check=False)


def test_ssh_asks_in_the_plain_terminal_and_only_once(
    box: Box, env: dict[str, str], at: At
) -> None:
    box.start()
    assert at("run", "--on", "box", "--name", "far", "python3", "-c", LINES).returncode == 0
    (box.folder / "known").write_text("")
    box.lock("open sesame")
    terminal = Terminal([*TRAINWATCH, "attach", "box:far"], env)
    try:
        terminal.until("(yes/no/[fingerprint])?")
        assert b"\x1b[?1049h" not in terminal.output
        terminal.type("yes\n")
        terminal.until("Enter passphrase")
        terminal.type("open sesame\n")
        terminal.until("\x1b[?1049h")
        terminal.until("eval_loss")
        assert terminal.output.count(b"Enter passphrase") == 1
        terminal.type("q")
        assert terminal.wait() == 0
        assert b"trainwatch attach box:far" in terminal.output
    finally:
        terminal.close()
