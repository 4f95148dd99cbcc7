"""Tables: a line of column names, then lines of numbers under them.

The law of this file: a header names at least two columns that the lexicon knows and holds no number
that could be a value; a row has as many cells as the header has columns, or stands under them. A
row may carry a label instead of a number (``val``), and signs that only decorate (``+``, ``▼``).
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.dialect import Pairs, Sample, Term
from trainwatch.read.lexicon import known, split_in, word
from trainwatch.read.numbers import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainwatch.read.lexicon import Role
    from trainwatch.read.records import Split

SAMPLES = (
    # fastai, a local run
    Sample(
        "epoch     train_loss  valid_loss  accuracy  time    \n"
        "1         0.799666    0.764440    0.362500  00:00   ",
        {"loss": 0.799666, "eval loss": 0.76444, "eval accuracy": 0.3625, "@epoch": 1},
    ),
    # skorch, a local run
    Sample(
        "  epoch    train_loss    valid_acc    valid_loss    cp     dur\n"
        "-------  ------------  -----------  ------------  ----  ------\n"
        "      2        0.7418       0.5750        0.6867     +  0.0690",
        {"loss": 0.7418, "eval accuracy": 0.575, "eval loss": 0.6867, "dur": 0.069, "@epoch": 2},
    ),
    # spaCy, a local run
    Sample(
        "E    #       LOSS NER  LOSS TAGGER  ENTS_F  SCORE \n"
        "---  ------  --------  -----------  ------  ------\n"
        "  0     200     22.65         5.60   20.00    0.10",
        {
            "@epoch": 0,
            "@step": 200,
            "loss_ner": 22.65,
            "loss_tagger": 5.6,
            "eval ents_f": 20,
            "eval score": 0.1,
        },
    ),
    Sample("step,loss,val_loss\n100,0.52,0.61", {"@step": 100, "loss": 0.52, "eval loss": 0.61}),
    Sample(
        "| Step | Training Loss |\n| :--- | :------------ |\n| 10   | 2.379200      |",
        {"@step": 10, "loss": 2.3792},
    ),
    # mlx-lm 0.32, shape of its own table
    Sample(
        "  iter   train_loss     tok/s     tokens\n  10    3.100 ▼    1,192     15.7k",
        {"@step": 10, "loss": 3.1, "tokens_per_second": 1192, "tokens": 15700},
    ),
    Sample(
        "  iter   train_loss     tok/s     tokens\n   1    val 5.946    2.68s",
        {"@step": 1, "eval loss": 5.946},
    ),
)

_LONGEST = 4000
_TOTALS: dict[str, Role] = {"step": "steps", "epoch": "epochs", "batch": "batches"}
_DECIMAL = re.compile(r"\d\.\d|\d{3}|[=:{}']|\.\s")
_WHOLE = ("all", "avg", "mean", "total", "overall", "average")  # the row that sums up the others
_YOLO = (("box_loss", "cls_loss", "dfl_loss"), ("box_loss", "obj_loss", "cls_loss"))
_RULE = re.compile(r"[\s|:+=─━┼│├┤-]+$")
_DECORATION = re.compile(r"(?:^|\s)[▼▲↑↓+*✓✔←→●○]+(?:$|\s)")
_CLOCK = re.compile(r"\d+:\d\d(:\d\d)?|[\d.]+\s?(?:s|ms|m|us|h|sec)")
_GAP = re.compile(r"\s{2,}|\t")
_POINT = re.compile(r"\d\.\d")  # a file of semicolons has decimal commas, unless it has points


class Cell(NamedTuple):
    """One cell of a row or a header."""

    start: int
    end: int
    text: str


class Table:
    """An open table."""

    def __init__(self, columns: list[Cell], cut: Callable[[str], list[Cell]]) -> None:
        self._columns = columns
        self._cut = cut

    @property
    def terms(self) -> tuple[Term, ...]:
        """All columns; a row may leave some empty."""
        return _scored_terms(tuple(Term(column.text) for column in self._columns))

    def row(self, text: str) -> Pairs | None:
        """The numbers of a row; None when the line is none."""
        if len(text) > _LONGEST:
            return None
        cells = [bare for cell in self._cut(text) for bare in _bare(cell)]
        if len(cells) < 2:
            return None
        first = cells[0].text
        if first and number(first) is None and not _fraction(first) and not first.isalpha():
            return None
        label = next((c for c in cells if c.text.isalpha() and c.text not in _EMPTY), None)
        split = split_in(label.text) if label else None
        if label and split:
            return self._labelled(text, cells, label, split)
        if label and label is cells[0]:
            return self._summed(text, cells)
        return self._plain(text, cells)

    def _summed(self, text: str, cells: list[Cell]) -> Pairs | None:
        """``all  1018  2258  0.746 ...``: an evaluation by classes, and all of them together."""
        columns = self._columns
        if cells[0].text not in _WHOLE or len(cells) != len(columns) or not _all_values(cells[1:]):
            return None
        return _pairs(text, zip(columns[1:], cells[1:], strict=True), "eval")

    def _plain(self, text: str, cells: list[Cell]) -> Pairs | None:
        columns = self._columns
        if len(cells) != len(columns):
            columns = _under(columns, cells)
        if len(columns) != len(cells) or not _all_values(cells):
            return None
        if any(
            _fraction(b.text) and word(a.text).role == "metric"
            for a, b in zip(columns, cells, strict=True)
        ):
            return None  # "3/10" counts something: this is the row of another table
        return _scored(_with_sum(_pairs(text, zip(columns, cells, strict=True), None)))

    def _labelled(self, text: str, cells: list[Cell], label: Cell, split: Split) -> Pairs | None:
        """``1  val 5.946  2.68s``: the count, then what the label says of the loss column."""
        values = [cell for cell in cells if cell is not label]
        if len(values) < 2 or not _all_values(values):
            return None
        loss = next((c for c in self._columns if word(c.text).name == "loss"), None)
        if loss is None:
            return None
        named = [(self._columns[0], values[0]), (Cell(0, 0, "loss"), values[1])]
        return _pairs(text, named, split)


def read(text: str) -> Table | None:
    """The table that this header opens."""
    if len(text) > _LONGEST or not text.strip() or _DECIMAL.search(text):
        return None
    for cut in (_by_commas, _by_pipes, _by_gaps, _by_blanks):
        cells = cut(text)
        if len(cells) >= 2 and _is_header(cells):
            return Table(cells, cut)
    return None


def is_rule(text: str) -> bool:
    """A line of dashes between header and rows."""
    return bool(_RULE.fullmatch(text)) and len(text.strip()) > 1


def _is_header(cells: list[Cell]) -> bool:
    if any(len(cell.text.split()) > 3 or number(cell.text) is not None for cell in cells):
        return False
    words = [word(cell.text) for cell in cells]
    told = sum(w.told and w.role == "metric" for w in words)
    counted = word(cells[0].text).role in ("step", "epoch")
    return bool(told) and (counted or told >= 2 or sum(known(cell.text) for cell in cells) >= 3)


def _all_values(cells: list[Cell]) -> bool:
    return all(
        number(c.text) is not None
        or _CLOCK.fullmatch(c.text)
        or _fraction(c.text)
        or c.text in _EMPTY
        for c in cells
    ) and any(number(c.text) is not None for c in cells)


_EMPTY = ("-", "–", "N/A", "n/a", "NA", "None", "No log", "nan", "NaN", "inf", "")


def _scored(pairs: Pairs) -> Pairs:
    return pairs._replace(terms=_scored_terms(pairs.terms))


def _scored_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Beside ``#`` for the step stand the losses, and what spaCy measured on its evaluation set."""
    if not any(term.key == "#" for term in terms):
        return _judged_terms(terms)
    plain = ("E", "#", "W", "SPEED")
    return tuple(
        t if t.key in plain or "loss" in t.key.lower() else t._replace(split="eval") for t in terms
    )


