"""Mapping literals: Python dicts and JSON objects, anywhere in a line.

The law of this file: a literal counts only when it is whole. Numbers may be printed as strings
(transformers 5 does), as ``nan``/``inf``, as ``tensor(...)`` or as ``np.float32(...)``; nested
mappings are flattened, and the plain wrappers ``metrics`` and ``data`` leave no trace in the names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainwatch.read.dialect import Opening, Pairs, Sample, Term
from trainwatch.read.lexicon import split_in
from trainwatch.read.numbers import NUMBER, number

if TYPE_CHECKING:
    from trainwatch.read.records import Split

NAME = "mapping"

SAMPLES = (
    # transformers 4.57: floats (public API output of a local run)
    Sample(
        "{'loss': 4.5262, 'grad_norm': 0.9864507913589478, 'learning_rate': 0.004, 'epoch': 0.42}",
        {"loss": 4.5262, "grad_norm": 0.9864507913589478, "learning_rate": 0.004, "@epoch": 0.42},
    ),
    # transformers 5.23: strings with four digits
    Sample(
        "{'eval_loss': '4.008', 'eval_accuracy': '0.3604', 'eval_runtime': '1.962', 'epoch': '0.8333'}",
        {
            "eval loss": 4.008,
            "eval accuracy": 0.3604,
            "eval runtime": 1.962,
            "@epoch": 0.8333,
        },
    ),
    Sample(
        "{'eval_ood_loss': '4.013', 'eval_ood_runtime': '0.0146', 'epoch': '0.8333'}",
        {"eval:ood loss": 4.013, "eval:ood runtime": 0.0146, "@epoch": 0.8333},
    ),
    Sample(
        "{'loss': nan, 'grad_norm': nan, 'learning_rate': 800000000.0, 'epoch': 0.42}",
        {
            "loss": float("nan"),
            "grad_norm": float("nan"),
            "learning_rate": 8e8,
            "@epoch": 0.42,
        },
    ),
    Sample(
        "{'loss': np.float32(0.5123), 'acc': np.float64(0.91)}", {"loss": 0.5123, "accuracy": 0.91}
    ),
    Sample(
        "{'loss': tensor(0.0007, device='mps:0', grad_fn=<ClampBackward1>)}",
        {"loss": 0.0007},
    ),
    Sample(
        '{"current_steps": 10, "total_steps": 300, "loss": 1.2345, "lr": 3.3e-05, "epoch": 0.1}',
        {"loss": 1.2345, "learning_rate": 3.3e-05, "@step": 10, "@total": 300, "@epoch": 0.1},
    ),
    Sample("{'learning_rate': 5e-05, 'num_train_epochs': 3.0, 'bf16': True}", {}),
    Sample('{"mode": "val", "epoch": 3, "loss": 0.41}', {"eval loss": 0.41, "@epoch": 3}),
)

_OPEN = re.compile(r"\{\s*(?=[\"'])")
_PAIR = re.compile(
    r"""\s*(?P<key>"(?:[^"\\]|\\.){0,200}"|'(?:[^'\\]|\\.){0,200}')\s*:\s*(?:"""
    rf"""(?P<number>{NUMBER})(?=\s*[,}}\]])"""
    rf"""|[\w.]{{1,40}}\(\s*\[?\s*(?P<call>{NUMBER})[^()]{{0,400}}(?:\([^()]{{0,200}}\)[^()]{{0,200}})*\)"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<open>\{)"""
    r"""|(?P<list>\[[^\[\]]*\])"""
    r"""|(?P<other>[^\s,{}\[\]"']+(?:\([^()]*\))?)"""
    r""")\s*"""
)
_NEXT = re.compile(r"\s*(,?)\s*(\}?)")
_FRACTION = re.compile(r"\s*(\d{1,15})\s*/\s*(\d{1,15})\s*")
_UNFINISHED = re.compile(r"""["'\]\d\w)][,]\s*$|(?:^|[\s:=>(])\{\s*$""")
_TAIL = 200
_WRAPPERS = ("metrics", "data")
_OF_SPLIT = frozenset(
    ("split", "phase", "mode", "stage", "subset", "set", "partition", "prefix", "kind", "type", "tag",
     "event", "msg", "message")
)  # fmt: skip
_FEW_WORDS = 3  # that say what a record is: "validation epoch end"; more are a sentence
_STARTS, _DEEPEST, _LONGEST = 4, 8, 1 << 16


