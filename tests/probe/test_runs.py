"""Run directories: found by id, prefix, name or age, and readable in whatever state they are."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

import pytest

from trainwatch.probe import masks, runs

pytestmark = pytest.mark.usefixtures("state")


def kept(name: str = "", started: float = 100.0, host: str = "", run: str = "") -> runs.Run:
    """A run directory whose training is gone."""
    fresh = runs.fresh()
    if run:
        os.rename(fresh.folder, Path(fresh.folder).with_name("." + run))
        fresh = fresh._replace(id=run, folder=str(Path(fresh.folder).with_name("." + run)))
    meta = runs.Meta(
        id=fresh.id, name=name, command=["python", "t.py"], cwd="/w", host=host or runs.hostname(),
        user="u", started=started, pty=False, pid=2**22 + 1, start=1, supervisor=2**22 + 2,
        supervisor_start=1, boot="b", namespace="n", release="0",
    )  # fmt: skip
    runs.publish(fresh, meta)
    return runs.load(runs.folder_of(fresh.id))


def end(run: runs.Run, code: int | None = 0, signal: int | None = None) -> None:
    Path(run.folder, runs.EXIT).write_bytes(runs.exit_record(runs.Exit(code, signal, "", 200.0)))


def test_an_id_never_looks_like_a_process_id() -> None:
    assert all(re.fullmatch(r"[a-z][a-z2-9]{5}", runs.new_id()) for _ in range(1000))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TRAINWATCH_STATE": "/s"}, "/s"),
        ({"XDG_STATE_HOME": "/x"}, "/x/trainwatch"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/trainwatch"),
        ({"HOME": "/h"}, "/h/.local/state/trainwatch"),
    ],
)
def test_where_state_is_kept(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRAINWATCH_STATE", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert runs.state_folder() == expected
    monkeypatch.undo()


def test_runs_come_newest_first() -> None:
    old, new, middle = kept(started=1), kept(started=3), kept(started=2)
    assert [run.id for run in runs.every()] == [new.id, middle.id, old.id]


def test_nothing_was_ever_started() -> None:
    assert runs.every() == []
    assert runs.find("") == []


def test_an_unpublished_directory_is_no_run() -> None:
    runs.fresh()
    assert runs.every() == []


def test_finding() -> None:
    first = kept("sft", 1, run="bcd234")
    second = kept("sft", 2, run="bcf567")
    third = kept("dpo", 3, run="k45678")

    def found(word: str) -> list[str]:
        return [run.id for run in runs.find(word)]

    assert found("") == [third.id]
    assert found("bcd234") == [first.id]
    assert found("k") == [third.id]
    assert found("bc") == [second.id, first.id]
    assert found("sft") == [second.id]  # a name means its newest bearer
    assert found("nothing") == []


def test_a_name_that_is_also_an_id_is_ambiguous() -> None:
    first = kept("", 1, run="bcd234")
    second = kept("bcd234", 2)
    assert {run.id for run in runs.find("bcd234")} == {first.id, second.id}


def test_the_newest_is_one_of_this_host() -> None:
    here = kept(started=1)
    kept(started=2, host="another")
    assert [run.id for run in runs.find("")] == [here.id]


def test_how_it_ended_is_its_state() -> None:
    done, failed, killed, lost = kept(), kept(), kept(), kept()
    end(done)
    end(failed, 2)
    end(killed, None, 9)
    states = [runs.load(run.folder).state for run in (done, failed, killed, lost)]
    assert states == ["ended", "failed", "killed", "unknown"]
    seen = runs.seen(runs.load(killed.folder))
    assert (seen.signal, seen.code, seen.ended, seen.log) == (9, None, 200.0, killed.log)


def test_damage_is_tolerated_and_said() -> None:
    run = kept("sft")
    Path(run.folder, runs.META).write_text("{")
    damaged = runs.load(run.folder)
    assert damaged.damage.startswith(f"meta.json of run {run.id} cannot be read: ")
    assert (damaged.id, damaged.state, damaged.log) == (run.id, "unknown", run.log)
    assert runs.seen(damaged).command == []
    Path(run.folder, runs.META).unlink()
    assert "No such file" in runs.load(run.folder).damage
    assert [found.id for found in runs.every()] == [run.id]


def test_whatever_a_record_holds_reading_it_never_fails() -> None:
    run = kept("sft")
    end(run)
    draw = random.Random(7)
    for name in (runs.META, runs.EXIT):
        path = Path(run.folder, name)
        sound = path.read_bytes()
        hostile = [b"", b"[]", b"null", b"[" * 100_000, b'{"pid": 1e999}', b"\xff\xfe", b"{}"]
        for _ in range(300):
            flipped = bytearray(sound)
            flipped[draw.randrange(len(flipped))] = draw.randrange(256)
            hostile.append(bytes(flipped))
        for key, value in json.loads(sound).items():
            changed = {**json.loads(sound), key: [] if isinstance(value, str) else "x"}
            hostile.append(json.dumps(changed).encode())
        for content in hostile:
            path.write_bytes(content)
            runs.seen(runs.load(run.folder))
        path.write_bytes(sound)
    assert runs.load(run.folder).damage == ""


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("python t.py --lr 1e-4", "python t.py --lr 1e-4"),
        ("t.py --hub_token abc --x", "t.py --hub_token *** --x"),
        ("t.py --api-key=abc", "t.py --api-key=***"),
        ("env WANDB_API_KEY=abc python t.py", "env WANDB_API_KEY=*** python t.py"),
        ("t.py --password x --wandb.api_key y", "t.py --password *** --wandb.api_key ***"),
        ("t.py --push_to_hub_token --next", "t.py --push_to_hub_token --next"),
        ("t.py --eos_token <e> --pad_token=<p>", "t.py --eos_token <e> --pad_token=<p>"),
        ("t.py --max_tokens 9 --tokenizer gpt2", "t.py --max_tokens 9 --tokenizer gpt2"),
        ("t.py hf_" + "a" * 20, "t.py ***"),
        ("t.py --data s3://key:secret@host/x", "t.py --data s3://key:***@host/x"),
    ],
)
def test_secrets_are_masked(command: str, shown: str) -> None:
    assert " ".join(masks.masked(command.split())) == shown
    assert masks.masked(["sh", "-c", command])[2] == shown
