"""Words with numbers: ``step 200: loss=1.2345 lr=3.0e-04``, in whatever way they are set out.

The law of this file: what stands right before a number is its key, back to the last separator. With
``:`` or ``=`` between them any few words are a key; without, only words that the lexicon knows, or a
single word that has a place between separators to itself. Numbers without a key are told by their
surroundings: counts (``[3/10]``), totals, repetitions in parentheses. Nothing is known of any brand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.dialect import Pairs, Sample, Term
from trainwatch.read.lexicon import known, split_in, word
from trainwatch.read.mask import MARK, masked
from trainwatch.read.prose import is_program, is_setting, reported
from trainwatch.read.tokens import Token, pointed, tokens

if TYPE_CHECKING:
    from trainwatch.read.lexicon import Role
    from trainwatch.read.records import Split

SAMPLES = (
    # torchvision's reference loop, nanoGPT, Megatron-LM, timm, xgboost, catboost: public output
    Sample(
        "[12:22:25.163846] Epoch: [2]  [0/2]  eta: 0:00:12  lr: 0.000025  loss: 1.6014 (1.6014)  time: 6.0662",
        {"@epoch": 2, "learning_rate": 0.000025, "loss": 1.6014, "time": 6.0662, "@step": 0},
    ),
    Sample(
        "step 10: train loss 4.0877, val loss 4.0850",
        {"@step": 10, "loss": 4.0877, "eval loss": 4.085},
    ),
    Sample(
        " iteration     6502/  159576 | learning rate: 5.997E-05 | lm loss: 3.876781E+00 | loss scale: 4096.0 | grad norm: 3246.595 |",
        {
            "@step": 6502,
            "learning_rate": 5.997e-05,
            "loss": 3.876781,
            "loss_scale": 4096,
            "grad_norm": 3246.595,
        },
    ),
    Sample(
        "Test: [  39/39]  Time: 0.101 (0.210)  Loss:   6.881 (  6.893)  Acc@1:   0.301 (  0.402)",
        {"eval time": 0.101, "eval loss": 6.881, "eval accuracy": 0.301},
    ),
    Sample(
        "[0]\ttrain-logloss:0.50615\teval-logloss:0.54320",
        {"@step": 0, "loss": 0.50615, "eval loss": 0.5432},
    ),
    Sample(
        "5:\tlearn: 0.4781314\ttest: 0.4812019\tbest: 0.4812019 (5)\ttotal: 86.7ms",
        {"@step": 5, "loss": 0.4781314, "eval loss": 0.4812019},
    ),
    # hand-written loops
    Sample(
        "Epoch [1/10], Step [100/600], Loss: 0.4213", {"@epoch": 1, "@step": 100, "loss": 0.4213}
    ),
    Sample("Loss at step 100: 0.693", {"@step": 100, "loss": 0.693}),
    Sample(
        "Epoch 5: train=0.512 val=0.601 acc=81.2%",
        {"@epoch": 5, "loss": 0.512, "eval loss": 0.601, "eval accuracy": 81.2},
    ),
    Sample("Best val loss: 0.4321 at epoch 7", {}),
    Sample("Epoch 1: val_loss improved from 0.73738 to 0.71649, saving model to runs/k.keras", {}),
    Sample("loss = 0.5 * criterion(out, y)", {}),
)

_LONGEST = 4096
_MOST_WORDS = 5

_SEPARATOR = re.compile(
    rf"[,;|\t{MARK}│•·<>{{}}()\[\]]+|\s{{2,}}|\s[-–—~]+\s|[:=](?=\s|\w)|\s-$|^-\s"
)
_CONNECTOR = re.compile(r"(?:\s*(?:[:=]+|\bis|\bwas))\s*$")
_CALL = re.compile(r"(?:\b(?:tensor|Array|array|(?:np|numpy|jnp|torch)\.\w+)\()+\[*\s*$")
_OPENED = re.compile(r"[\[({<\"'\s]+$")
_GROUP = re.compile(r"\s*\(([^()]{0,40})\)\s*$")
_PREPOSITION = re.compile(
    r"(?i)\b(?:at|after|for|in|of|on|over|during|the|end|this|from|to|with|by|and|between)\s*$"
)
_EDGES = re.compile(r"^[^\w#@%]+|[^\w#@%)'.]+$")
_ALONE = re.compile(r"[A-Za-z][\w./@-]{0,40}$")
_TOTAL: dict[str, Role] = {"step": "steps", "epoch": "epochs", "batch": "batches"}
_COUNTS = ("step", "steps", "epoch", "epochs", "batch", "batches", "rank")
_WORD = re.compile(r"[a-z_]{2,}")
_SPANS = frozenset(("%", "us", "µs", "ms", "s", "sec", "secs", "m", "min", "h"))
"""Units of what a step takes, not of how many there were."""
_LEVEL_NAMES = frozenset(("info", "debug", "warning", "error", "critical", "notice"))
_LEVELS = _LEVEL_NAMES | {"root", "__main__", "main", "tensorflow", "total"}
_BARE_SPLITS = frozenset(
    ("train", "training", "test", "testing", "val", "valid", "validation", "eval")
)
_LISTED = re.compile(
    r"\s*((?:[A-Za-z_][\w./]{0,30}(?: [A-Za-z_][\w./]{0,30})?,\s?){1,8}"
    r"[A-Za-z_][\w./]{0,30}(?: [A-Za-z_][\w./]{0,30})?)\s?[:=]\s?([-+.\d][-+.\d, e]{0,200})$"
)
_BARE_PAIR = re.compile(
    r"(?i)\btrain(?:ing)?\s+\d+\.\d+\W.{0,40}?\b(?:val|valid|validation|test|eval)\s+\d+\.\d"
)
_OF = ("/", "of", "out of", "von", "de", "sur", "di", "из")
_COUNTED = re.compile(r"\s(steps?|iters|iterations?|updates)\b")
_HAN_COUNTED: dict[str, Role] = {"轮": "epoch", "步": "step"}
_EPOCH_AND_BATCH = re.compile(r"/\d+\] ?\[ {0,5}\d")  # behind the first of ``[0/300][10/1251]``
_NOUN = re.compile(
    r" ((?!and\b|at\b|in\b|on\b|for\b|after\b|over\b|with\b|to\b|is\b)[a-z]{3,20})(?![\w:=])"
)
_GLUED: dict[str, Role] = {"epoch": "epoch", "epochs": "epoch", "batch": "batch", "step": "step"}


def read(text: str) -> Pairs | None:
    """All keys with numbers of one line."""
    text = text[:_LONGEST]
    if is_program(text):
        return None
    text = reported(text)
    listed = _LISTED.match(text)
    if listed and (pairs := _listed(listed)):
        return pairs
    scan = _Scan(pointed(masked(text)))
    if not scan.terms or is_setting(text):
        return None
    return Pairs(0, len(text), tuple(scan.terms), tuple(scan.values), tuple(scan.spans))


def _listed(found: re.Match[str]) -> Pairs | None:
    """``epoch, train_loss, val_loss: 1 0.69 0.68``: the names first, then as many numbers."""
    names = [name.strip() for name in found[1].split(",")]
    values = tokens(found[2])
    if len(names) != len(values) or any(token.gap.strip(" ,") for token in values):
        return None
    at = found.start(2)
    spans = tuple((at + token.start, at + token.end) for token in values)
    terms = tuple(map(Term, names))
    return Pairs(0, found.end(), terms, tuple(token.value for token in values), spans)


def counts(text: str) -> Counts:
    """What the words before a record tell: its counts, and the split that it belongs to."""
    scan = _Scan(pointed(masked(text[-_LONGEST:])))
    kept = [i for i, term in enumerate(scan.terms) if (term.role or word(term.key).role) in _COUNTS]
    off = max(0, len(text) - _LONGEST)
    return Counts(
        tuple(scan.terms[i] for i in kept),
        tuple(scan.values[i] for i in kept),
        tuple((scan.spans[i][0] + off, scan.spans[i][1] + off) for i in kept),
        scan.split,
    )


def is_heading(text: str, pairs: Pairs, most: int) -> bool:
    """Whether hardly more than counts is in the line: at most so many other words."""
    keys = {w for term in pairs.terms for w in _WORD.findall(term.key.lower())}
    words = [w for w in _WORD.findall(masked(text).lower()) if w not in keys and w not in _LEVELS]
    return len(words) <= most


class Counts(NamedTuple):
    """Counts of a line, and the split that its words tell."""

    terms: tuple[Term, ...]
    values: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]
    split: Split | None


class _Scan:
    """One line, left to right."""

    def __init__(self, text: str) -> None:
        self.terms: list[Term] = []
        self.values: list[float] = []
        self.spans: list[tuple[int, int]] = []
        self._split: Split | None = None  # told by a word in passing
        self._key_split: Split | None = None  # told by the last key that told one
        self._noun = ""  # "Loss at step 100: 0.5": what a later number without key is
        self._tokens = tokens(text)
        self._text = text
        for place, token in enumerate(self._tokens):
            self._number(place, token)
        self._pass(text[self._tokens[-1].end :] if self._tokens else text)

    @property
    def split(self) -> Split | None:
        """The split that the words of the line tell, after all of it."""
        return self._split

    def _number(self, place: int, token: Token) -> None:
        key, strong, passed, bracket = _parts(token.gap)
        self._pass(passed)
        if not key or (strong and self._noun and self._counted(place, key)):
            self._nameless(place, token, strong)
            return
        found = _chosen(key, strong)
        if found is None:
            if not _after_preposition(key.split()):  # "After 1000 steps"
                self._noun = _noun(key) or self._noun
                self._pass(key)
                self._nameless(place, token, strong)
            return
        key, head = found
        if not strong and bracket == "(" and "-" in key and not word(key).told:
            return  # a package and its version
        self._pass(head)
        if head:
            noun = _noun(head)
            self._noun = noun or self._noun
        paired = not token.whole and (
            any(word(term.key).name == "loss" for term in self.terms)
            or (self._last_role() in ("label", *_COUNTS) and bool(_BARE_PAIR.search(self._text)))
        )
        if not strong and not bracket and not paired and key.lower() in _BARE_SPLITS:
            self._pass(key)
            self._nameless(place, token, strong)
            return
        role = word(key).role
        if role == "metric" and key.lower() in _BARE_SPLITS and token.whole:
            self._split = split_in(key)
            within = bracket and not _EPOCH_AND_BATCH.match(self._after(place))
            role = "batch" if within else "epoch"
            if bracket or self._after(place).lstrip().startswith("["):
                self._add(token, Term(key, self._split, role))
            return
        self._metric(token, key, role)

    def _metric(self, token: Token, key: str, role: Role) -> None:
        meaning = word(key)
        if role in ("step", "epoch", "batch") and (token.value < 0 or token.unit in _SPANS):
            return
        if role != "metric":
            self._split = self._split or (meaning.split if meaning.split != "train" else None)
            self._add(token, Term(key, None, None))
            return
        if meaning.name == "loss" and token.whole and self._counts_things(token):
            return
        split = self._split
        if meaning.split:
            self._key_split = meaning.split
        elif split is None and meaning.told and meaning.name != "loss":
            split = self._key_split
        self._add(token, Term(key, None if meaning.split else split, None))

    def _counts_things(self, token: Token) -> bool:
        """``a loss of 5 percent``, ``4 dollars``: a whole number of what the word behind it names."""
        behind = _NOUN.match(self._text, token.end)
        return behind is not None and not token.unit and not known(behind[1])

    def _nameless(self, place: int, token: Token, strong: bool) -> None:
        """A number that has no words of its own."""
        gap, last = token.gap.strip(f" {MARK}"), self._last_role()
        if gap in _OF:
            if last in _TOTAL and token.whole and self.spans[-1] == self._span(place - 1):
                self._add(token, Term(f"total {last}", None, _TOTAL[last]))
        elif strong and self._noun:
            self._metric(token, self._noun, "metric")
            self._noun = ""
        elif token.whole and not token.unit and (after := _COUNTED.match(self._after(place))):
            self._add(token, Term(after[1], None, "step"))
        elif token.whole and (round_ := _HAN_COUNTED.get(self._after(place).lstrip()[:1])):
            self._add(token, Term("第", None, round_))
        elif token.unit in _GLUED and token.whole:
            self._add(token, Term(token.unit, None, _GLUED[token.unit]))
        elif place == 0 and token.whole and not token.unit:
            self._leading(token, gap)
        elif (
            last in ("epoch", "epochs")
            and token.whole
            and not token.unit
            and self._is_batch(place, gap)
        ):
            self._add(token, Term("batch", None, "batch"))
        elif "/s" in token.unit and known(token.unit):
            self._add(token, Term(token.unit, None, None))

    def _counted(self, place: int, key: str) -> bool:
        """``200 steps: 0.5``: whether the words are those of the count before."""
        told = self.terms[-1:] and self.spans[-1] == self._span(place - 1)
        return bool(told) and self.terms[-1] == Term(key, None, "step")

    def _leading(self, token: Token, gap: str) -> None:
        """A count that the line begins with: ``[100] loss``, ``5:<tab>learn``, ``44, loss``."""
        after = self._after(0)
        gap = gap.rpartition(MARK)[2].lstrip("]: ")
        if gap == "[" and after.startswith(","):
            self._add(token, Term("epoch", None, "epoch"))
        elif (gap.endswith("[") and after.startswith(("]", "/"))) or (
            not gap and re.match(r":\t|,\s", after)
        ):
            self._add(token, Term("step", None, "step"))
        elif not gap and after.startswith(": "):
            self._add(token, Term("label", None, "label"))
        elif not gap and re.match(r"/\d+ (?:-|\[|[^\x00-\x7f])", after):
            self._add(token, Term("batch", None, "batch"))

    def _is_batch(self, place: int, gap: str) -> bool:
        """``Epoch [1][ 50/930]``, ``epoch 144:  103 / 282``, ``[1,  2000]``."""
        if self.spans[-1] not in (self._span(place - 1), self._span(place - 2)):
            return False
        return gap in ("][", "] [", "]  [", "[", "]\t[") or (
            gap in (":", "", "-", ",", "|")
            and re.match(r"\s*[/\]]", self._after(place)) is not None
        )

    def _after(self, place: int) -> str:
        end = self._tokens[place].end
        return self._text[end : end + 12]

    def _span(self, place: int) -> tuple[int, int]:
        return self._tokens[place].start, self._tokens[place].end

    def _last_role(self) -> Role | None:
        if not self.terms:
            return None
        return self.terms[-1].role or word(self.terms[-1].key).role

    def _pass(self, words: str) -> None:
        """Words in passing may tell the split of what follows."""
        found = split_in(words) if words else None
        if found:
            self._split = found

    def _add(self, token: Token, term: Term) -> None:
        self.terms.append(term)
        self.values.append(token.value)
        self.spans.append((token.start, token.end))


def _parts(gap: str) -> tuple[str, bool, str, str]:
    """The key right before a number, whether ``:`` or ``=`` ties them, words before it, a bracket."""
    body = _CALL.sub("", gap.rstrip())
    opened = _OPENED.search(body)
    bracket = opened[0].strip() if opened else ""
    body = (body[: opened.start()] if opened else body).rstrip(" .…")
    tied = _CONNECTOR.search(body)
    body = body[: tied.start()] if tied else body
    group = _GROUP.search(body)
    inside = group[1] if group else ""
    body = body[: group.start()] if group else body
    cut = 0
    for found in _SEPARATOR.finditer(body):
        cut = found.end()
    key = _EDGES.sub("", body[cut:])
    key = key.lstrip("轮步").strip()
    key = "" if key.lower() in _LEVEL_NAMES or key == "第" else key
    return key, tied is not None, f"{body[:cut]} {inside}", bracket


def _chosen(key: str, strong: bool) -> tuple[str, str] | None:
    """The part of the words that is the key, and the words before it; None when it is no key."""
    words = _after_preposition(key.split())
    if strong and 0 < len(words) <= _MOST_WORDS and any(c.isalpha() for c in key):
        exact = known(key) or not any(known(" ".join(words[-n:])) for n in (1, 2) if n < len(words))
        if exact:
            return " ".join(words), " ".join(key.split()[: -len(words)])
    head = key.split()
    for length in (3, 2, 1):
        if length <= len(words) and known(" ".join(words[-length:])):
            return " ".join(words[-length:]), " ".join(head[:-length])
    if len(words) == 1 and _ALONE.match(key):
        return key, ""
    return None


def _after_preposition(words: list[str]) -> list[str]:
    """``Loss at step`` is about a step."""
    cut = max((i + 1 for i, w in enumerate(words) if _PREPOSITION.fullmatch(w)), default=0)
    return words[cut:]


def _noun(head: str) -> str:
    """``Validation loss after`` is about the validation loss."""
    shorter = _PREPOSITION.sub("", head)
    if shorter == head:
        return ""
    words = _EDGES.sub("", shorter.strip()).split()
    for length in (3, 2, 1):
        noun = " ".join(words[-length:])
        if length <= len(words) and word(noun).told:
            return noun
    return ""