def _judged_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """``train_loss  valid_loss  accuracy``: what follows is measured where the last loss was (fastai).

    Not so where the table tells the same quantity with a split of its own.
    """
    words = [word(term.key) for term in terms]
    losses = [i for i, w in enumerate(words) if w.name == "loss"]
    if [words[i].split for i in losses] != ["train", "eval"]:
        return terms
    told = {w.name for w in words if w.split}
    return tuple(
        term._replace(split="eval")
        if i > losses[1] and not w.split and w.told and w.name not in (*told, *_OF_TRAINING)
        else term
        for i, (term, w) in enumerate(zip(terms, words, strict=True))
    )


_OF_TRAINING = ("learning_rate", "grad_norm", "reward")


def _with_sum(pairs: Pairs) -> Pairs:
    """The three parts of the YOLO loss are told without their sum, which is the loss."""
    for prefix, names in product(("", "train/", "val/"), _YOLO):
        parts = [f"{prefix}{name}" for name in names]
        found = [v for t, v in zip(pairs.terms, pairs.values, strict=True) if t.key in parts]
        if len(found) == len(parts):
            pairs = pairs._replace(
                terms=(*pairs.terms, Term(f"{prefix}loss")),
                values=(*pairs.values, sum(found)),
                spans=(),
            )
    return pairs


