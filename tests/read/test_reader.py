"""Facts in, records out."""

from __future__ import annotations

import random

import pytest

from tests.read.settle import read
from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.records import Key, Metrics, Notice, Progress, Unread

# Shape of a transformers 5 run on one stream: bars redrawn around records, a nested evaluation bar.
RUN = (
    "\r  0%|          | 0/36 [00:00<?, ?it/s]\r 14%|█▍        | 5/36 [00:10<00:51,  1.65s/it]"
    "\r                                        \r"
    "{'loss': '4.526', 'grad_norm': '0.9865', 'learning_rate': '0.004', 'epoch': '0.4167'}\n"
    "\r 14%|█▍        | 5/36 [00:10<00:51,  1.65s/it]\r 28%|██▊       | 10/36 [00:18<00:39,  1.50s/it]"
    "\r                                        \r"
    "{'loss': '4.251', 'grad_norm': '1.139', 'learning_rate': '0.004797', 'epoch': '0.8333'}\n"
    "\r 28%|██▊       | 10/36 [00:18<00:39,  1.50s/it]\n"
    "\r  0%|          | 0/4 [00:00<?, ?it/s]\x1b[A\n\r100%|██████████| 4/4 [00:01<00:00,  2.17it/s]\x1b[A"
    "\r                                        \r"
    "{'eval_loss': '4.008', 'eval_runtime': '1.962', 'epoch': '0.8333'}\n"
    "\r 28%|██▊       | 10/36 [00:20<00:39,  1.50s/it]"
    "Saving model checkpoint to out/checkpoint-10\n"
    "it took 3 tries\n"
    "\r 31%|███       | 11/36 [00:20<00:39,  1.50s/it]"
).encode()


def test_rows_take_the_step_of_the_bar_that_follows() -> None:
    found = read(RUN)
    assert [(k.split, k.name, v, s) for _, k, v, s, _ in found.points] == [
        ("train", "loss", "4.526", 5),
        ("train", "grad_norm", "0.9865", 5),
        ("train", "learning_rate", "0.004", 5),
        ("train", "loss", "4.251", 10),
        ("train", "grad_norm", "1.139", 10),
        ("train", "learning_rate", "0.004797", 10),
        ("eval", "loss", "4.008", 10),
        ("eval", "runtime", "1.962", 10),
    ]
    assert found.progress["train", "step", ""].done == 11
    assert found.progress["train", "step", ""].total == 36
    assert found.progress["eval", "batch", ""].done == 4
    assert [n[0] for n in found.notices] == ["saving"]
    assert (found.unread, found.sample) == (1, "it took 3 tries")


def test_chunks_never_show() -> None:
    whole = read(RUN)
    assert read(RUN, list(range(len(RUN)))) == whole
    rng = random.Random(5)
    for _ in range(200):
        cuts = sorted(rng.randrange(len(RUN) + 1) for _ in range(rng.randrange(12)))
        assert read(RUN, cuts) == whole, cuts


def test_the_unfinished_bar_counts_at_once() -> None:
    reader = Reader()
    reader.feed(facts.CaughtUp(0.0))
    (metrics,) = reader.feed(facts.Chunk("log", 0, b"{'loss': 1.0, 'epoch': 0.1}\n", 1.0))
    assert isinstance(metrics, Metrics)
    assert (list(metrics.steps), metrics.at) == ([-1], 1.0)
    assert reader.feed(facts.Chunk("log", 28, b"\r 50%|##   | 5/10 [00:01<", 2.0)) == []
    (bar,) = reader.feed(facts.Chunk("log", 53, b"00:01, 5.00it/s]", 2.0))
    assert isinstance(bar, Progress)
    assert (bar.done, bar.total, bar.rate, bar.at) == (5, 10, 5.0, 2.0)


def test_the_mean_of_the_whole_run_is_no_point() -> None:
    found = read(b"{'train_runtime': '96.2', 'train_loss': '3.7', 'epoch': '3'}\n")
    assert not found.points
    assert found.notices[0][0] == "summary"


