"""Loops as people write them by hand: no two alike, none of them a framework.

``loops.txt`` holds each with what must be read of it, written down before it was read: ``split name
value``, then ``@step`` and ``eEPOCH`` where the lines tell them. No other loss may be read. Control
characters are spelled by their pictures. ``noise.txt`` holds lines that tell of no loss.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.records import Metrics

HERE = Path(__file__).parent
SPELLED = str.maketrans({"␛": "\x1b", "␍": "\r", "␉": "\t", "␠": ""})


def loops() -> dict[str, tuple[str, list[str]]]:
    """Name -> what is printed, and what is to be read."""
    found = {}
    for part in (HERE / "loops.txt").read_text().split("=== ")[1:]:
        name, _, rest = part.partition("\n")
        text, _, expected = rest.partition(">>> reads\n")
        found[name] = text.translate(SPELLED), expected.split("\n")
    return {name: (text, [line for line in told if line]) for name, (text, told) in found.items()}


LOOPS = loops()
NOISE = (HERE / "noise.txt").read_text().splitlines()


def read(text: str) -> list[tuple[str, str, str, int, float]]:
    """(split with set, name, value, step, epoch) of every point."""
    reader, data = Reader(), text.encode()
    records = [*reader.feed(facts.Chunk("log", 0, data, 1.0)), *reader.finish()]
    return [
        (f"{k.split}:{k.dataset}" if k.dataset else k.split, k.name, str(c[i]), r.steps[i], r.epochs[i])
        for r in records
        if isinstance(r, Metrics)
        for i in range(len(r.steps))
        for k, c in zip(r.keys, r.columns, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
def test_every_number_has_its_name_and_place(name: str) -> None:
    text, expected = LOOPS[name]
    points = read(text)
    for line in expected:
        split, metric, value, *places = line.split()
        found = [p for p in points if p[:3] == (split, metric, str(float(value)))]
        assert found, f"{line} was not read: {points}"
        for place in places:
            told = {"@": 3, "e": 4}[place[0]]
            assert float(place[1:]) in [p[told] for p in found], f"{line}: {found}"
    losses = {(p[0], p[2]) for p in points if p[1] == "loss"}
    stated = [line.split() for line in expected]
    assert losses == {(s, str(float(v))) for s, m, v, *_ in stated if m == "loss"}


@pytest.mark.parametrize("line", NOISE)
def test_no_loss_is_invented(line: str) -> None:
    assert not [p for p in read(line + "\n") if p[1] == "loss"]
    alone = [p for p in read("step 1 loss 5.0\n" + line + "\n") if p[1] == "loss"]
    assert [p[:3] for p in alone] == [("train", "loss", "5.0")]


def test_two_ranks_on_one_line() -> None:
    """The line of one began before that of the other had its end."""
    text = "[rank1]: step 6/20 loss 1.5[rank0]: step 6/20 loss 2.5\n\n"
    assert [(p[2], p[3]) for p in read(text)] == [("1.5", 6), ("2.5", 6)]


@pytest.mark.parametrize("piece", ["[rank0]:", "x[rank0]: loss 1 ", "loss=1,", "epoch 1 loss 2 "])
def test_one_endless_line_is_no_more_work_than_many(piece: str) -> None:
    data = (piece * (1 << 18))[: 1 << 19].encode() + b"\n"
    began = time.process_time()
    Reader().feed(facts.Chunk("log", 0, data, 1.0))
    assert time.process_time() - began < 1  # 100 ms on a free core; it was 1 s and more


def test_what_a_bar_shows_before_it_moves_belongs_to_the_epoch_before() -> None:
    rule = "━" * 20
    text = "".join(
        f"Epoch {epoch}/1  {rule} {done}/8 0:00:00 • 0:00:00 9.0it/s v_num: 0.000 {shown}\r"
        for epoch, done, shown in [
            (0, 0, "val_loss: 0.9"),  # of a sanity check
            (0, 8, ""),
            (1, 0, "val_loss: 0.5 train_loss: 0.4"),
            (1, 8, "val_loss: 0.3 train_loss: 0.2"),
        ]
    )
    assert [p[2:] for p in read(text + "\n")] == [
        ("0.5", 8, 0.0), ("0.4", 8, 0.0), ("0.3", 16, 1.0), ("0.2", 16, 1.0),
    ]  # fmt: skip
