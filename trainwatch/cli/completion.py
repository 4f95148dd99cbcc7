"""Scripts that complete trainwatch's words, made from the grammar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trainwatch.cli.grammar import HELP, VERBS, every

if TYPE_CHECKING:
    from trainwatch.cli.grammar import Option, Verb, Words


def do_completion(words: Words) -> int:
    """``trainwatch completion SHELL``."""
    sys.stdout.write({"bash": _bash, "zsh": _zsh, "fish": _fish}[words.operands[0]]())
    return 0


def _names(verb: Verb) -> list[str]:
    found = [name for option in verb.options for name in (option.short, option.name) if name]
    return [*found, HELP]


def _bash() -> str:
    cases = []
    for verb in every():
        words = " ".join([*_names(verb), *verb.choices, *(each.last for each in verb.verbs)])
        cases.append(f"        '{verb.name}') words='{words}' ;;")
    choices = "\n".join(
        f"        '{verb.name}:{option.name}') words='{' '.join(option.choices)}' ;;"
        for verb in every()
        for option in verb.options
        if option.choices
    )
    return f"""\
_trainwatch() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{" ".join(verb.name for verb in VERBS)}' -- "$word"))
        return
    fi
    if [ "$verb" = run ] && [[ $word != -* ]]; then
        COMPREPLY=($(compgen -c -- "$word") $(compgen -f -- "$word"))
        return
    fi
    case "$verb ${{COMP_WORDS[2]}}" in
        {"|".join(_quoted_pairs())}) [ "$COMP_CWORD" -gt 2 ] && verb="$verb ${{COMP_WORDS[2]}}" ;;
    esac
    case $verb in
{chr(10).join(cases)}
    esac
    case $verb:${{COMP_WORDS[COMP_CWORD-1]}} in
{choices}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
}}
complete -o filenames -F _trainwatch trainwatch
"""


def _quoted_pairs() -> list[str]:
    """The verbs of two words, for a pattern of the shell."""
    return [f"'{verb.name}'" for verb in every() if " " in verb.name]


def _zsh() -> str:
    verbs = "\n".join(f"        '{verb.name}:{_quoted(verb.summary)}'" for verb in VERBS)
    cases = []
    for verb in VERBS:
        parts = [f"'{spec}'" for option in verb.options for spec in _zsh_specs(option)]
        if verb.takes_command:
            parts.append("'*::command:_normal'")
        elif verb.choices:
            parts.append(f"'1:what:({' '.join(verb.choices)})'")
        elif verb.verbs:
            words = " ".join(each.last for each in verb.verbs)
            parts += [
                f"'1:what or target:{{_alternative \"what:what:({words})\" files:target:_files}}'"
            ]
            parts.append("'*:target:_files'")
            own = [o for each in verb.verbs for o in each.options if o not in verb.options]
            parts += [f"'{spec}'" for option in dict.fromkeys(own) for spec in _zsh_specs(option)]
        elif verb.most:
            parts.append("'*:target:_files'")
        joined = " \\\n                ".join(parts)
        cases.append(f"            {verb.name}) _arguments {joined} ;;")
    return f"""\
#compdef trainwatch
_trainwatch() {{
    local -a verbs
    verbs=(
{verbs}
    )
    _arguments -C '1:command:->verb' '*::words:->rest'
    case $state in
        verb) _describe command verbs ;;
        rest) case $words[1] in
{chr(10).join(cases)}
        esac ;;
    esac
}}
compdef _trainwatch trainwatch
"""


def _zsh_specs(option: Option) -> list[str]:
    value = ""
    if option.value:
        value = f":{option.value}:({' '.join(option.choices)})" if option.choices else ":value:"
    names = [name for name in (option.short, option.name) if name]
    return [f"{name}[{_quoted(option.help)}]{value}" for name in names]


def _fish() -> str:
    lines = ["complete -c trainwatch -f"]
    for verb in VERBS:
        summary = _quoted(verb.summary)
        lines.append(
            f"complete -c trainwatch -n __fish_use_subcommand -a {verb.name} -d '{summary}'"
        )
    for verb in VERBS:
        seen = f"complete -c trainwatch -n '__fish_seen_subcommand_from {verb.name}'"
        lines += [f"{seen} {_fish_option(option)}" for option in verb.options]
        for each in verb.verbs:
            lines.append(f"{seen} -a {each.last} -d '{_quoted(each.summary)}'")
            both = f"{seen[:-1]}; and __fish_seen_subcommand_from {each.last}'"
            lines += [f"{both} {_fish_option(o)}" for o in each.options if o not in verb.options]
        if verb.choices:
            lines.append(f"{seen} -a '{' '.join(verb.choices)}'")
        elif verb.most:
            lines.append(f"{seen} -F")
    return "\n".join(lines) + "\n"


def _fish_option(option: Option) -> str:
    short = f"-s {option.short[1:]} " if option.short else ""
    value = ""
    if option.value:
        value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r"
    return f"{short}-l {option.name[2:]}{value} -d '{_quoted(option.help)}'"


def _quoted(text: str) -> str:
    """The text inside single quotes and brackets."""
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", ",")
