"""What may be typed: options, targets, help, completion; and what is said about mistakes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from trainwatch.cli import completion, grammar, target, usage
from trainwatch.cli.grammar import CommandError, UsageError, Verb

# --- options --------------------------------------------------------------------------------


def parsed(*words: str) -> grammar.Words:
    verb = grammar.verb_named(words[0])
    assert verb is not None
    return grammar.parse(verb, list(words[1:]))


@pytest.mark.parametrize(
    ("words", "operands", "given"),
    [
        ("run python t.py --detach", "python t.py --detach", {}),
        ("run --detach python t.py", "python t.py", {"--detach": ""}),
        ("run -d -n sft -- --odd", "--odd", {"--detach": "", "--name": "sft"}),
        ("run --name=a=b sh -c x", "sh -c x", {"--name": "a=b"}),
        ("run sh -- -c", "sh -- -c", {}),
        ("attach sft --once", "sft", {"--once": ""}),
        ("attach -1", "", {"--once": ""}),
        ("attach -- --once", "--once", {}),
        ("stop --grace -1", "", {"--grace": "-1"}),
        ("export -o f -", "-", {"--output": "f"}),
    ],
)
def test_words_are_read(words: str, operands: str, given: dict[str, str]) -> None:
    found = parsed(*words.split())
    assert " ".join(found.operands) == operands
    assert dict(found.given) == given


def test_an_option_that_may_come_again_keeps_every_value() -> None:
    assert parsed("attach", "--metric", "a=(1)", "--metric=b=(2)").values("--metric") == [
        "a=(1)",
        "b=(2)",
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("run", "run needs more: trainwatch run [--] COMMAND..."),
        ("run --detatch x", "run has no option --detatch; did you mean --detach?"),
        ("run --name", "--name needs a value: --name NAME"),
        ("run --name --detach x", "--name needs a value: --name NAME"),
        ("run --detach=1 x", "--detach takes no value"),
        ("run --name a --name b x", "--name was given twice"),
        ("report a b", "report does not take 'b'"),
        ("export --format xml", "--format can be jsonl or csv, not 'xml'"),
        ("attach --glyphs round", "--glyphs can be braille, block or ascii, not 'round'"),
        ("completion tcsh", "completion can be bash, zsh or fish, not 'tcsh'"),
        ("replay", "replay needs more: trainwatch replay JOURNAL"),
        ("list -x", "list has no option -x"),
    ],
)
def test_a_mistake_is_named(words: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*words.split())
    assert caught.value.text == text


def test_wrong_usage_exits_with_2_and_points_at_the_help(trainwatch: Command) -> None:
    said = trainwatch("export", "--format", "xml")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        "trainwatch: --format can be jsonl or csv, not 'xml' (see: trainwatch export --help)\n"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["statsu"], "there is no command 'statsu'; did you mean: trainwatch status?"),
        (["sh", "-c", "x"], "there is no command 'sh'; did you mean: trainwatch run sh ...?"),
        (["./train.log"], "no command './train.log'; did you mean: trainwatch attach ./train.log?"),
        (["t.py"], "there is no command 't.py'; did you mean: trainwatch run t.py ...?"),
        (["--frobnicate"], "there is no option --frobnicate"),
    ],
)
def test_a_forgotten_command_is_guessed(
    words: list[str], text: str, trainwatch: Command, tmp_path: Path
) -> None:
    (tmp_path / "train.log").touch()
    (tmp_path / "t.py").touch()
    said = trainwatch(*words)
    assert said.returncode == 2
    assert text in said.stderr


# --- targets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "host", "kind", "where"),
    [
        ("", "", "run", ""),
        ("sft", "", "run", "sft"),
        ("4211", "", "pid", "4211"),
        ("./4211", "", "path", "./4211"),
        ("out/sft", "", "path", "out/sft"),
        ("~/out", "", "path", "~/out"),
        ("..", "", "path", ".."),
        ("gpu-box:", "gpu-box", "run", ""),
        ("me@gpu-box:sft", "me@gpu-box", "run", "sft"),
        ("gpu-box:/data/out", "gpu-box", "path", "/data/out"),
        ("gpu-box:4211", "gpu-box", "pid", "4211"),
        ("[::1]:out/x", "::1", "path", "out/x"),
        ("me@[fe80::1]:", "me@fe80::1", "run", ""),
        ("./a:b", "", "path", "./a:b"),
        ("out/a:b", "", "path", "out/a:b"),
        ("-", "", "stdin", "-"),
        ("tmux:%3", "", "tmux", "tmux:%3"),
        ("gpu-box:tmux:s:1.2", "gpu-box", "tmux", "tmux:s:1.2"),
        ("k8s:ns/pod", "", "k8s", "k8s:ns/pod"),
    ],
)
def test_a_target_is_read_as_scp_would(word: str, host: str, kind: str, where: str) -> None:
    assert target.parse(word) == (word, host, kind, where)


@pytest.mark.parametrize("word", [":x", "slurm:", "-oProxyCommand=x:y", "[::1", "a b:c"])
def test_an_impossible_target_is_refused(word: str) -> None:
    with pytest.raises(CommandError):
        target.parse(word)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("gpu:2222:/x", "'Host gpu' with 'Port 2222' in ~/.ssh/config, and gpu:/x here"),
        ("me@gpu:22:x", "'Host gpu' with 'Port 22' in ~/.ssh/config, and me@gpu:x here"),
        ("ssh://me@gpu/data", "such as me@gpu:/data"),
        ("::1:/x", "in brackets, as in [::1]:WHERE"),
        ("fe80::1:/x", "in brackets, as in [::1]:WHERE"),
    ],
)
def test_a_machine_named_as_elsewhere_is_told_how_it_is_named_here(word: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        target.parse(word)
    assert told in str(caught.value)


def test_a_word_with_a_colon_that_is_also_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").touch()
    with pytest.raises(UsageError, match=r"is a file here and WHERE on a host 'a': write \./a:b"):
        target.parse("a:b")


# --- help -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", grammar.VERBS, ids=lambda verb: verb.name)
def test_the_help_of_every_verb_shows_its_options_and_two_examples(verb: Verb) -> None:
    text = usage.help_of(verb)
    assert all(option.name in text for option in verb.options)
    assert len(verb.examples) == 2
    assert all(example in text for example in verb.examples)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("verb", grammar.VERBS, ids=lambda verb: verb.name)
def test_the_examples_are_right(verb: Verb) -> None:
    for example in verb.examples:
        words = example.removeprefix('eval "$(').removesuffix(')"').split()
        words = words[: next((k for k, w in enumerate(words) if w in "|>"), len(words))]
        assert words[:2] == ["trainwatch", verb.name]
        grammar.parse(verb, words[2:])


def test_the_overview_names_every_verb_on_one_line_each() -> None:
    lines = usage.overview().splitlines()
    for verb in grammar.VERBS:
        assert any(line.startswith(f"  {verb.name} ") and verb.summary in line for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "words", [["--help"], ["help"], ["run", "--help"], ["help", "run"], ["stop", "-h"]]
)
def test_help_is_an_answer(words: list[str], trainwatch: Command) -> None:
    said = trainwatch(*words)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("usage: trainwatch ")


def test_no_words_are_wrong_usage(trainwatch: Command) -> None:
    said = trainwatch()
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("usage: trainwatch ")


def test_the_help_option_of_a_command_is_its_own(trainwatch: Command) -> None:
    said = trainwatch("run", "printf", "%s|", "--help", "-h", "--", "--detach")
    assert said.stdout == "--help|-h|--|--detach|"


def test_version(trainwatch: Command) -> None:
    from trainwatch import __version__

    said = trainwatch("--version")
    assert (said.returncode, said.stdout) == (0, f"trainwatch {__version__}\n")


# --- completion -----------------------------------------------------------------------------


def completed(line: str) -> list[str]:
    """What bash would offer for the last word of ``line``."""
    words = line.split(" ")
    script = (
        f"{completion._bash()}\nCOMP_WORDS=({line if words[-1] else line + chr(39) * 2})"
        f" COMP_CWORD={len(words) - 1}\n_trainwatch\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, check=True, cwd="/", text=True
    )
    return done.stdout.split()


def test_bash_completes_verbs_options_and_choices() -> None:
    assert completed("trainwatch rep") == ["report", "replay"]
    assert completed("trainwatch run --na") == ["--name"]
    assert completed("trainwatch export --format ")[:2] == ["jsonl", "csv"]
    assert "init" in completed("trainwatch config i")
    assert "etc" in completed("trainwatch attach et")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_understood_by_its_shell(shell: str, trainwatch: Command) -> None:
    said = trainwatch("completion", shell)
    assert said.returncode == 0
    for verb in grammar.VERBS:
        assert verb.name in said.stdout
    path = next(
        (f"{d}/{shell}" for d in os.get_exec_path() if os.path.exists(f"{d}/{shell}")), None
    )
    if path is None:
        pytest.skip(f"no {shell} here")
    check = ["--no-execute"] if shell == "fish" else ["-n"]
    subprocess.run([path, *check, "/dev/stdin"], input=said.stdout, check=True, text=True)
