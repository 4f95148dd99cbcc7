"""Alerts of real runs without a screen: webhook, command of one's own, terminal, ``--stop-on``."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.ui import scenes
from trainwatch.cli import delivery
from trainwatch.cli.config import Config
from trainwatch.run.alerts import Alert
from trainwatch.run.run import Run

TRAINING = """
import signal, sys, time
def leave(*_):
    print("saved", flush=True)
    sys.exit(0)
signal.signal(signal.SIGINT, leave)
for i in range(400):
    loss = {'loss': 1 / (i + 1), 'grad_norm': 1.0, 'learning_rate': 1e-4, 'step': 10 * i}
    print(loss, flush=True)
    print({'eval_loss': 1 / (i + 1) + 0.2 * max(0, i - 5), 'step': 10 * i}, flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def training(tmp_path: Path) -> str:
    (tmp_path / "train.py").write_text(TRAINING)
    return "train.py"


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """(address, what was sent there)."""
    got: list[dict[str, object]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", got
    server.shutdown()
    server.server_close()


def test_stop_on_stops_as_ctrl_c_does_and_everybody_is_told(
    training: str,
    hook: tuple[str, list[dict[str, object]]],
    trainwatch: Command,
    tmp_path: Path,
) -> None:
    kept = tmp_path / "alerts.jsonl"
    own = json.dumps(["sh", "-c", f"cat >> {kept}"])
    (tmp_path / "config.toml").write_text(
        f'[alerts]\nwebhook = "{hook[0]}"\non_alert = {own}\nbell = true\ndesktop = "osc9"\n'
    )
    said = trainwatch(
        "run", "--no-ui", "--stop-on", "overfitting", sys.executable, training,
        TRAINWATCH_CONFIG=str(tmp_path / "config.toml"),
    )  # fmt: skip
    assert said.returncode == 0
    assert said.stdout.endswith("saved\n")
    assert "stopping the training, as --stop-on wants: Eval loss" in said.stderr
    assert "\x1b" not in said.stderr
    assert "\a" not in said.stderr
    by_command = [json.loads(line) for line in kept.read_text().splitlines() if line]
    assert by_command == hook[1]
    assert (by_command[0]["rule"], by_command[0]["state"]) == ("overfitting", "active")
    assert by_command[0]["run"]["command"][1] == training


def test_without_it_nothing_is_stopped(training: str, trainwatch: Command, tmp_path: Path) -> None:
    short = (tmp_path / training).read_text().replace("400", "30")
    (tmp_path / training).write_text(short)
    said = trainwatch("run", "--no-ui", sys.executable, training)
    assert (said.returncode, "saved" in said.stdout) == (0, False)
    assert "overfitting: Eval loss" in said.stderr


def test_what_cannot_be_delivered_is_said_once_and_disturbs_nothing(
    training: str, trainwatch: Command, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(
        '[alerts]\nwebhook = "http://127.0.0.1:9/"\non_alert = ["./no-such-command"]\n'
    )
    said = trainwatch(
        "run", "--no-ui", "--stop-on", "critical", sys.executable, training,
        TRAINWATCH_CONFIG=str(tmp_path / "config.toml"),
    )  # fmt: skip
    assert said.returncode == 0
    assert said.stderr.count("could not be delivered by the webhook") == 1
    assert said.stderr.count("could not be delivered by on_alert") == 1


def test_a_rule_that_does_not_exist_starts_nothing(trainwatch: Command) -> None:
    said = trainwatch("run", "--stop-on", "overfit", "echo", "started")
    assert (said.returncode, said.stdout) == (2, "")
    assert "--stop-on can be broken-numbers, " in said.stderr


# --- the terminal ---------------------------------------------------------------------------


def alert(text: str = "Eval loss rose.", since: float = 0.0) -> Alert:
    return Alert("overfitting", "warning", text, 0.1, 10, since)


@pytest.mark.parametrize(
    ("variables", "way"),
    [
        ({"TERM_PROGRAM": "iTerm.app"}, "osc9"),
        ({"TERM": "foot"}, "osc777"),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, ""),
    ],
)
def test_only_terminals_that_show_notifications_are_asked(
    variables: dict[str, str], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "TERM_PROGRAM", "TMUX", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert delivery.terminal_way() == way


def test_a_notification_holds_no_foreign_control_and_passes_tmux_wrapped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    plain = delivery.notification("osc777", "a;b", "x\x1b]0;title\a\ny")
    assert plain.startswith("\x1b]777;notify;a,b;")
    assert plain.count("\x1b") == plain.count("\a") == 1
    monkeypatch.setitem(os.environ, "TMUX", "x")
    wrapped = delivery.notification("osc9", "a", "b")
    assert wrapped == "\x1bPtmux;\x1b\x1b]9;a: b\a\x1b\\"


def test_the_same_alert_is_not_delivered_again_at_once() -> None:
    told: list[str] = []
    bell = delivery.Delivery(Config(bell=True, every=300.0))
    for since in (0.0, 10.0, 299.0, 301.0):
        bell.deliver(alert(since=since), Run(), told.append)
    assert told == ["\a", "\a"]


def test_two_runs_do_not_silence_each_other() -> None:
    told: list[str] = []
    bell = delivery.Delivery(Config(bell=True))
    for name in ("one", "two", "one"):
        run = Run()
        run.apply(scenes.target()._replace(id=name))
        bell.deliver(alert(), run, told.append)
    assert told == ["\a", "\a"]