def read(text: str) -> Pairs | Opening | None:
    """The first whole mapping of the line, or one that the next lines go on with."""
    start = -1
    for _ in range(_STARTS):
        opened = _OPEN.search(text, start + 1, _LONGEST)
        if not opened:
            break
        start = opened.start()
        found = _mapping(text, opened.end())
        if found:
            return found.pairs(start)
    return Opening(max(start, 0)) if _UNFINISHED.search(text[-_TAIL:]) and _opens(text) else None


def _opens(text: str) -> bool:
    """Whether a mapping of keys and values is open at the end of the line."""
    return "{" in text and (text.count("{") > text.count("}")) and len(text) < _LONGEST


class _Mapping:
    """The pairs of one mapping, nested ones flattened."""

    def __init__(self) -> None:
        self.end = 0
        self.terms: list[Term] = []
        self.values: list[float] = []
        self.spans: list[tuple[int, int]] = []
        self.split: Split | None = None  # told by a word: {"split": "val"}

    def add(self, key: str, text: str, start: int, end: int) -> None:
        """One value, spelled at ``text[start:end]``; two where it is ``'5/94'``."""
        part = _FRACTION.fullmatch(text, start, end)
        if part:
            done, _, total = key.rpartition("/")
            keys = (done, total) if done else (key, f"total {key}")
            for place, name in zip((1, 2), keys, strict=True):
                self._put(Term(name), float(part[place]), part.span(place))
            return
        value = number(text[start:end])
        if value is not None:
            self._put(Term(key), value, (start, end))
        elif key in _OF_SPLIT and len(text[start:end].split()) <= _FEW_WORDS:
            self.split = self.split or split_in(text[start:end])

    def pairs(self, start: int) -> Pairs:
        """All of it; what does not tell its split itself has that of the words."""
        told = self.split
        terms = tuple(t if told is None else t._replace(split=told) for t in self.terms)
        return Pairs(start, self.end, terms, tuple(self.values), tuple(self.spans), joins=True)

    def _put(self, term: Term, value: float, span: tuple[int, int]) -> None:
        self.terms.append(term)
        self.values.append(value)
        self.spans.append(span)


def _mapping(text: str, at: int) -> _Mapping | None:
    """The pairs from just after the brace to just after its partner."""
    found = _Mapping()
    path: list[str] = []
    while pair := _PAIR.match(text, at, _LONGEST):
        key = pair["key"][1:-1]
        at = pair.end()
        if pair["open"]:
            path.append(key)
            if len(path) > _DEEPEST:
                return None
            continue
        start, end = _spelled(pair)
        name = "/".join([*(p for p in path if p not in _WRAPPERS), key])
        found.add(name, text, start, end)
        closed = _close(text, at, path)
        if closed is None:
            return None
        at, whole = closed
        if whole:
            found.end = at
            return found
    return None


def _spelled(pair: re.Match[str]) -> tuple[int, int]:
    """Where the value is spelled, without quotes."""
    if pair["string"]:
        start, end = pair.span("string")
        return start + 1, end - 1
    return pair.span("call" if pair["call"] else "number")


def _close(text: str, at: int, path: list[str]) -> tuple[int, bool] | None:
    """Past the comma or the closing braces; True when the outermost brace closed."""
    while True:
        found = _NEXT.match(text, at)
        if not found or found.end() == at:
            return None
        at = found.end()
        if not found[2]:
            return (at, False) if found[1] else None
        if not path:
            return at, True
        path.pop()