def test_token_counting_rows_are_points_although_they_tell_a_runtime() -> None:
    found = read(b"{'loss': '3.6', 'train_runtime': '6.0', 'train_tokens_per_second': '212'}\n")
    assert [k.name for _, k, *_ in found.points] == ["loss", "runtime", "tokens_per_second"]


def test_an_evaluation_set_is_known_by_its_companions() -> None:
    named = read(b"{'eval_ood_loss': 4.0, 'eval_ood_f1': 0.5, 'eval_ood_runtime': 0.1}\n")
    assert named.points[0][1] == Key("loss", "eval", "ood", "eval_ood_loss")
    assert named.points[1][1] == Key("f1", "eval", "ood", "eval_ood_f1")
    plain = read(b"{'eval_loss': 4.0, 'eval_nll_loss': 1.5, 'eval_runtime': 0.1}\n")
    assert plain.points[1][1] == Key("nll_loss", "eval", None, "eval_nll_loss")


def test_a_log_that_ends_without_newline_is_read_to_its_end() -> None:
    reader = Reader()
    assert reader.feed(facts.Chunk("log", 0, b"{'loss': 1.5}", 1.0)) == []
    ended = facts.Ended(0, None, "", 2.0)
    metrics, passed = reader.feed(ended)
    assert isinstance(metrics, Metrics)
    assert passed is ended


@pytest.mark.parametrize(
    ("log", "values"),
    [
        (b"step 1 loss 0.512\nstep 2 loss 0.498", [0.512, 0.498]),  # as long as the one before
        (b"step 1 loss 0.512\nstep 2 loss 0.4", [0.512]),  # it may have been 0.498
        (b"step 1 loss 0.512 (3s)\nstep 2 loss 0.4 (3s)", [0.512, 0.4]),
        (b"step 1 loss 0.5\nepoch 1 val_loss 0.7\nstep 2 loss 0.4", [0.5, 0.7, 0.4]),
        (b"step 1 loss 0.5", []),
    ],
)
def test_a_last_line_like_one_before_is_whole_without_its_end(
    log: bytes, values: list[float]
) -> None:
    assert [float(point[2]) for point in read(log).points] == values


def test_a_record_torn_by_a_gap_is_no_record() -> None:
    reader = Reader()
    reader.feed(facts.Chunk("log", 0, b"{'loss': 1.5, 'ep", 1.0))
    unread, gap = reader.feed(facts.Gap("log", 90, "truncated", 2.0))
    assert isinstance(unread, Unread)
    assert isinstance(gap, Notice)
    assert gap.kind == "gap"
    (unread,) = reader.feed(facts.Chunk("log", 90, b"och': 0.5, 'loss': 7}\n", 3.0))
    assert isinstance(unread, Unread)


def test_other_facts_pass() -> None:
    fact = facts.Trouble("link", "gone", "", 1.0)
    assert Reader().feed(fact) == [fact]


def test_a_line_can_be_taught() -> None:
    reader = Reader([("loss", r"zonk (?P<value>[\d.]+)"), ("eval_wobble", r"wobble=([\d.]+)")])
    found = read(
        b"step 7 zonk 0.25\nstep 8 wobble=3.5 and 9 other things\nloss: 1.5\n", None, reader
    )
    assert [(k.split, k.name, v, s) for _, k, v, s, _ in found.points] == [
        ("train", "loss", "0.25", 7),
        ("eval", "wobble", "3.5", 8),
        ("train", "loss", "1.5", 8),
    ]
    assert found.unread == 0


def test_the_first_of_each_kind_of_line_that_is_not_understood_is_shown() -> None:
    lines = b"".join(b"frob %d\n" % i for i in range(50)) + b"it took 3 tries\n"
    records = Reader().feed(facts.Chunk("log", 0, lines, 1.0))
    unread = [record for record in records if isinstance(record, Unread)]
    assert sum(record.count for record in unread) == 51
    assert [record.sample for record in unread] == ["frob 0", "it took 3 tries"]


def test_the_line_of_a_program_is_no_number_that_was_not_understood() -> None:
    told = (
        b"/site-packages/transformers/modeling_utils.py:3303: FutureWarning: `x` will go in v6.\n"
        b'  File "train.py", line 12, in <module>\n'
    )
    assert read(told).unread == 0
