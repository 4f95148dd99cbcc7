"""How alerts reach a person: the bell, the desktop, a webhook, a command of one's own.

The law of this file: everything is off until the configuration asks for it; nothing here can delay
or end the watch. What leaves the terminal goes through one thread with a short queue; what cannot
be delivered is said once and dropped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import urllib.request
from contextlib import suppress
from functools import partial
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from trainwatch.draw import shapes
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.cli.config import Config
    from trainwatch.run.alerts import Alert
    from trainwatch.run.run import Run

_WAITING = 16  # alerts; when more wait than that, the newest are dropped
_WEBHOOK = 10.0  # seconds
_COMMAND = 60.0  # seconds
_PARTING = 5.0  # seconds that leaving may wait for the last delivery
_WORDS = 200  # characters of a notification

# Terminals by what they set: (variable, how its value begins, escape sequence).
_TERMINALS = (
    ("TERM_PROGRAM", "iTerm", "osc9"), ("TERM_PROGRAM", "WezTerm", "osc9"),
    ("TERM_PROGRAM", "ghostty", "osc9"), ("TERM", "xterm-kitty", "osc9"),
    ("TERM", "foot", "osc777"), ("TERM", "rxvt-unicode", "osc777"),
)  # fmt: skip


class Delivery:
    """Delivers the alerts of one watch."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self._sent: dict[tuple[str, str, bool], float] = {}  # (run, rule, grave) -> when
        self._queue: Queue[str | None] = Queue(_WAITING)
        self._worker: threading.Thread | None = None
        self._said: set[str] = set()
        self.said: Callable[[str], None] = _ignore
        """Gets a sentence when something cannot be delivered; called from any thread."""

    def deliver(self, alert: Alert, run: Run, write: Callable[[str], None]) -> None:
        """Tell of an alert that was raised or withdrawn; ``write`` goes to the terminal."""
        raised = alert.state == "active"
        about = (run.target.id if run.target else ""), alert.rule
        if raised and not self._due(alert, *about):
            return
        if not raised and (*about, False) not in self._sent:
            return
        if raised:
            sequence = self._for_terminal(alert, run)
            if sequence:
                write(sequence)
        if self._settings.webhook or self._settings.on_alert:
            self._post(json.dumps(shapes.alert(alert, run)))

    def close(self) -> None:
        """Let the last alert go out, for a short while."""
        if self._worker is not None:
            with suppress(Full):
                self._queue.put_nowait(None)
            self._worker.join(_PARTING)

    def _due(self, alert: Alert, run: str, rule: str) -> bool:
        """Whether this rule has been silent for long enough; what became graver is told anyway."""
        grave, last = alert.severity == "critical", self._sent.get((run, rule, False))
        graver = grave and (run, rule, True) not in self._sent
        if last is not None and alert.since - last < self._settings.every and not graver:
            return False
        self._sent[run, rule, False] = alert.since
        if grave:
            self._sent[run, rule, True] = alert.since
        return True

    # --- the terminal ---------------------------------------------------------------------

    def _for_terminal(self, alert: Alert, run: Run) -> str:
        bell = "\a" if self._settings.bell else ""
        way = self._settings.desktop
        if way == "off":
            return bell
        if way == "auto":
            way = terminal_way()
            if not way:
                self._complain(
                    "this terminal is not known to show notifications; in tmux, or when it does,"
                    ' set desktop = "osc9" or "osc777"'
                )
                return bell
        name = run.target.name or run.target.id if run.target else "training"
        return bell + notification(way, f"trainwatch: {name}", alert.text)

    # --- elsewhere ------------------------------------------------------------------------

    def _post(self, text: str) -> None:
        if self._worker is None:
            self._worker = threading.Thread(target=self._work, name="alerts", daemon=True)
            self._worker.start()
        try:
            self._queue.put_nowait(text)
        except Full:
            self._complain("alerts come faster than they can be delivered: some are dropped")

    def _work(self) -> None:
        while True:
            try:
                text = self._queue.get(timeout=3600)
            except Empty:
                continue
            if text is None:
                return
            if self._settings.webhook:
                self._attempt("the webhook", partial(_call, self._settings.webhook, text))
            if self._settings.on_alert:
                self._attempt("on_alert", partial(_run, self._settings.on_alert, text))

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        try:
            act()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._complain(f"an alert could not be delivered by {what}: {error}")

    def _complain(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.said(clean(text, 400))


def terminal_way() -> str:
    """How this terminal is asked for a notification; "" when that is not known."""
    if os.environ.get("TMUX"):  # what stands behind tmux, it does not tell
        return "osc9" if os.environ.get("LC_TERMINAL") == "iTerm2" else ""
    for variable, begin, way in _TERMINALS:
        if os.environ.get(variable, "").startswith(begin):
            return way
    return ""


def notification(way: str, title: str, text: str) -> str:
    """The sequence that shows a notification; inside tmux wrapped to pass through."""
    title, text = (clean(t, _WORDS).replace(";", ",") for t in (title, text))
    inner = f"\x1b]777;notify;{title};{text}\a" if way == "osc777" else f"\x1b]9;{title}: {text}\a"
    if os.environ.get("TMUX"):  # passes where tmux has "allow-passthrough on"
        return "\x1bPtmux;" + inner.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return inner


def _call(url: str, text: str) -> None:
    head = {"Content-Type": "application/json", "User-Agent": "trainwatch"}
    # That it is http was checked where it was set.
    request = urllib.request.Request(url, text.encode(), head, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=_WEBHOOK):  # noqa: S310
        pass


def _run(command: tuple[str, ...], text: str) -> None:
    """The person's own command in a session of its own, with the alert on its standard input."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        process.communicate(text.encode() + b"\n", timeout=_COMMAND)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise OSError(f"{command[0]} ended with code {process.returncode}")


def _ignore(_: str) -> None:
    """Nobody listens."""
