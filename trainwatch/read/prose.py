"""Lines with keys and numbers that report no training: events, settings, programs, literals.

The law of this file: structure and the plainest words of events only; nothing is known of any brand.
"""

from __future__ import annotations

import re

# The line tells of an event or of the best so far, not of now; or it is a program, not its output.
_TELLS = re.compile(
    r"(?i)\b(?:improved|did ?n[o']t improve|not improve|reached|new best|best so far)\b"
    r"|^\W*(?:\w+\W+){0,2}best\b|^\W*\*{3,}\s*best"
    r"|\b(?:sav(?:ing|ed)|load(?:ing|ed)|resum(?:ing|ed)|restor(?:ing|ed)|skipp(?:ing|ed))\b"
    r".{0,60}\b(?:checkpoint|model|weights|state|adapter|step|to|from|dict to)\b"
    r"|\bloss scale\b.{0,40}\b(?:reduc|increas|to:)|\bloss for final\b|\bearly.?stop"
    r"|^\s*wandb:|\boverflow\b|\b(?:weights|coefficients|coefs|coeffs|lambdas)\s*:(?=\s*\w+\s*[=:])"
)
_CODE = re.compile(
    r"^\s*(?:#|//|/\*|\*\s|>>> (?!\W*(?:epoch|step|iter|train|val|eval|test))|\.\.\.\s|def |class |import |from |return\b|if |elif |for |while |assert|raise |with "
    r"|try:|except|else:|@\w|print\(|self\.|let |const |var |int |float |double |auto |static |\$ |\+ |- name)"
    r"|[;{\\]\s*$|,\s*$|\(\s*$|[!<>+*/&-]=|(?:^|\s)\|=|[\w)\]]\s*(?<!=)={2,3}(?!=)\s*[\w('-]|\bself\.|\blambda\b|&&|\|\||\)\s*->\s*\w+|(?<!\d)\)\s*:$|=[^()=]*\)\s*:$|\w::\w"
    r"|\b(?:torch|np|nn|tf|jnp|math|plt|F)\.(?!b?float\d+\([-\d.ni]|u?int\d+\([-\d])\w+[.(]|\w\(\)|\*\*\w|\[\"|\['|\bNone\b.*,|=\s*(?:True|False|None)\b"
    r"|\w\[-?\d+\]\s*[*/+]|\w\([A-Za-z_\"']+\s*=|=\s*[-\d.e]+\s*\*\s*[A-Za-z(]|=\s*[-\d.e]+\s+[/+-]\s+[A-Za-z(]"
)
_CONSTANT = re.compile(
    r"\s*[A-Za-z_][\w.]*\s=\s[-+]?0*\.?0*[0-9]?\.?0*\s*"
)  # "lr = 0.05": a setting
_LITERAL = re.compile(
    r"\{\s*[\"']|[\"']\s*:\s*[\"']?[-\d]|[\"']\s*:\s*[\"']?(?:nan|inf|NaN)"
)  # read as a whole or not at all


def is_program(text: str) -> bool:
    """Whether it is source code, or a literal that is read as a whole or not at all."""
    return bool(_LITERAL.search(text) or _CODE.search(text))


def is_setting(text: str) -> bool:
    """``lr = 0.05``: a constant, written as such."""
    return bool(_CONSTANT.fullmatch(text))


def reported(text: str) -> str:
    """The line up to where it begins to tell of an event or of the best so far."""
    told = _TELLS.search(text)
    return text[: told.start()] if told else text
