"""The terms of one record, taken together: which column each becomes, and what kind of row it is.

The law of this file: a plan depends on the terms alone, never on the values, so it is made once per
shape and reading a row is only picking numbers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.lexicon import Role, Word, is_judged, word
from trainwatch.read.records import Key, Split

if TYPE_CHECKING:
    from trainwatch.read.dialect import Term

_ANY_LOSS = 20
_TRAINS = ("loss", "reward", "learning_rate", "grad_norm", "accuracy", "perplexity")


class Column(NamedTuple):
    """One series of a row, and what else its key could be."""

    place: int  # which number of the row
    key: Key
    claim: int  # how good its claim on ``key.name`` is
    plain: str  # the name without the claim


class Plan(NamedTuple):
    """How a row with certain terms is read."""

    keys: tuple[Key, ...]  # one per column
    places: tuple[int, ...]  # which number of the row each column takes
    claims: tuple[int, ...]  # how good the claim of each column on its name is
    plains: tuple[str, ...]  # the name of each column if it loses that claim
    step: int | None  # places of the counters
    steps: int | None
    epoch: int | None
    epochs: int | None
    batch: int | None
    batches: int | None
    rank: int | None
    label: int | None
    named: bool  # it tells a learning rate or a gradient norm
    told: bool  # it shows that a training is reported
    summary: bool  # means of a whole run, told at its end: no points
    trains: bool  # a row of training itself
    mixed: bool  # training and evaluation in one row
    final: bool  # a test after training, not in place of an evaluation
    joins: bool  # without a step of its own it waits for the training's bar


@lru_cache(4096)
def plan(terms: tuple[Term, ...], split: Split | None = None, joins: bool = False) -> Plan:
    """The plan for a record with these terms; ``split`` is that of rows that do not tell theirs."""
    words = [_word(term) for term in terms]
    columns = _settled(_columns(terms, words, split or "train"))
    splits = {c.key.split for c in columns}
    printed = {term.key for term in terms}
    return Plan(
        tuple(c.key for c in columns),
        tuple(c.place for c in columns),
        tuple(c.claim for c in columns),
        tuple(c.plain for c in columns),
        step=_counter(words, "step"),
        steps=_counter(words, "steps"),
        epoch=_counter(words, "epoch"),
        epochs=_counter(words, "epochs"),
        batch=_counter(words, "batch"),
        batches=_counter(words, "batches"),
        rank=_counter(words, "rank"),
        label=_counter(words, "label"),
        named=any(c.key.name in ("learning_rate", "grad_norm") for c in columns),
        told=_told(words, headed=split is not None),
        summary={"train_runtime", "train_loss"} <= printed and "loss" not in printed,
        trains=("train" in splits and any(_is_of_training(c.key.name) for c in columns))
        or any(t.role == "batch" and t.split == "train" for t in terms),
        mixed="train" in splits and any(_is_eval_loss(c.key) for c in columns) and not joins,
        final="test_runtime" in printed or {"eval", "test"} <= splits,
        joins=joins,
    )


def among(every: tuple[Term, ...], terms: tuple[Term, ...]) -> Plan:
    """The plan for a row that tells only some of the ``every`` terms of its table.

    What a column is called depends on all of them, so that it is the same in every row.
    """
    if every == terms:
        return plan(terms)
    whole, part = plan(every), plan(terms)
    names = {every[place].key: i for i, place in enumerate(whole.places)}
    known = [names.get(terms[place].key) for place in part.places]
    kept = [(place, i) for place, i in zip(part.places, known, strict=True) if i is not None]
    if len(kept) < len(part.places):
        return part
    return part._replace(
        keys=tuple(
            whole.keys[i]._replace(split=terms[place].split or whole.keys[i].split)
            for place, i in kept
        ),
        claims=tuple(whole.claims[i] for _, i in kept),
        plains=tuple(whole.plains[i] for _, i in kept),
    )


def _is_of_training(name: str) -> bool:
    return name in _TRAINS or name.endswith("_loss") or name.startswith("loss_")


def _is_eval_loss(key: Key) -> bool:
    return key.name == "loss" and key.split != "train"


def _word(term: Term) -> Word:
    found = word(term.key)
    return found._replace(role=term.role) if term.role else found


def _told(words: list[Word], *, headed: bool) -> bool:
    """Whether they show that a training is reported; ``headed``: below words that tell a split."""
    if any(w.told for w in words if w.role == "metric"):
        return True
    bare = {w.split for w in words if w.role == "metric" and w.name == "loss"}
    counted = any(w.role in ("step", "epoch", "batch") for w in words)
    if any(w.hints and (counted or headed or w.split) for w in words if w.role == "metric"):
        return True
    named = any(w.role == "metric" and w.name in ("learning_rate", "grad_norm") for w in words)
    return len(bare) > 1 or (counted and (bool(bare) or named))


def _counter(words: list[Word], role: Role) -> int | None:
    """The place of the best counter of a kind."""
    found = [(w.claim, place) for place, w in enumerate(words) if w.role == role]
    return min(found)[1] if found else None


def _columns(terms: tuple[Term, ...], words: list[Word], default: Split) -> list[Column]:
    sets = _datasets(tuple(term.key for term in terms))
    found = []
    for place, (term, told) in enumerate(zip(terms, words, strict=True)):
        if told.role != "metric":
            continue
        split: Split = told.split or term.split or ("eval" if is_judged(told.name) else default)
        prefix = next((prefix for prefix in sets if term.key.startswith(prefix)), "")
        w = word(term.key[len(prefix) :]) if prefix else told
        dataset = sets.get(prefix, told.dataset)
        found.append(Column(place, Key(w.name, split, dataset, term.key), w.claim, w.plain))
    return _primary(found)


def _datasets(keys: tuple[str, ...]) -> dict[str, str]:
    """Prefix -> name of the evaluation set.

    The Trainer names a set between ``eval_`` and the metric; only the companion
    ``eval_<set>_runtime`` tells the name from a part of the metric's own name.
    """
    found = {}
    for key in keys:
        for split in ("eval_", "test_"):
            if key.startswith(split) and key.endswith("_runtime") and key != split + "runtime":
                found[key.removesuffix("runtime")] = key[len(split) : -len("_runtime")]
    return found


def _primary(columns: list[Column]) -> list[Column]:
    """Of numbered evaluation sets (``validation_0``, ``valid_1``) the last is the one that counts."""
    numbers = {c.key.dataset for c in columns if c.key.dataset and c.key.dataset.isdigit()}
    if not numbers:
        return columns
    last = max(numbers, key=int)
    return [
        c._replace(key=c.key._replace(dataset=None)) if c.key.dataset == last else c
        for c in columns
    ]


def _settled(columns: list[Column]) -> list[Column]:
    """Every series once: of several claims on a name the best has it, the others their own."""
    best: dict[Key, int] = {}
    for c in columns:
        best[c.key.series] = min(c.claim, best.get(c.key.series, c.claim))
    rivals = [c.key.series for c in columns if c.claim == _ANY_LOSS]
    taken: set[Key] = set()
    found = []
    for c in columns:
        lost = c.claim > best[c.key.series] or c.key.series in taken
        lost = lost or (c.claim == _ANY_LOSS and rivals.count(c.key.series) > 1)
        key = c.key._replace(name=c.plain) if lost and c.plain else c.key
        if key.series in taken:
            continue
        taken.add(key.series)
        found.append(c._replace(key=key, claim=0 if lost else c.claim))
    return found


NO_PLAN = plan(())
"""Reads nothing."""
