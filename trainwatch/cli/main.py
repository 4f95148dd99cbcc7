"""The command ``trainwatch``: from words to a verb, and from its end to an exit code.

The law of this file: it imports nothing but the grammar and the home of the verb, because a training
waits to be started. Data goes to stdout, sentences for a person to stderr; nobody sees a traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.cli.grammar import Verb, Words

WRONG, FAILED, INTERRUPTED, NOBODY_READS = 2, 70, 130, 141
_OUTPUT_ERRORS = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_HOMES = {
    "run": "starting",
    "attach": "watching",
    "replay": "watching",
    "demo": "starting",
    "list": "roster",
    "stop": "roster",
    "status": "printout",
    "export": "printout",
    "diagnose": "printout",
    "checkpoints": "printout",
    **{f"checkpoints {verb}": "keeping" for verb in ("keep", "delete", "slim", "prune")},
    **{f"checkpoints {verb}": "proving" for verb in ("verify", "diff")},
    "checkpoints evaluate": "evaluating",
    "report": "printout",
    "doctor": "doctor",
    "config": "config",
    "completion": "completion",
}


def main(arguments: list[str] | None = None) -> int:
    """Do what the words say; the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    _fill_closed_outputs()
    try:
        if words[:1] in (["--version"], ["-V"]):
            return _version()
        code = _obey(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:  # of stdout: what a verb itself cannot read or write it has said
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains when it leaves
        if isinstance(error, BrokenPipeError):
            return NOBODY_READS
        return _complain(f"the output cannot be written: {error.strerror}", WRONG)
    return code


def _fill_closed_outputs() -> None:
    """What was started with ``>&-`` prints to nowhere; the first file opened must not take that place."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
            setattr(sys, f"__{name}__", getattr(sys, name))


def _version() -> int:
    from trainwatch import __version__

    sys.stdout.write(f"trainwatch {__version__}\n")
    return 0


def _obey(words: list[str]) -> int:
    from trainwatch.cli.grammar import HELP, CommandError, UsageError

    verb: Verb | None = None
    try:
        if not words or words[0] in ("-h", HELP, "help"):
            return _help(words)
        verb, rest = _verb(words[0]), words[1:]
        if part := next((v for v in verb.verbs if rest[:1] == [v.last]), None):
            verb, rest = part, rest[1:]
        return _do(verb, rest)
    except UsageError as error:
        more = f"trainwatch {verb.name} {HELP}" if verb else f"trainwatch {HELP}"
        return _complain(f"{error.text} (see: {more})", error.code)
    except CommandError as error:
        return _complain(error.text, error.code)
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # it came while a class was made
            raise error.__cause__ from None
        if isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS:
            raise
        return _complain(_kept(error), FAILED)


def _do(verb: Verb, arguments: list[str]) -> int:
    from trainwatch.cli.grammar import HELP, parse

    parsed = parse(verb, arguments)
    if parsed.has(HELP):
        return _help(["help", *verb.name.split()])
    if parsed.has("--metric"):
        from trainwatch.cli.metrics import check

        check(parsed)
    if parsed.has("--stop-on"):
        from trainwatch.cli.rules import stop_rules

        stop_rules(parsed)
    return _home(verb)(parsed)


def _verb(word: str) -> Verb:
    from trainwatch.cli.grammar import VERBS, UsageError, verb_named

    verb = verb_named(word)
    if verb is not None:
        return verb
    import difflib
    import shutil

    if near := difflib.get_close_matches(word, [v.name for v in VERBS], 1):
        hint = f"; did you mean: trainwatch {near[0]}?"
    elif word.startswith("-"):
        raise UsageError(f"there is no option {word}")
    elif os.path.exists(word) and not word.endswith((".py", ".sh")):
        hint = f"; did you mean: trainwatch attach {word}?"
    elif shutil.which(word) or os.path.exists(word):
        hint = f"; did you mean: trainwatch run {word} ...?"
    else:
        hint = ""
    raise UsageError(f"there is no command {word!r}{hint}")


def _home(verb: Verb) -> Callable[[Words], int]:
    from importlib import import_module

    home = import_module(f"trainwatch.cli.{_HOMES[verb.name]}")
    return cast("Callable[[Words], int]", vars(home)[f"do_{verb.name.replace(' ', '_')}"])


def _help(words: list[str]) -> int:
    from trainwatch.cli.usage import help_of, overview

    if not words:
        sys.stderr.write(overview())
        return 2
    sys.stdout.write(help_of(_described(words[1:])) if len(words) > 1 else overview())
    return 0


def _described(words: list[str]) -> Verb:
    """The verb that help is wanted for: of two words where there is one."""
    verb = _verb(words[0])
    return next((v for v in verb.verbs if words[1:2] == [v.last]), verb)


def _complain(text: str, code: int) -> int:
    from trainwatch.read.clean import clean  # a path or a message may hold anything

    with suppress(OSError):
        sys.stderr.write(f"trainwatch: {clean(text)}\n")
    return code


def _kept(error: Exception) -> str:
    """The sentence about a mistake of ours, with the file that a report of it should bring along."""
    import traceback

    from trainwatch.probe import runs

    text = f"something went wrong inside trainwatch ({type(error).__name__}: {error})"
    path = os.path.join(runs.state_folder(), "crash.log")
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return text
    return f"{text}; please report it with {path}"
