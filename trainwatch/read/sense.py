"""What a line of text means, given the lines before it.

The law of this file: the dialects find structure, the lexicon gives it names; here is what lines
have to do with each other: headings that hold for the lines below, tables, panels, literals that go
on over several lines. Bars are cut out before.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.dialect import Event, Opening, Pairs, Term
from trainwatch.read.formats import keyvalue, table
from trainwatch.read.lexicon import split_in
from trainwatch.read.mask import rank_span
from trainwatch.read.meaning import Plan, among, plan
from trainwatch.read.tokens import has_digit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.dialect import Dialect
    from trainwatch.read.records import Split

_MOST_LINES = 40  # of one literal
_MOST_TEXT = 1 << 14
_PATIENCE = 200  # lines without a row after which a table is over
_HEADING = 80  # characters
_LONG_HEADING = 240
_FEW_WORDS = 4
_SETTINGS = ("eps", "betas", "weight_decay", "momentum", "gamma", "batch_size", "seed")
_STARRED = re.compile(r"\*{3,}\s*([A-Za-z][^*]{2,60}?)\s*\*{3,}\s*$")
"""``***** Eval results 500 *****``, whatever a logger put in front."""
_MESSAGE = re.compile(r'"(?:message|msg|log|event|text)"\s*:\s*"')
_AGAIN = re.compile(r"(?i)\bbest (?:iteration|epoch|step|model|result|round)s?\b.{0,20}:\s*$")


class Row(NamedTuple):
    """Numbers that were understood."""

    plan: Plan
    values: tuple[float, ...]
    offset: int


class Meaning(NamedTuple):
    """What one line came to."""

    dialect: str  # "" when nothing was understood
    rows: Sequence[Row] = ()
    event: Event | None = None
    heading: Row | None = None  # counts that hold for the lines below
    pairs: Pairs | None = None  # all that the line tells, if later lines like it tell the same way


NOTHING = Meaning("")


class Sense:
    """What the lines of one stream have to do with each other."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = dialects
        self._split: Split | None = None  # of the heading above
        self._counted = False  # that heading told its step
        self._headed: bool | None = None  # an epoch was told above the next row; None: never yet
        self._table: table.Table | None = None
        self._counts = False  # a step or an epoch was told
        self._idle = 0  # lines since the table's last row
        self._panel: list[tuple[Pairs, int]] = []
        self._open: list[str] = []  # lines of a literal that is not whole yet
        self._again = False  # the next row is one of before, told again
        self.in_row = False
        """Whether a row of the open table stood in front of the last bar: means over the epoch so far,
        as YOLO redraws them."""
        self.attentive = False
        """Whether the next line may mean something that its shape alone does not tell."""

    def read(self, text: str, offset: int) -> Meaning:
        """The meaning of one line."""
        found = self._read(text, offset)
        if self._again and found.rows:
            found = Meaning("event")
        self._again = bool(_AGAIN.search(text)) or (self._again and not found.dialect)
        self._watch()
        return found

    def _watch(self) -> None:
        below = self._split is not None  # a heading that says what the next lines are
        self.attentive = bool(self._table or self._panel or self._open or self._again or below)

    def _read(self, text: str, offset: int) -> Meaning:
        if self._open:
            return self._go_on(text, offset)
        if self._panel and not _panel_line(text):
            return self._after_panel(text, offset)
        if self._table:
            found = self._row(text, offset)
            if found:
                return found
        event = None
        for dialect in self._dialects:
            told = dialect.read(text)
            if isinstance(told, Event):
                event = told
            elif told is not None:
                meaning = self._told(dialect.__name__.rpartition(".")[2], told, text, offset)
                if meaning.dialect:
                    return meaning._replace(event=event, pairs=None) if event else meaning
        inner = _message(text)
        if inner:
            return self._read(inner, offset)._replace(pairs=None)
        self._heading(text)
        return Meaning("event", event=event) if event else NOTHING

    def _told(self, name: str, told: object, text: str, offset: int) -> Meaning:
        if isinstance(told, table.Table):
            self._table, self._idle = told, 0
            return Meaning(name)
        if isinstance(told, Opening):
            self._open = [text]
            return Meaning(name)
        if isinstance(told, Pairs):
            return self._pairs(name, told, text, offset)
        return NOTHING

    def _pairs(self, name: str, pairs: Pairs, text: str, offset: int) -> Meaning:
        if pairs.part:
            self._panel.append((pairs, offset))
            return Meaning(name)
        pairs = _with_rank(_with_prefix(pairs, text), text)
        beside = _is_whole_epoch(pairs) and self._is_beside()
        split: Split | None = "test" if beside else self._split
        how = plan(pairs.terms, None if pairs.joins else split, pairs.joins)
        if self._counted and how.step is not None:  # a heading with a count of its own is over
            self._split, self._counted = None, False
            how = plan(pairs.terms, None, pairs.joins)
        row = Row(how, pairs.values, offset)
        told = how.told or (
            self._counts
            and how.named
            and not how.joins
            and len(pairs.terms) < _FEW_WORDS
            and not any(term.key in _SETTINGS for term in pairs.terms)
        )
        self._counts = self._counts or how.step is not None or how.epoch is not None
        if told and how.keys:
            if how.step is not None or how.epoch is not None:
                self._split = None
            lasting = None if self._table or self._split or _is_whole_epoch(pairs) else pairs
            return Meaning(name, rows=[row], pairs=lasting)
        if _only_counts(how, text, pairs):
            self._headed = self._headed or how.epoch is not None
            self._split = None if split_in(text) == "train" else split_in(text)
            self._counted = self._split is not None and how.step is not None
            return Meaning(name, heading=row)
        return NOTHING

    def _is_beside(self) -> bool:
        """Whether no heading stands above a line, where one stands above each epoch's.

        So Keras prints what it evaluates after a fit.
        """
        beside, self._headed = self._headed is False, None if self._headed is None else False
        return beside

    @staticmethod
    def may_head(text: str) -> bool:
        """Whether a line that tells nothing of its own may still say what the next ones are."""
        starred = _STARRED.search(text)
        if starred:
            return bool(split_in(starred[1]))
        line = text.strip()
        return 3 < len(line) < _HEADING and not has_digit(line) and bool(split_in(line))

    # --- lines that belong together -------------------------------------------------------

    def _heading(self, text: str) -> None:
        """``Validation:``, ``--- Test ---``: the split of the lines below."""
        line, starred = text.strip(), _STARRED.search(text)
        if self.may_head(text) and (starred or line[-1] in ":." or not line[0].isalnum()):
            found = split_in(starred[1] if starred else line)
            self._split = None if found == "train" else found

    def beside_bar(self, text: str) -> Pairs | None:
        """What stands in front of a bar: a row of the open table, the header of one, or words."""
        self.in_row = False
        if not text:
            return None
        header = table.read(text)
        if header:
            self._table, self._idle = header, 0
            self._watch()
            return None
        row = self._table.row(text) if self._table else None
        self.in_row = row is not None
        return row or keyvalue.read(text)

    def _row(self, text: str, offset: int) -> Meaning | None:
        """A row of the open table, or what stands between its rows."""
        pairs = self._table.row(text) if self._table and not table.is_rule(text) else None
        if pairs:
            self._idle = 0
            how = among(self._table.terms, pairs.terms) if self._table else plan(pairs.terms)
            return Meaning("table", rows=[Row(how, pairs.values, offset)]) if how.keys else None
        self._idle += 1
        if self._idle > _PATIENCE:
            self._table = None
        return Meaning("table") if table.is_rule(text) else None

    def finish(self) -> list[Row]:
        """Nothing follows: the panel that is still open is all there is of it."""
        parts, self._panel, self._open = self._panel, [], []
        terms = tuple(term for pairs, _ in parts for term in pairs.terms)
        values = tuple(value for pairs, _ in parts for value in pairs.values)
        offsets = [offset for pairs, offset in parts for _ in pairs.terms]
        self._watch()
        how = plan(terms)
        return list(_apart(how, values, offsets)) if how.told else []

    def _after_panel(self, text: str, offset: int) -> Meaning:
        """All parts of the panel, each in its own line with the counts of them all; and the line."""
        rows = self.finish()
        after = Meaning("panel") if table.is_rule(text) else self._read(text, offset)
        return after._replace(rows=[*rows, *after.rows])

    def _go_on(self, text: str, offset: int) -> Meaning:
        """One more line of a literal; its meaning when it is whole."""
        self._open.append(text)
        whole = "\n".join(self._open)
        for dialect in self._dialects:
            told = dialect.read(whole)
            if isinstance(told, Pairs) and not told.part:
                self._open = []
                meaning = self._pairs(dialect.__name__.rpartition(".")[2], told, whole, offset)
                return meaning._replace(pairs=None, dialect=meaning.dialect or "mapping")
            if isinstance(told, Opening):
                break
        else:
            self._open = []
            return self._read(text, offset)
        if len(self._open) > _MOST_LINES or len(whole) > _MOST_TEXT:
            self._open = []
        return Meaning("mapping")


