"""Databases of trackers, made by SQLite itself: what it answers is the truth."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwatch import facts
from trainwatch.read.files import Files, database, wants
from trainwatch.read.records import Metrics
from trainwatch.read.sqlite import Database

MLFLOW = (
    "CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT(53) NOT NULL, timestamp BIGINT "
    "NOT NULL, run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN, "
    "CONSTRAINT metric_pk PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan), "
    "CHECK (is_nan IN (0, 1)))"
)
TRACKIO = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp "
    "TEXT NOT NULL, run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL)"
)


_OPENED: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Every database is closed when its test ends."""
    yield
    while _OPENED:
        _OPENED.pop().close()


def opened(path: Path, *, wal: bool, page: int = 4096) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    _OPENED.append(connection)
    connection.execute(f"PRAGMA page_size={page}")
    connection.execute(f"PRAGMA journal_mode={'wal' if wal else 'delete'}")
    return connection


def bytes_of(path: Path) -> tuple[bytes, bytes]:
    log = Path(f"{path}-wal")
    return path.read_bytes(), log.read_bytes() if log.exists() else b""


def fact(path: Path, data: bytes) -> facts.FileBytes:
    return facts.FileBytes(str(path), 0, data, len(data), 1.0, 1.0)


def points(rows: list[Metrics]) -> list[tuple[str, str, float, int]]:
    return [
        (key.split, key.name, column[i], record.steps[i])
        for record in rows
        for i in range(len(record.steps))
        for key, column in zip(record.keys, record.columns, strict=True)
    ]


@pytest.mark.parametrize("wal", [False, True], ids=["journal", "wal"])
@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_every_row_that_sqlite_answers(tmp_path: Path, page: int, wal: bool) -> None:
    path, dice = tmp_path / "a.db", random.Random(page)
    with opened(path, wal=wal, page=page) as db:
        db.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, n, x FLOAT(53), text TEXT)")
        db.execute("CREATE INDEX i ON metrics(n, x)")
        for i in range(900):
            number = dice.choice([0, 1, -1, 127, 128, -40000, 1 << 31, 1 << 45, -(1 << 60), None])
            text = "é" * dice.choice([0, 9, 300, 5000, 70000 if i % 100 == 0 else 20])
            db.execute("INSERT INTO metrics VALUES (NULL,?,?,?)", (number, dice.random(), text))
            if i % 97 == 0:
                db.commit()
        db.commit()
        db.execute("DELETE FROM metrics WHERE id % 7 = 0")
        db.commit()
        answer = db.execute("SELECT * FROM metrics ORDER BY id").fetchall()
        db.execute("INSERT INTO metrics VALUES (99999, 1, 1, 'not committed')")
        read = [tuple(row.values()) for row in Database(*bytes_of(path)).table("metrics")]
        db.rollback()
    assert read == answer


def test_reading_leaves_nothing_and_locks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    db = opened(path, wal=True)
    db.execute(TRACKIO)
    before = sorted(tmp_path.iterdir())
    list(Database(*bytes_of(path)).table("metrics"))
    assert sorted(tmp_path.iterdir()) == before
    db.execute("BEGIN EXCLUSIVE")


def test_a_damaged_database_gives_no_error(tmp_path: Path) -> None:
    path, dice = tmp_path / "a.db", random.Random(3)
    db = opened(path, wal=True, page=512)
    db.execute(TRACKIO)
    for step in range(300):
        db.execute("INSERT INTO metrics VALUES (NULL,'r','t','r',?,?)", (step, '{"loss": 1}' * 9))
        db.commit()
    data, log = bytes_of(path)
    for _ in range(200):
        hurt = bytearray(data)
        for _ in range(60):
            hurt[dice.randrange(100, len(hurt))] = dice.randrange(256)
        for row in Database(bytes(hurt), log[: dice.randrange(len(log))]).table("metrics"):
            assert isinstance(row, dict)


def test_trackio(tmp_path: Path) -> None:
    path = tmp_path / "trackio" / "project.db"
    path.parent.mkdir()
    db = opened(path, wal=True)
    db.execute(TRACKIO)
    files = Files()

    def log(run: str, step: int, **metrics: object) -> list[Metrics]:
        row = (run, "2026-01-01", run, step, json.dumps(metrics))
        db.execute("INSERT INTO metrics VALUES (NULL,?,?,?,?,?)", row)
        db.commit()
        data, wal = bytes_of(path)
        files.feed(fact(path, data))
        return files.feed(fact(Path(f"{path}-wal"), wal))

    log("old", 1, loss=9.0)
    log("new", 1, loss=0.5, note="x")
    rows = log("new", 2, **{"loss": "NaN", "val/loss": 0.25})
    assert points(rows[:1]) == [("train", "loss", 0.5, 1)]
    assert [p[:2] for p in points(rows[1:])] == [("train", "loss"), ("eval", "loss")]
    assert [(str(p[2]), p[3]) for p in points(rows[1:])] == [("nan", 2), ("0.25", 2)]
    assert [t[:3] for t in files.tallies] == [(str(path), "database", 2)]


def test_mlflow(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    db = opened(path, wal=False)
    db.execute(MLFLOW)

    def log(run: str, key: str, value: float, step: int, nan: int = 0) -> None:
        db.execute("INSERT INTO metrics VALUES (?,?,1,?,?,?)", (key, value, run, step, nan))
        db.commit()

    log("a", "loss", 9.0, 1)
    log("b", "loss", 0.5, 10)
    log("b", "eval_loss", 0.75, 10)
    log("b", "system/cpu_utilization_percentage", 3.0, 1)
    log("b", "loss", 0, 20, nan=1)
    log("b", "loss", 1.7976931348623157e308, 30)
    found = points(Files().feed(fact(path, path.read_bytes())))
    assert found[:2] == [("train", "loss", 0.5, 10), ("eval", "loss", 0.75, 10)]
    assert [(str(p[2]), p[3]) for p in found[2:]] == [("nan", 20), ("inf", 30)]


def test_metrics_logged_without_a_step_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    db = opened(path, wal=False)
    db.execute(MLFLOW)
    for place, value in enumerate((0.5, 0.25, 0.125)):
        db.execute("INSERT INTO metrics VALUES ('loss',?,?,'r',0,0)", (value, place))
    db.commit()
    found = points(Files().feed(fact(path, path.read_bytes())))
    assert [(p[2], p[3]) for p in found] == [(0.5, 0), (0.25, 1), (0.125, 2)]


def test_only_a_database_that_was_named_is_asked_for_whatever_its_name() -> None:
    patterns = {want.pattern for want in wants("runs/mine.db")}
    assert {"mine.db", "mine.db-wal", "mlflow.db"} <= patterns
    assert "*.db" not in patterns
    assert not database.wants_of("train.log")
