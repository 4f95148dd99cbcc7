"""Container engines: programs called ``docker`` and ``kubectl`` that do what the real ones answer.

There is no engine behind them. A container is a process in a PID namespace of its own whose output is
kept line by line with its time, as the real ones keep it; ``exec`` runs words in that namespace.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

_UNSHARE = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]

needs_namespaces = pytest.mark.skipif(
    not shutil.which("nsenter")
    or subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode != 0,
    reason="PID namespaces cannot be made here",
)

_PROGRAM = r"""#!{python} -IS
import json, os, sys, time
HOME, KUBE = {home!r}, os.path.basename(sys.argv[0]) == "kubectl"
words = sys.argv[1:]
with open(os.path.join(HOME, "asked"), "a") as asked:
    asked.write(json.dumps(words[:6]) + "\n")
if words[:1] == ["--namespace"]:
    words = words[2:]
verb = words.pop(0)
if (verb, words[0]) in (("container", "inspect"), ("get", "pod")):
    words.pop(0)
options = []
while words and words[0].startswith("-"):
    options.append(words.pop(0))
    if options[-1] in ("--since", "--format"):
        options.append(words.pop(0))
name = words.pop(0)
place = os.path.join(HOME, name)
if not os.path.isdir(place):
    sys.exit('Error from server (NotFound): pods "%s" not found' % name if KUBE
             else "Error response from daemon: No such container: " + name)

def state():
    with open(os.path.join(place, "state")) as file:
        return json.load(file)

def has_ended():
    return "terminated" in state() or state().get("Status") == "exited"

if verb in ("container", "get"):
    now = state()
    if KUBE:
        over = "terminated" in now
        print(json.dumps({{"phase": "Failed" if over else "Running" if "running" in now else "Pending",
                          "containerStatuses": [{{"state": now}}]}}))
    else:
        print(json.dumps({{"state": now, "path": "train", "args": ["--lr", "1"]}}))
elif verb == "exec":
    if has_ended():
        sys.exit("Error response from daemon: container %s is not running" % name)
    words = words[1:] if KUBE else words
    with open(os.path.join(place, "pid")) as file:
        os.execvp("nsenter", ["nsenter", "-t", file.read(), "-p", "-m", "--"] + words)
elif verb == "logs":
    since = ""
    for option, value in zip(options, options[1:] + [""]):
        since = value if option == "--since" else since
        since = option.partition("=")[2] if option.startswith("--since-time=") else since
    since = since[:19] if KUBE else since  # it knows whole seconds only
    with open(os.path.join(place, "log")) as log:
        while True:
            over = has_ended()
            line = log.readline()
            if line and line >= since:
                sys.stdout.write(line)
                sys.stdout.flush()
            elif not line and (over or "--follow" not in options or os.path.exists(os.path.join(place, "cut"))):
                break
            elif not line:
                time.sleep(0.02)
"""


class Yard:
    """Containers, and a folder for the front of PATH with the programs that know them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "containers"
        self.path = folder / "engines"
        self.home.mkdir()
        self.path.mkdir()
        for name in ("docker", "kubectl"):
            program = self.path / name
            program.write_text(_PROGRAM.format(python=sys.executable, home=str(self.home)))
            program.chmod(0o755)
        self._started: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def put(self, name: str, state: dict[str, object], lines: list[str] | None = None) -> None:
        """A container in that state, with these lines in its log."""
        place = self.home / name
        place.mkdir(exist_ok=True)
        stamped = [
            f"2026-01-01T00:00:{k // 3:02}.{k % 3}Z {x}\n" for k, x in enumerate(lines or [])
        ]
        (place / "log").write_text("".join(stamped))
        self.tell(name, state)

    def tell(self, name: str, state: dict[str, object]) -> None:
        """Its state from now on."""
        fresh = self.home / name / "fresh"
        fresh.write_text(json.dumps(state))
        fresh.replace(self.home / name / "state")

    def start(self, name: str, command: list[str], cwd: Path) -> subprocess.Popen[str]:
        """Run a command as the first process of a container."""
        self.put(name, {"Status": "running"})
        process = subprocess.Popen(
            [*_UNSHARE, *command], cwd=cwd, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        task = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (child := task.read_text().strip()):
            pass
        (self.home / name / "pid").write_text(child)
        keeper = threading.Thread(target=self._keep, args=(name, process), daemon=True)
        keeper.start()
        self._started.append((process, keeper))
        return process

    def _keep(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout, (self.home / name / "log").open("a") as log:
            for line in process.stdout:
                now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
                log.write(f"{now.replace('+00:00', '000Z')} {line}")
                log.flush()
        code = process.wait()
        code = 128 - code if code < 0 else code  # as a shell and the real engines tell it
        self.tell(name, {"Status": "exited", "ExitCode": code, "OOMKilled": False})

    def asked(self) -> list[list[str]]:
        """What the programs were asked so far."""
        told = (self.home / "asked").read_text().splitlines()
        return [json.loads(line) for line in told]

    def end(self) -> None:
        """Nothing stays."""
        for process, keeper in self._started:
            process.kill()
            keeper.join()
