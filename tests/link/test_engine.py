"""What is said to Docker and Kubernetes, and what their answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trainwatch.link.engine import Docker, Kubernetes, State, engine
from trainwatch.link.times import seconds


def docker(**state: Any) -> State:
    told = {"state": state, "path": "python", "args": ["train.py"]}
    return Docker("box").state(json.dumps(told).encode())


def pod(phase: str, **kind: Any) -> State:
    told = {"phase": phase, "containerStatuses": [{"state": kind}]}
    return Kubernetes("pod").state(json.dumps(told).encode())


@pytest.mark.parametrize(
    ("state", "word", "code", "signal", "cause"),
    [
        (docker(Status="running", Running=True, ExitCode=0), "running", None, None, ""),
        (docker(Status="paused"), "running", None, None, ""),
        (docker(Status="created"), "pending", None, None, ""),
        (docker(Status="exited", ExitCode=0), "ended", 0, None, ""),
        (docker(Status="exited", ExitCode=3), "ended", 3, None, ""),
        (docker(Status="exited", ExitCode=137), "ended", None, 9, ""),
        (docker(Status="exited", ExitCode=137, OOMKilled=True), "ended", None, 9, "oom"),
        (docker(Status="exited", ExitCode=255), "ended", 255, None, ""),
        (docker(Status="dead", ExitCode="x"), "ended", None, None, ""),
        (pod("Running", running={}), "running", None, None, ""),
        (pod("Running", terminated={"exitCode": 1}), "running", None, None, ""),
        (pod("Pending", waiting={"reason": "ImagePullBackOff"}), "pending", None, None, ""),
        (pod("Succeeded", terminated={"exitCode": 0}), "ended", 0, None, ""),
        (
            pod("Failed", terminated={"exitCode": 137, "reason": "OOMKilled"}),
            "ended",
            None,
            9,
            "oom",
        ),
        (pod("Failed"), "ended", None, None, ""),
    ],
)
def test_a_state_is_read(
    state: State, word: str, code: int | None, signal: int | None, cause: str
) -> None:
    assert (state.word, state.code, state.signal, state.cause) == (word, code, signal, cause)


def test_why_a_pod_waits_is_told() -> None:
    assert pod("Pending", waiting={"reason": "ImagePullBackOff"}).why == "ImagePullBackOff"
    assert Kubernetes("pod").state(b'{"phase": "Pending"}').why == "Pending"


def test_the_command_and_the_start_of_a_container_are_known() -> None:
    state = docker(Status="running", StartedAt="2026-01-01T00:00:00.5Z")
    assert state.command == ("python", "train.py")
    assert state.started == seconds("2026-01-01T00:00:00.5Z") == 1767225600.5
    assert docker(Status="created", StartedAt="0001-01-01T00:00:00Z").started is None


@pytest.mark.parametrize("answer", [b"", b"{", b"\xff"])
def test_an_answer_that_is_none_is_refused(answer: bytes) -> None:
    for one in (Docker("box"), Kubernetes("pod")):
        with pytest.raises(ValueError, match=r".*"):
            one.state(answer)


@pytest.mark.parametrize("answer", [b"[]", b"1", b'{"state": 3}', b'{"containerStatuses": [1]}'])
def test_an_answer_of_another_shape_breaks_nothing(answer: bytes) -> None:
    for one in (Docker("box"), Kubernetes("pod")):
        assert one.state(answer).word in ("running", "pending")


def test_what_is_asked_of_docker() -> None:
    one = engine("docker:my-box.1")
    assert one.inside() == ["docker", "exec", "-i", "my-box.1"]
    assert one.logs("", follow=False) == ["docker", "logs", "--timestamps", "my-box.1"]
    assert one.logs("T", follow=True)[2:] == [
        "--timestamps",
        "--follow",
        "--since",
        "T",
        "my-box.1",
    ]


def test_what_is_asked_of_kubernetes() -> None:
    one = engine("k8s:ml/train-0")
    assert one.inside() == ["kubectl", "--namespace", "ml", "exec", "-i", "train-0", "--"]
    assert engine("k8s:train-0").inside() == ["kubectl", "exec", "-i", "train-0", "--"]
    assert one.logs("T", follow=True)[3:] == [
        "logs", "--timestamps", "--follow", "--since-time=T", "train-0",
    ]  # fmt: skip


NO_NAMES = [
    "",
    "-it",
    "a b",
    "$(x)",
    "a'b",
    "a\nb",
    "a/b/c",
    "a/",
    "/b",
    "a;b",
    "a\n",
    "a:b",
    "../a",
]


@pytest.mark.parametrize(
    "where", [f"{kind}:{word}" for kind in ("docker", "k8s") for word in NO_NAMES]
)
def test_what_is_no_name_never_becomes_a_word(where: str) -> None:
    with pytest.raises(ValueError, match="is no name of a"):
        engine(where)
