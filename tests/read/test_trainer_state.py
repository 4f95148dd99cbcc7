"""The Trainer's own file."""

from __future__ import annotations

import json

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.records import Metrics

STATE = {
    "global_step": 20,
    "log_history": [
        {"loss": 4.526213, "learning_rate": 0.004, "epoch": 0.41666, "step": 5},
        {"loss": 4.251, "learning_rate": 0.003, "epoch": 0.8333, "step": 10},
        {"eval_loss": float("nan"), "eval_runtime": 1.9, "epoch": 0.8333, "step": 10},
        {"train_runtime": 96.2, "train_loss": 3.7, "total_flos": 0, "epoch": 3, "step": 36},
    ],
}


def feed(data: bytes, size: int | None = None) -> list[object]:
    path = "/out/checkpoint-20/trainer_state.json"
    told = Reader().feed(facts.FileBytes(path, 0, data, size or len(data), 1.0, 2.0))
    return [record for record in told if not isinstance(record, facts.Trouble)]


def test_every_row_with_its_step() -> None:
    train, evals = feed(json.dumps(STATE).encode())
    assert isinstance(train, Metrics)
    assert isinstance(evals, Metrics)
    assert (list(train.steps), list(train.columns[0])) == ([5, 10], [4.526213, 4.251])
    assert [k.name for k in train.keys] == ["loss", "learning_rate"]
    assert (evals.keys[0].split, str(evals.columns[0][0])) == ("eval", "nan")
    assert train.source == "/out/checkpoint-20/trainer_state.json"


def test_a_half_written_file_is_waited_for() -> None:
    whole = json.dumps(STATE).encode()
    for end in range(0, len(whole), 7):
        assert feed(whole[:end]) == []
        assert feed(whole[:end], len(whole)) == []


def test_what_stays_half_written_is_said_until_it_is_whole_or_gone() -> None:
    whole, reader, where = json.dumps(STATE).encode(), Reader(), "/out/trainer_state.json"

    def read(data: bytes) -> list[str]:
        told = reader.feed(facts.FileBytes(where, 0, data, len(data), 1.0, 2.0))
        return [fact.text for fact in told if isinstance(fact, facts.Trouble)]

    said = [f"{where} is not read: it is cut or half written"]
    assert [read(whole[:99]), read(whole[:120]), read(whole)] == [said, [], [""]]
    assert read(whole[:99]) == said
    told = reader.feed(facts.Listing("/out", [], True, 3.0))
    assert facts.Trouble(f"file:{where}", "", "", 3.0) in told
    reader.feed(facts.CaughtUp(4.0))
    assert read(whole[:99]) == []  # it is soon whole


def test_hostile_content_is_no_error() -> None:
    assert feed(b"[" * 100_000) == []
    assert feed(b"9" * 5_000) == []
    assert feed(b'{"log_history": [1, {"loss": true, "step": 1}, {"loss": 1e400}]}') != [None]
    assert feed(b'{"log_history": 3}') == []


def test_the_probe_is_asked_for_it() -> None:
    watch = Reader().watch("out")
    assert "trainer_state.json" in [want.pattern for want in watch.wants]


def test_under_any_name_it_is_known_by_its_content() -> None:
    whole = json.dumps(STATE, indent=2).encode()
    reader = Reader()
    held = [
        reader.feed(facts.Chunk("a.json", i, whole[i : i + 9], 1.0))
        for i in range(0, len(whole), 9)
    ]
    assert not any(held)
    train, evals, _ = reader.feed(facts.CaughtUp(2.0))
    assert isinstance(train, Metrics)
    assert isinstance(evals, Metrics)
    assert (list(train.steps), list(evals.steps)) == ([5, 10], [10])


def test_json_lines_under_the_name_of_a_document_are_a_log() -> None:
    reader = Reader()
    lines = b'{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'
    assert reader.feed(facts.Chunk("metrics.json", 0, lines, 1.0)) == []
    found = [r for r in reader.feed(facts.CaughtUp(2.0)) if isinstance(r, Metrics)]
    assert [list(r.steps) for r in found] == [[1, 2]]
    (later,) = reader.feed(
        facts.Chunk("metrics.json", len(lines), b'{"step": 3, "loss": 0.1}\n', 3.0)
    )
    assert isinstance(later, Metrics)
    assert list(later.steps) == [3]
