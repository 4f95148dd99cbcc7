"""A list reads the log of an ended run once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command
from tests.cli.terminal import own
from trainwatch import facts
from trainwatch.cli.ledger import Ledger
from trainwatch.probe import runs
from trainwatch.run.limits import Limits

SEEN = facts.RunSeen("kx7f2q", "sft", ["x"], "/", "here", 7, "ended", 0, None, "", 1.0, 9.0, "/log")


def test_an_ended_run_is_known_from_then_on(state: Path) -> None:
    ledger = Ledger(Limits())
    assert ledger.find(SEEN) is None
    ledger.put(SEEN, {"loss": 1.5})
    ledger.save()
    path = state / "list.json"
    assert path.stat().st_mode & 0o777 == 0o600
    again = Ledger(Limits())
    assert again.find(SEEN) == {"loss": 1.5}
    assert again.find(SEEN._replace(ended=10.0)) is None
    assert again.find(SEEN._replace(host="there")) is None


def test_a_run_that_goes_on_is_never_noted(state: Path) -> None:
    ledger = Ledger(Limits())
    ledger.put(SEEN._replace(ended=None), {"loss": 1.5})
    ledger.save()
    assert not (state / "list.json").exists()
    assert ledger.find(SEEN._replace(ended=None)) is None


def test_a_damaged_file_is_no_trouble(state: Path) -> None:
    state.mkdir(exist_ok=True)
    for text in ("", "{", "[]", '{"a": 1}'):
        (state / "list.json").write_text(text)
        assert Ledger(Limits()).find(SEEN) is None


def test_the_second_list_tells_the_same_without_reading(trainwatch: Command, state: Path) -> None:
    trainwatch("run", "-n", "sft", "echo", "{'loss': 0.5, 'epoch': 1.0}")
    first = own(json.loads(trainwatch("list", "--json").stdout))
    log = Path(runs.find("sft")[0].log)
    log.write_text("{'loss': 9.0, 'epoch': 1.0}\n")
    assert own(json.loads(trainwatch("list", "--json").stdout)) == first
    (state / "list.json").unlink()
    assert own(json.loads(trainwatch("list", "--json").stdout))[0]["loss"] == 9.0