def _pairs(text: str, named: Iterable[tuple[Cell, Cell]], split: Split | None) -> Pairs:
    terms, values, spans = [], [], []
    for column, cell in named:
        part = _fraction(cell.text)
        value = part[0] if part else number(cell.text)
        if value is None or (_CLOCK.fullmatch(cell.text) and number(cell.text) is None):
            continue
        terms.append(Term(column.text, split))
        values.append(value)
        spans.append((cell.start, cell.start + len(cell.text.partition("/")[0])))
        total = _TOTALS.get(word(column.text).role)
        if part and total:
            terms.append(Term(f"total {column.text}", None, total))
            values.append(part[1])
            spans.append((cell.end - len(cell.text.partition("/")[2]), cell.end))
    return Pairs(0, len(text), tuple(terms), tuple(values), tuple(spans))


def _fraction(text: str) -> tuple[float, float] | None:
    done, slash, total = text.partition("/")
    if slash and done.isdigit() and total.isdigit():
        return float(done), float(total)
    return None


def _bare(cell: Cell) -> list[Cell]:
    """A cell without what only decorates; two where a label shares it with a number."""
    if not cell.text:
        return [cell]
    text = _DECORATION.sub("", cell.text).strip() if number(cell.text) is None else cell.text
    label, space, rest = text.partition(" ")
    if space and label.isalpha() and number(rest) is not None:
        at = cell.end - len(rest)
        return [Cell(cell.start, cell.start + len(label), label), Cell(at, cell.end, rest)]
    return [Cell(cell.start, cell.start + len(text), text)] if text else []


def _under(columns: list[Cell], cells: list[Cell]) -> list[Cell]:
    """The columns that the cells stand under, when some are empty."""
    found = []
    for cell in cells:
        over = [c for c in columns if c.start < cell.end and cell.start < c.end]
        if len(over) != 1 or over[0] in found:
            return []
        found.append(over[0])
    return found


def _cells(text: str, borders: re.Pattern[str]) -> list[Cell]:
    found, start = [], 0
    for border in [*borders.finditer(text), None]:
        end = border.start() if border else len(text)
        part = text[start:end]
        if part.strip():
            first = start + len(part) - len(part.lstrip())
            found.append(Cell(first, first + len(part.strip()), part.strip()))
        start = border.end() if border else end
    return found


def _by_commas(text: str) -> list[Cell]:
    """Empty cells too: in a file of commas they keep the others in their columns."""
    border = ";" if ";" in text else ","
    if border not in text:
        return []
    text = text.replace(",", ".") if border == ";" and not _POINT.search(text) else text
    found, start = [], 0
    for part in text.split(border):
        first = start + len(part) - len(part.lstrip())
        found.append(Cell(first, first + len(part.strip()), part.strip().strip('"')))
        start += len(part) + 1
    return found


def _by_pipes(text: str) -> list[Cell]:
    return _cells(text, re.compile(r"[|│┃]")) if any(sign in text for sign in "|│┃") else []


def _by_gaps(text: str) -> list[Cell]:
    return _cells(text, _GAP)


def _by_blanks(text: str) -> list[Cell]:
    return _cells(text, re.compile(r"\s+"))
