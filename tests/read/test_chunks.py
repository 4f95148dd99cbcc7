"""What is read never depends on the chunks: the fast way and the slow way give the same records."""

from __future__ import annotations

import random
import re

from tests.read.settle import read
from trainwatch.read.dialect import dialects

BLANKS = "\r" + " " * 60 + "\r"


def number(rng: random.Random) -> str:
    plain = f"{rng.random() * 10 ** rng.randrange(-3, 3):.4g}"
    return rng.choice(
        [plain] * 20 + ["nan", "inf", "-inf", "0", "1e-05", "1e999", "9" * 60, "-0.5"]
    )


def record(rng: random.Random) -> str:
    quote = rng.choice(["", "'"])
    shapes = ["loss grad_norm learning_rate epoch"] * 8 + [
        "eval_loss eval_runtime epoch",
        "eval_ood_loss eval_ood_runtime epoch",
        "loss epoch step",
        "train_runtime train_loss epoch",
        "learning_rate warmup",
    ]
    pairs = [f"'{key}': {quote}{number(rng)}{quote}" for key in rng.choice(shapes).split()]
    return "{" + ", ".join(pairs) + "}" + rng.choice(["", "", "", " ", "  done", "\r"]) + "\n"


def bar(rng: random.Random, done: int, total: int) -> str:
    unit = rng.choice(["it/s", "it/s", "it/s", "s/it"])
    percent = 100 * done // max(total, 1)
    return f"\r{percent:3d}%|{'█' * (percent // 10):<10}| {done}/{total} [00:{done % 60:02d}<00:10, {rng.random():5.2f}{unit}]"


def odd(rng: random.Random, done: int) -> str:
    return rng.choice(
        [
            "Saving model checkpoint to out/checkpoint-5\n",
            "plain words\n",
            f"[2024-05-01 10:00:{done % 60:02d},123] [INFO] something took 3.5 s\n",
            "\n",
            "\r",
            "Traceback (most recent call last):\n",
            bar(rng, done, 77) + "\x1b[A",
            "\n" + bar(rng, done % 5, 4) + "\x1b[A",
            f"Map: {done % 100}%|###  | {done}/1000 [00:01<00:03, 5.0 examples/s]\n",
            bar(rng, 0, 36),
            bar(rng, done, 36) + "glued text 7\n",
            "  3%|▎  {'loss': 1.5}\n | 10/36 [00:01<00:03, 5.0it/s]",
            "\0\0\0",
            "{'loss': 1.0, 'grad\n",
            "5{'loss': 1.5, 'grad_norm': 2.5, 'learning_rate': 3.5, 'epoch': 4.5}\n",
            "\x1b[31m{'loss': 1.5}\x1b[0m\n",
            "é\xff".encode("latin-1").decode("latin-1") + " 3\n",
        ]
    )


ANY = [sample.text for dialect in dialects() for sample in dialect.SAMPLES]


def stew(rng: random.Random) -> bytes:
    """Lines of every dialect, with other numbers in them, in any order and with any line end."""
    parts = []
    for _ in range(rng.randrange(3, 25)):
        text = rng.choice(ANY)
        for _ in range(rng.choice([1, 1, 4])):
            digits = re.sub(r"(?<=\d)\d", lambda _: rng.choice("0123456789"), text)
            parts.append(digits + rng.choice(["\n"] * 8 + ["\r", "\r\n", "\x1b[A", "\x08\x08", ""]))
    return "".join(parts).encode()


def log(rng: random.Random) -> bytes:
    """A log as nasty as they come, mostly of the usual kind."""
    parts: list[str] = []
    total, done = rng.choice([36, 200_000]), 0
    oddity = rng.choice([0.0, 0.02, 0.3])
    for _ in range(rng.randrange(4, 60)):
        if rng.random() < 0.02:
            done = 0
        for _ in range(rng.randrange(4)):
            done += 1
            parts.append(bar(rng, done, total))
        if rng.random() < oddity:
            parts.append(odd(rng, done))
        if rng.random() < 0.6:
            parts.append(rng.choice([BLANKS, "", "\r"]) + record(rng))
    return "".join(parts).encode("utf-8", "surrogateescape")


def test_any_chunking_of_any_mixture_reads_the_same() -> None:
    rng = random.Random(11)
    for trial in range(250):
        data = log(rng)
        whole = read(data)
        for most in (1, 4, 40):
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(most)))
            assert read(data, cuts) == whole, (trial, cuts, data)


def test_any_chunking_of_a_stew_of_all_dialects_reads_the_same() -> None:
    rng = random.Random(13)
    for trial in range(150):
        data = stew(rng)
        whole = read(data)
        for most in (2, 30):
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(most)))
            assert read(data, cuts) == whole, (trial, cuts, data)


def test_byte_by_byte_reads_the_same() -> None:
    rng = random.Random(12)
    for _ in range(8):
        data = log(rng)
        assert read(data, list(range(len(data)))) == read(data), data
