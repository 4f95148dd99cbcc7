"""How Docker and Kubernetes are asked: words of their own command lines, and what comes back.

The law of this file: words and their answers, nothing is started here. A name that could be anything
but a name never becomes a word.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NamedTuple, Protocol

from trainwatch.link.times import seconds

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_POD = re.compile(r"(?:([a-z0-9][a-z0-9.-]*)/)?([a-z0-9][a-z0-9.-]*)")
_OOM = "oom"


class State(NamedTuple):
    """What the engine says about a container."""

    word: Literal["pending", "running", "ended"]
    why: str = ""  # it is pending
    code: int | None = None
    signal: int | None = None
    cause: str = ""  # "oom" when the engine says so
    started: float | None = None
    command: tuple[str, ...] = ()


class Engine(Protocol):
    """One container of one engine."""

    program: str
    label: str  # for a person
    name: str

    def inside(self) -> list[str]:
        """What stands before words that are to run in the container."""

    def logs(self, since: str, follow: bool) -> list[str]:
        """What prints the log, each line after its time; ``since`` = "" for all of it."""

    def ask(self) -> list[str]:
        """What prints the state."""

    def state(self, answer: bytes) -> State:
        """The state by that answer. Raises ValueError."""

    def is_unknown(self, words: str) -> bool:
        """Whether the engine says that there is no such container."""

    @property
    def stop(self) -> str:
        """What a person types to stop it."""

    @property
    def overview(self) -> str:
        """What a person types to see what there is."""


class Docker:
    """The container ``name``."""

    program = "docker"
    label = "docker"

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a container")
        self.name = name

    def inside(self) -> list[str]:
        """See Engine."""
        return ["docker", "exec", "-i", self.name]

    def logs(self, since: str, follow: bool) -> list[str]:
        """See Engine."""
        options = [*(["--follow"] if follow else []), *(["--since", since] if since else [])]
        return ["docker", "logs", "--timestamps", *options, self.name]

    def ask(self) -> list[str]:
        """See Engine."""
        parts = '{"state":{{json .State}},"path":{{json .Path}},"args":{{json .Args}}}'
        return ["docker", "container", "inspect", "--format", parts, self.name]

    def state(self, answer: bytes) -> State:
        """See Engine."""
        told = _object(json.loads(answer))
        state = _object(told.get("state"))
        command = (_text(told.get("path")), *map(_text, _items(told.get("args"))))
        started = seconds(_text(state.get("StartedAt")))
        status = _text(state.get("Status"))
        if status in ("created", "restarting"):
            return State("pending", f"it is {status}", command=command)
        if status in ("exited", "dead", "removing"):
            cause = _OOM if state.get("OOMKilled") is True else ""
            return _ended(state.get("ExitCode"), cause, started, command)
        return State("running", started=started, command=command)

    def is_unknown(self, words: str) -> bool:
        """See Engine."""
        return "no such container" in words.lower() or "no such object" in words.lower()

    @property
    def stop(self) -> str:
        """See Engine."""
        return f"docker stop {self.name}"

    @property
    def overview(self) -> str:
        """See Engine."""
        return "docker ps --all"


class Kubernetes:
    """The pod ``[NS/]POD``."""

    program = "kubectl"
    label = "kubernetes"

    def __init__(self, name: str) -> None:
        match = _POD.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is no name of a pod: say k8s:POD or k8s:NAMESPACE/POD")
        self.name = name
        self._pod = match[2]
        self._kubectl = ["kubectl", *(["--namespace", match[1]] if match[1] else [])]

    def inside(self) -> list[str]:
        """See Engine."""
        return [*self._kubectl, "exec", "-i", self._pod, "--"]

    def logs(self, since: str, follow: bool) -> list[str]:
        """See Engine."""
        options = [*(["--follow"] if follow else []), *([f"--since-time={since}"] if since else [])]
        return [*self._kubectl, "logs", "--timestamps", *options, self._pod]

    def ask(self) -> list[str]:
        """See Engine."""
        return [*self._kubectl, "get", "pod", self._pod, "--output", "jsonpath={.status}"]

    def state(self, answer: bytes) -> State:
        """See Engine."""
        status = _object(json.loads(answer))
        containers = [_object(one) for one in _items(status.get("containerStatuses"))]
        kind = _object(containers[0].get("state")) if containers else {}
        started = seconds(_text(status.get("startTime")))
        if _text(status.get("phase")) in ("Succeeded", "Failed"):
            over = _object(kind.get("terminated"))
            cause = _OOM if over.get("reason") == "OOMKilled" else ""
            return _ended(over.get("exitCode"), cause, started, ())
        if "running" not in kind and "terminated" not in kind:
            waits = _object(kind.get("waiting"))
            why = _text(waits.get("reason")) or _text(status.get("phase"))
            return State("pending", why or "it has not started")
        return State("running", started=started)

    def is_unknown(self, words: str) -> bool:
        """See Engine."""
        return "NotFound" in words

    @property
    def stop(self) -> str:
        """See Engine."""
        return f"{' '.join(self._kubectl)} delete pod {self._pod}"

    @property
    def overview(self) -> str:
        """See Engine."""
        return f"{' '.join(self._kubectl)} get pods"


def engine(where: str) -> Engine:
    """``docker:NAME`` or ``k8s:[NS/]POD``. Raises ValueError."""
    kind, _, name = where.partition(":")
    return Docker(name) if kind == "docker" else Kubernetes(name)


def _ended(code: object, cause: str, started: float | None, command: tuple[str, ...]) -> State:
    """A code above 128 is how a container tells the signal that ended its first process."""
    number = code if type(code) is int else None
    if number is not None and 128 < number < 128 + 65:
        return State("ended", "", None, number - 128, cause, started, command)
    return State("ended", "", number, None, cause, started, command)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
