"""What can be typed after ``trainwatch``: one table of verbs, and the reading of words by it.

The law of this file: help, completion and parsing all come from the table, so that none can drift
from the others. It imports next to nothing: a training is waiting to be started.
"""

from __future__ import annotations

from trainwatch.cli import browsing
from trainwatch.cli.verb import Option, Verb, Words

__all__ = ["HELP", "VERBS", "CommandError", "Option", "UsageError", "Verb", "Words"]


class CommandError(Exception):
    """The command cannot be done: one sentence why, and what to do about it."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.text = text
        self.code = code  # with which trainwatch exits


class UsageError(CommandError):
    """The words make no sense."""


HELP = "--help"  # every verb has it
_TARGET = "[TARGET]"
_JSON = browsing.JSON
_METRIC = Option(
    "--metric", "NAME=REGEX", "read a metric of your own from lines that match", many=True
)
_GOLD = Option(
    "--gold", "PATH", "results of your own evaluations: a file, or a folder of them", many=True
)
_RECORD = Option("--record", "FILE", "write a journal of everything seen, for replay")
_LOOK = (
    Option("--readonly", "", "change nothing: no stop, delete or keep from the screen"),
    Option("--theme", "NAME", "colours of the screen"),
    Option("--glyphs", "KIND", "what charts are drawn with", choices=("braille", "block", "ascii")),
)
_STOP_ON = Option(
    "--stop-on",
    "RULE",
    "stop the training, as Ctrl-C does, when a rule of the diagnosis fires: overfitting, diverging,"
    " ..., or critical for any grave one. Without it nothing is ever stopped",
    many=True,
)
_NO_UI = Option("--no-ui", "", "pass the training's output through instead of a screen")

VERBS = (
    Verb(
        "run",
        "[--] COMMAND...",
        "start a training detached, and watch it",
        (
            Option("--name", "NAME", "a name to find the run by", "-n"),
            Option("--detach", "", "print the run id and return at once", "-d"),
            Option(
                "--pty",
                "",
                "give the training a terminal of its own (400 columns). Only for programs that"
                " insist on one: killing trainwatch's two helpers ends it, and bars grow wide",
            ),
            Option("--on", "HOST", "start it on that machine over ssh"),
            Option("--slurm", "OPTIONS", "submit it with sbatch and these options of sbatch"),
            Option("--cwd", "DIR", "start it in that folder (with --on: of that machine)"),
            _NO_UI,
            _STOP_ON,
            _RECORD,
            _GOLD,
            _METRIC,
            *_LOOK,
        ),
        (
            "trainwatch run python train.py --lr 1e-4",
            "trainwatch run --detach --name sft torchrun --nproc-per-node 2 train.py",
        ),
        most=-1,
        least=1,
        takes_command=True,
    ),
    Verb(
        "attach",
        "[TARGET...]",
        "watch what runs or has run, several targets as a list",
        (
            Option("--once", "", "print one plain frame and leave, as status does", "-1"),
            _NO_UI,
            _STOP_ON,
            _RECORD,
            _GOLD,
            _METRIC,
            *_LOOK,
        ),
        ("trainwatch attach output/sft/", "trainwatch attach lr3 lr4 'gpu[1-4]:'"),
        most=-1,
    ),
    Verb(
        "list",
        "[HOST:]",
        "the runs on this machine, or on HOST, newest first",
        (_JSON, Option("--all", "", "every run; without it the newest 20", "-a")),
        ("trainwatch list", "trainwatch list --json | jq '.[0].loss'"),
    ),
    Verb(
        "stop",
        _TARGET,
        "stop a training: SIGINT as Ctrl-C, then SIGTERM, then SIGKILL",
        (
            Option("--now", "", "kill it at once"),
            Option("--grace", "SECONDS", "time to save after the interrupt (default 30)"),
        ),
        ("trainwatch stop", "trainwatch stop sft --grace 120"),
    ),
    Verb(
        "status",
        "[TARGET...]",
        "one plain picture of a run; of several a table",
        (_JSON, _GOLD, _METRIC),
        ("trainwatch status", "trainwatch status lr3 lr4 --json"),
        most=-1,
    ),
    Verb(
        "export",
        _TARGET,
        "every metric point that was read",
        (
            Option("--format", "FORMAT", "jsonl (default) or csv", choices=("jsonl", "csv")),
            Option("--output", "FILE", "write there instead of stdout", "-o"),
            _METRIC,
        ),
        ("trainwatch export --format csv -o points.csv", "trainwatch export train.log"),
    ),
    Verb(
        "diagnose",
        _TARGET,
        "the verdict with its evidence; exit code 1: something is wrong",
        (
            _JSON,
            Option("--rules", "", "print every rule with its thresholds and their sources"),
            _GOLD,
            _METRIC,
        ),
        ("trainwatch diagnose", "trainwatch diagnose output/sft --json"),
    ),
    Verb(
        "checkpoints",
        _TARGET,
        "the checkpoints; verify, compare, keep, thin them out",
        (
            _JSON,
            Option(
                "--format",
                "FORMAT",
                "json, csv or md: a table to keep",
                choices=("json", "csv", "md"),
            ),
            Option("--output", "FILE", "write it there instead of stdout; needs a format", "-o"),
            _GOLD,
            _METRIC,
        ),
        ("trainwatch checkpoints", "trainwatch checkpoints output/sft --format csv -o saves.csv"),
        verbs=browsing.VERBS,
    ),
    Verb(
        "report",
        _TARGET,
        "what ran, how it ended, the verdict, which checkpoint to keep",
        (
            Option("--format", "FORMAT", "md (default) or json", choices=("md", "json")),
            Option("--output", "FILE", "write there instead of stdout", "-o"),
            _GOLD,
            _METRIC,
        ),
        ("trainwatch report sft > sft.md", "trainwatch report --format json"),
    ),
    Verb(
        "replay",
        "JOURNAL",
        "play a recorded journal as if it were live",
        (
            Option("--speed", "X", "times as fast as it was (default 1)"),
            _NO_UI,
            _METRIC,
            *_LOOK,
        ),
        ("trainwatch replay run.tw", "trainwatch replay run.tw --speed 20"),
        least=1,
    ),
    Verb(
        "demo",
        "",
        "watch a real small training that needs nothing installed",
        (
            Option("--detach", "", "print the run id and return at once", "-d"),
            _NO_UI,
            _RECORD,
            *_LOOK,
        ),
        ("trainwatch demo", "trainwatch demo --record demo.tw"),
        most=0,
    ),
    Verb(
        "doctor",
        _TARGET,
        "what works here and what does not; what is read of a TARGET",
        (_JSON, _METRIC),
        ("trainwatch doctor", "trainwatch doctor train.log"),
    ),
    Verb(
        "config",
        "path|init|print",
        "where the settings are, a first file of them, what holds now",
        (),
        ("trainwatch config init", "trainwatch config print"),
        least=1,
        choices=("path", "init", "print"),
    ),
    Verb(
        "completion",
        "bash|zsh|fish",
        "a script that completes these words in your shell",
        (),
        (
            'eval "$(trainwatch completion bash)"',
            "trainwatch completion fish > ~/.config/fish/completions/trainwatch.fish",
        ),
        least=1,
        choices=("bash", "zsh", "fish"),
    ),
)


def verb_named(name: str) -> Verb | None:
    """The verb, or None."""
    return next((verb for verb in every() if verb.name == name), None)


def every() -> tuple[Verb, ...]:
    """All verbs, those of two words after theirs."""
    return tuple(each for verb in VERBS for each in (verb, *verb.verbs))


def parse(verb: Verb, arguments: list[str]) -> Words:
    """The words after the verb. Raises UsageError."""
    given: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
            if verb.takes_command:
                operands += rest
                break
            continue
        given.append(_read_option(verb, word, rest))
    if (HELP, "") not in given:
        _check_operands(verb, operands)
        _check_repetition(verb, given)
    return Words(verb, tuple(operands), tuple(given))


def _read_option(verb: Verb, word: str, rest: list[str]) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if word in ("-h", HELP):
        return HELP, ""
    option = next((o for o in verb.options if name in (o.name, o.short or o.name)), None)
    if option is None:
        raise UsageError(f"{verb.name} has no option {name}{_similar(name, verb)}")
    if not option.value:
        if equals:
            raise UsageError(f"{option.name} takes no value")
        return option.name, ""
    if not equals:
        if not rest or rest[0].startswith("--"):
            raise UsageError(f"{option.name} needs a value: {option.name} {option.value}")
        value = rest.pop(0)
    if option.choices and value not in option.choices:
        raise UsageError(f"{option.name} can be {_either(option.choices)}, not {value!r}")
    return option.name, value


def _check_operands(verb: Verb, operands: list[str]) -> None:
    if len(operands) < verb.least:
        raise UsageError(f"{verb.name} needs more: trainwatch {verb.name} {verb.operands}")
    if "" in operands and not verb.takes_command:
        raise UsageError(f"{verb.name}: an empty word names nothing; without any: the newest run")
    if 0 <= verb.most < len(operands):
        raise UsageError(f"{verb.name} does not take {operands[verb.most]!r}")
    for word in operands if verb.choices else ():
        if word not in verb.choices:
            raise UsageError(f"{verb.name} can be {_either(verb.choices)}, not {word!r}")


def _check_repetition(verb: Verb, given: list[tuple[str, str]]) -> None:
    names = [name for name, _ in given]
    for option in verb.options:
        if option.value and not option.many and names.count(option.name) > 1:
            raise UsageError(f"{option.name} was given twice")


def _either(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]


def _similar(name: str, verb: Verb) -> str:
    """A hint for a misspelled option; empty when nothing comes near."""
    import difflib

    near = difflib.get_close_matches(name, [option.name for option in verb.options], 1)
    return f"; did you mean {near[0]}?" if near else ""