def _apart(how: Plan, values: tuple[float, ...], offsets: list[int]):  # type: ignore[no-untyped-def]
    for key, place, claim, plain in zip(how.keys, how.places, how.claims, how.plains, strict=True):
        one = how._replace(keys=(key,), places=(place,), claims=(claim,), plains=(plain,))
        yield Row(one, values, offsets[place])


def _message(text: str) -> str:
    """The line that a record of a logger or of a container carries: ``{"message": "step 1 ..."}``."""
    if text[:1] != "{" or not _MESSAGE.search(text):
        return ""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    names = ("message", "msg", "log", "event", "text")
    found = next((told[name] for name in names if isinstance(told.get(name), str)), "")
    return "" if found.startswith("{") and _MESSAGE.search(found) else found.strip("\r\n")


def _panel_line(text: str) -> bool:
    return text.lstrip()[:1] in ("|", "│")


def _with_prefix(pairs: Pairs, text: str) -> Pairs:
    """What stands around a literal may tell its counts, and before it its split: ``epoch 0: {...}``."""
    if not pairs.joins:
        return pairs
    if text[pairs.end :].strip():
        behind = keyvalue.counts(text[pairs.end :])
        spans = tuple((a + pairs.end, b + pairs.end) for a, b in behind.spans)
        pairs = _joined(pairs, Pairs(0, 0, behind.terms, behind.values, spans))
    if pairs.start == 0:
        return pairs
    terms, values, before, split = keyvalue.counts(text[: pairs.start])
    told = tuple(t if t.split or split is None else t._replace(split=split) for t in pairs.terms)
    counts = pairs._replace(terms=terms, values=values, spans=before)
    return _joined(counts, pairs._replace(terms=told))


