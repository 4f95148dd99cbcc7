"""Bars that are drawn as a ruler: Keras, Rich, Ultralytics, fastprogress, Ignite.

The law of this file: a count ``n/N`` right beside a run of ruler glyphs; clocks and rates around it
are the bar's own, everything behind them is its postfix.
"""

from __future__ import annotations

import re

from trainwatch.read.dialect import Bar, Sample
from trainwatch.read.formats.bar import seconds

DRAWS = True

SAMPLES = (
    # keras 3.15 and 2, public output
    Sample(
        "12/12 ━━━━━━━━━━━━━━━━━━━━ 2s 55ms/step - accuracy: 0.4740 - loss: 0.8352 - val_loss: 0.7374",
        {"accuracy": 0.474, "loss": 0.8352, "eval loss": 0.7374},
    ),
    Sample(
        "390/390 [==============================] - 26s 68ms/step - loss: 1.3148 - val_loss: 1.0046",
        {"loss": 1.3148, "eval loss": 1.0046},
    ),
    # lightning's Rich bar: the first count is of epochs
    Sample(
        "Epoch 3/3  ━━━━━━━━━━━━━━━━━━━━ 8/8 0:00:00 • 0:00:00 491.90it/s v_num: 0.000 "
        "val_loss: 0.202 train_loss: 0.184",
        {"loss": 0.184, "eval loss": 0.202, "@epoch": 3},
    ),
    # ultralytics, its own bar
    Sample("64: 50% ━━━━━━────── 1/2 2.1it/s 0.5s<0.4s", {}),
    # pytorch-ignite, a local run
    Sample(
        "Epoch [3/3]: [4/10]  40%|████      , loss=0.753 [00:00<00:00]",
        {"loss": 0.753, "@epoch": 3},
    ),
    # a bar whose numbers stand between ruler and count, as loops for CIFAR draw it
    Sample(
        " [=====>]  Step: 65ms | Tot: 25s200ms | Loss: 1.512 | Acc: 45.123% (22561/50000) 391/391 ",
        {"loss": 1.512, "accuracy": 45.123},
    ),
    # fastprogress in fastai, a local run
    Sample("Epoch 1/3 : |████████----------------| 20.00% [1/5 00:00<00:00]", {}),
)

_GLYPHS = r"(?:[━╸╺─▏▎▍▌▋▊▉█░▒▓╌]{2,400}|\[[=>.#-]{3,400}\])"
_CLOCK = r"\d{1,4}:\d\d(?::\d\d)?"
_AFTER = re.compile(
    rf"(?P<done>\d{{1,15}})/(?P<total>\d{{1,15}})\s+{_GLYPHS}[\s\x1f]*(?:-\s*)?"
    r"(?P<clocks>(?:ETA:\s*\S+|[\d.]+(?:ms|us|s|m|h)?(?:/(?:step|epoch|batch))?|[\d:]+)(?:\s+[\d.]+(?:ms|us|s)/step)?)?"
)
_BEFORE = re.compile(
    rf"(?:\d{{1,3}}%\s*)?{_GLYPHS}\s*(?P<done>\d{{1,15}})/(?P<total>\d{{1,15}})"
    rf"(?P<clocks>(?:\s+(?:{_CLOCK}|•|-:--:--|[\d.]+(?:it/s|s/it|it/sec|s|m)(?:<[\d.:]+[smh]?)?))*)"
)
_BEHIND = re.compile(rf"\s*{_GLYPHS}\s*\d{{1,15}}/\d")
_BOXED = re.compile(
    r"\[(?P<done>\d{1,15})/(?P<total>\d{1,15})\]\s+\d{1,3}%\|[^|\[\],]{0,200}"
    r"(?:,\s*(?P<postfix>[^\[\]]{0,400}?))?\s*\[(?P<elapsed>[\d:]{1,16})(?:<(?P<left>[\d:?]{1,16}))?[^\]]{0,40}\]"
)
_FAST = re.compile(
    r"\|[█-]{2,400}\|\s*[\d.]{1,8}%\s*\[(?P<done>\d{1,15})/(?P<total>\d{1,15})"
    r"(?:\s+(?P<elapsed>[\d:]{1,16})<(?P<left>[\d:]{1,16})(?P<postfix>[^\]]{0,60}))?\]"
)
_LAST = re.compile(
    rf"{_GLYPHS}\s(?P<postfix>[^\[\]]{{1,300}}?)\s(?P<done>\d{{1,15}})/(?P<total>\d{{1,15}})\s*$"
)
_SHAPES = (_BOXED, _FAST, _AFTER, _BEFORE, _LAST)
_RATE = re.compile(r"([\d.]+)\s*(it/s|s/it|it/sec)")
_MARKS = ("━", "[=", "[>", "█", "─", "%|", "[.", "[-", "[#")


def read(text: str) -> Bar | None:
    """The first bar of the line; its postfix is all that stands behind it."""
    if "/" not in text or not any(mark in text for mark in _MARKS):
        return None
    drawn = [found for shape in _SHAPES if (found := shape.search(text))]
    if not drawn:
        return None
    found = min(drawn, key=_counts_itself)
    if found.re in (_AFTER, _BEFORE):
        return _bar(text, found, len(text), text[found.end() :])
    if found.re is _LAST:
        return _bar(text, found, len(text), found["postfix"])
    postfix = (found["postfix"] or "") if found.re is _BOXED else ""
    boxed = _bar(text, found, found.end(), postfix)
    return boxed._replace(elapsed=seconds(found["elapsed"]), remaining=seconds(found["left"]))


def _counts_itself(found: re.Match[str]) -> tuple[bool, int]:
    """A count on both sides of one ruler: the first is of epochs and belongs to the label."""
    both = found.re is _AFTER and _BEHIND.match(found.string, found.end("total"))
    return bool(both), found.start()


def _bar(text: str, found: re.Match[str], end: int, postfix: str) -> Bar:
    label = text[: found.start()].strip().rstrip(":").rstrip()
    clocks = found.groupdict().get("clocks") or ""
    rate = _RATE.search(clocks)
    speed = float(rate[1]) if rate and rate[1].strip(".") else None
    if rate and rate[2] == "s/it":
        speed = 1 / speed if speed else None
    return Bar(
        found.start(), end, label, float(found["done"]), float(found["total"]),
        None, None, speed, "it", postfix.strip(" -,"), settles=found.re in (_AFTER, _LAST) or "<" in clocks,
    )  # fmt: skip
