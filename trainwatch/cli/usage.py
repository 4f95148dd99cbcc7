"""The help, made from the grammar."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from trainwatch.cli.grammar import HELP, VERBS, Option

if TYPE_CHECKING:
    from trainwatch.cli.grammar import Verb

_WIDTH = 80
_INDENT = 4


def overview() -> str:
    """What ``trainwatch --help`` prints."""
    lines = [
        "usage: trainwatch COMMAND ...",
        "",
        "Watch a model training live in the terminal.",
        "",
    ]
    column = max(len(verb.name) for verb in VERBS) + 4
    for verb in VERBS:
        lines += _entry(verb.name, verb.summary, column)
    lines += [
        "",
        "TARGET is a run's id (or its beginning) or name, a process id, a tmux pane",
        "(tmux:%3), or a path: a log file, an output folder, a checkpoint, a journal;",
        "docker:NAME, k8s:[NAMESPACE/]POD; of another machine with HOST: before it.",
        "Without one: the newest run.",
        "",
        "trainwatch COMMAND --help says more. trainwatch --version",
        "",
    ]
    return "\n".join(lines)


def help_of(verb: Verb) -> str:
    """What ``trainwatch VERB --help`` prints."""
    options = (*verb.options, Option(HELP, "", "show this", "-h"))
    words = " ".join(filter(None, ("trainwatch", verb.name, "[OPTIONS]", verb.operands)))
    lines = [f"usage: {words}", "", *textwrap.wrap(_sentence(verb.summary), _WIDTH), ""]
    names = [_names(option) for option in options]
    column = min(max(len(name) for name in names) + 4, 28)
    for name, option in zip(names, options, strict=True):
        lines += _entry(name, _described(option), column)
    if verb.verbs:
        lines += ["", f"More with a word after {verb.name}:", ""]
        for each in verb.verbs:
            lines += _entry(f"{each.last} {each.operands}", each.summary, 30)
    if verb.takes_command:
        lines += ["", "Options of trainwatch come before the command; all that follows is its own."]
    lines += ["", "examples:", *(" " * _INDENT + example for example in verb.examples), ""]
    return "\n".join(lines)


def _entry(name: str, text: str, column: int) -> list[str]:
    indent = " " * (column + 2)
    lines = textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    if len(name) + 2 <= column:
        return [f"  {name}".ljust(column + 2) + lines[0].lstrip(), *lines[1:]]
    return [f"  {name}", *lines]


def _names(option: Option) -> str:
    short = f"{option.short}, " if option.short else ""
    return f"{short}{option.name} {option.value}".rstrip()


def _described(option: Option) -> str:
    missing = [choice for choice in option.choices if choice not in option.help]
    return f"{option.help}: {', '.join(option.choices)}" if missing else option.help


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