def _is_whole_epoch(pairs: Pairs) -> bool:
    """``16/16 - 0s - 2ms/step - loss: 0.93``: the last count of an epoch begins the line."""
    return pairs.terms[:1] == (Term("batch", None, "batch"),) and pairs.start == 0


def _joined(one: Pairs, other: Pairs) -> Pairs:
    return one._replace(
        terms=(*one.terms, *other.terms),
        values=(*one.values, *other.values),
        spans=(*one.spans, *other.spans),
    )


def _with_rank(pairs: Pairs, text: str) -> Pairs:
    """The rank that a launcher put in front is a number of the line too."""
    span = rank_span(text)
    if span is None or any(span[0] < end and start < span[1] for start, end in pairs.spans):
        return pairs
    before = sum(1 for start, _ in pairs.spans if start < span[0])
    rank = float(text[span[0] : span[1]])
    return pairs._replace(
        terms=(*pairs.terms[:before], Term("rank", None, "rank"), *pairs.terms[before:]),
        values=(*pairs.values[:before], rank, *pairs.values[before:]),
        spans=(*pairs.spans[:before], span, *pairs.spans[before:]),
    )


def _only_counts(how: Plan, text: str, pairs: Pairs) -> bool:
    """A heading: words tell a step or an epoch, and hardly anything else is there."""
    places = (how.step, how.epoch, how.batch, how.steps, how.epochs)
    worded = [
        pairs.terms[place].key
        for place in places
        if place is not None and pairs.terms[place].role is None
    ]
    if not any(len(key) > 2 or key.lower() == "ep" for key in worded) or len(text) > _LONG_HEADING:
        return False
    return keyvalue.is_heading(text, pairs, _FEW_WORDS)
