"""Digits that are no numbers: dates, clocks, paths, places in source files, processes and ranks.

The law of this file: what is masked is replaced character by character, so that places in the line
stay what they are, by a mark that separates words. Time is linear: every expression begins at a
border and runs over what cannot begin again inside it.
"""

from __future__ import annotations

import re

MARK = "\x1f"

_CLOCKS = re.compile(
    r"""
      (?<!\d) \d{4} [-/.] \d\d? [-/.] \d\d? (?: [T\ ,_]{1,3} \d\d? :\d\d (?: :\d\d )? (?: [.,:]\d{1,9} )? (?: Z | [+-]\d\d:?\d\d )? )?
    | (?<!\d) \d{8} [\ _T-] \d\d :\d\d :\d\d (?: \.\d{1,9} )?
    | (?<![\w:]) [0-9a-fA-F]{2} (?: :[0-9a-fA-F]{2} ){3,40} (?![\w:])
    | (?<![\d/]) \d\d? / \d\d? (?: / \d{2,4} )? [\ ,]{1,2} \d\d? :\d\d :\d\d (?: [.,]\d{1,9} )?
    | \b [IWEF] \d{4} [\ ] \d\d :\d\d :\d\d \.\d{1,9} [\ ]{1,8} \d{1,20}
    | (?: (?<!\d) \d{1,6} [\ ] days?,? [\ ] )? (?<![\d:.]) \d{1,4} (?: :\d\d ){1,2} (?: \.\d{1,9} )? (?! [\d:] )
    """,
    re.VERBOSE,
)
_SPANS = re.compile(
    r"(?<![\d.])\d{1,6}(?: ?h(?:ours?|rs?)? ?\d{1,2} ?m(?:in\w{0,4})?(?: ?\d{1,2}(?:\.\d{1,6})? ?s)?"
    r"| ?m(?:in\w{0,4})? ?\d{1,2}(?:\.\d{1,6})? ?s)\b"
)
_NAMED = re.compile(
    r"(?i)\b(?:pid|tid|thread)[ :=#]{1,3}\d{1,10}"
    r"|\[ {0,2}(?:rank|gpu|cuda|default|worker|node|local_rank|process)[ :=_-]{0,2}\d{1,6}(?:/\d{1,6})? {0,2}\]:?"
)
_LOGGER = re.compile(
    r"(?<=[\[(])[A-Za-z_][\w.]{0,60}:\d{1,6}(?=[,\])])|\b[A-Za-z_]\w{0,40}(?:\.\w{1,40})+:\d{1,6}(?=\s*(?:>>|\||-\s|\]|$))"
    r"|__\w{1,40}__:\w{1,60}:\d{1,6}"
)
_PLACE = re.compile(
    r"\.(?:py|pyx|cc?|cpp|cxx|cuh?|hp?p?|rs|go|[jt]s|java|jl|lua):\d{1,7}(?::\w{1,60})?"
)
_PATH = re.compile(r"""(?<![\w)\]/~.])(?:~|\.\.?)?/[\w.@~-][^\s'",;|)\]]*|https?://\S+""")
_FILE = re.compile(
    r"(?<![\w.@~=+/-])[\w.@~=+/-]*\.(?:pt|pth|ckpt|bin|safetensors|keras|h5|hdf5|onnx|npz|npy|pkl|jsonl?"
    r"|ya?ml|txt|log|[ct]sv|tar|t?gz|zip|whl|tflite|gguf|tmp|so|deb|rpm)(?![\w.])"
)
_CODES = re.compile(
    r"(?<![\w.])(?:0[xX][0-9a-fA-F]{1,32}(?!\w)|(?=\d{0,63}[a-f])(?=[a-f]{0,63}\d)[0-9a-f]{7,64}(?![\w.+-])"
    r"|\d{1,9}(?:\.\d{1,9}){2,9}\w{0,20})|\([^()\d]{0,8}\de-?\d{1,3}\)(?=\s?[:=])"
)
_RANK = re.compile(
    r"(?i)\[\s?(?:rank|default|local_rank|global_rank)[\s:=_-]{0,2}(\d{1,5})(?:/\d{1,5})?\s?\]"
)
_FAR = 200


def masked(text: str) -> str:
    """``text`` with everything masked that holds digits and is no number."""
    if ":" in text or "-" in text:
        text = _CLOCKS.sub(_blank, text)
    if "[" in text or "id" in text:
        text = _NAMED.sub(_blank, text)
    if "/" in text:
        text = _PATH.sub(_blank, text)
    if ":" in text:
        text = _LOGGER.sub(_blank, text)
    if "." in text:
        text = _FILE.sub(_blank, _PLACE.sub(_blank, text))
    return _CODES.sub(_blank, _SPANS.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    return MARK * len(found[0])


def rank_span(text: str) -> tuple[int, int] | None:
    """Where the rank is that a launcher put in front: ``[rank3]:``, ``[default0]:``, ``[RANK:1]``."""
    if "[" not in text:
        return None
    found = _RANK.search(text, 0, _FAR)
    return found.span(1) if found else None
