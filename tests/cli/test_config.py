"""Settings: flag over environment over file over default, and mistakes named with their line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from trainwatch.cli import config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("TRAINWATCH_CONFIG", str(path))
    for setting in config.SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    return path


def test_without_anything_the_defaults_hold(file: Path) -> None:
    found = config.load({})
    assert (found.theme, found.glyphs, found.mouse) == ("dark", "auto", True)
    assert set(found.origins.values()) == {"default"}


def test_flag_beats_environment_beats_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('[screen]\ntheme = "light"\nsmoothing = 0\nmouse = false\n[stop]\ngrace = 60\n')
    assert config.load({}).theme == "light"
    assert (config.load({}).smoothing, config.load({}).grace) == (0.0, 60.0)
    assert not config.load({}).mouse
    monkeypatch.setenv("TRAINWATCH_THEME", "high-contrast")
    monkeypatch.setenv("TRAINWATCH_MOUSE", "1")
    assert (config.load({}).theme, config.load({}).mouse) == ("high-contrast", True)
    found = config.load({"theme": "colour-blind"})
    assert found.theme == "colour-blind"
    assert found.origins["theme"] == "--theme"
    assert found.origins["mouse"] == "TRAINWATCH_MOUSE"
    assert found.origins["grace"] == f"{file}, line 6: grace"


def test_keys_may_be_dotted_or_quoted(file: Path) -> None:
    file.write_text('[keys]\n"log.search" = "f"\nchart.log = "y"\n')
    found = config.load({})
    assert found.keys == {"log.search": "f", "chart.log": "y"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[scren]\n",
            "line 1: [scren]: no such table (there are screen, stop, alerts, worth, metrics, rules, keys)",
        ),
        (
            "theme = 1\n",
            "line 1: theme: no such table (there are screen, stop, alerts, worth, metrics, rules, keys)",
        ),
        ("screen = 1\n", "line 1: screen: screen must be a table, [screen]"),
        (
            "[screen]\n# x\ntheem = 1\n",
            "line 3: theem: no such setting (there are theme, glyphs, mouse, smoothing)",
        ),
        ("[screen]\nmouse = 1\n", "line 2: mouse: must be true or false, not 1"),
        ('[screen]\nsmoothing = "x"\n', "line 2: smoothing: must be a number, not 'x'"),
        (
            "[screen]\nsmoothing = 7\n",
            "line 2: smoothing: must be at least 0 and at most 0.999, not 7",
        ),
        ("[stop]\n\ngrace = -1\n", "line 3: grace: must be at least 0, not -1"),
        ("screen.mouse = 3\n", "line 1: mouse: must be true or false, not 3"),
        ('[keys]\n"log.top" = 1\n', "line 2: top: must be a text in quotes, not 1"),
        (
            "[rules]\noverfit_rize = 0.1\n",
            "line 2: overfit_rize: there is no threshold called overfit_rize; did you mean overfit_rise?",
        ),
        ('[alerts]\non_alert = "x"\n', "line 2: on_alert: must be a list of texts, not 'x'"),
        (
            '[alerts]\nwebhook = "file:///etc"\n',
            "line 2: webhook: must begin with http(s)://, not 'file:///etc'",
        ),
        ("[rules]\noverfit_rise = '5 %'\n", "line 2: overfit_rise: must be a number, not '5 %'"),
        (
            "[rules]\noverfit_rise = -1\n",
            "line 2: overfit_rise: a threshold is a number from 0 on, not -1",
        ),
        (
            "[metrics]\nx = '(a'\n",
            "line 2: x: '(a' is no regular expression: missing ), unterminated subpattern at position 0",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)
    with pytest.raises(config.ConfigError) as caught:
        config.load({})
    assert caught.value.text.startswith(f"{file}, {sentence}")
    assert caught.value.code == 2


@pytest.mark.parametrize("text", [b"[screen\n", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(file: Path, text: bytes) -> None:
    file.write_bytes(text)
    with pytest.raises(config.ConfigError, match=str(file)):
        config.load({})


@pytest.mark.parametrize("value", ["blue", ""])
def test_a_wrong_variable_is_named(file: Path, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWATCH_THEME", value)
    with pytest.raises(config.ConfigError, match="TRAINWATCH_THEME: must be one of dark, light"):
        config.load({})


def test_the_first_file_holds_every_setting_and_changes_none(file: Path) -> None:
    file.write_text(config.template())
    assert config.load({}) == config.Config(origins=config.load({}).origins)
    uncommented = config.template().replace("# theme", "theme").replace("# grace", "grace")
    file.write_text(uncommented)
    assert config.load({}).origins["theme"].startswith(str(file))
    for setting in config.SETTINGS:
        assert f"# {setting.name} = " in config.template()


def test_what_is_printed_is_toml_with_the_same_values(file: Path) -> None:
    file.write_text('[keys]\n"a.b" = "x\\\\\\"y"\n[screen]\ntheme = "light"\n')
    found = config.load({})
    again = tomllib.loads(config.shown(found))
    assert again["keys"] == {"a.b": 'x\\"y'}
    assert again["screen"]["theme"] == "light"


def test_the_verb_shows_makes_and_prints(trainwatch: Command, tmp_path: Path) -> None:
    path = str(tmp_path / "folder" / "c.toml")
    assert trainwatch("config", "path", TRAINWATCH_CONFIG=path).stdout == path + "\n"
    assert trainwatch("config", "init", TRAINWATCH_CONFIG=path).returncode == 0
    again = trainwatch("config", "init", TRAINWATCH_CONFIG=path)
    assert (again.returncode, again.stderr) == (2, f"trainwatch: {path} exists already\n")
    shown = trainwatch("config", "print", TRAINWATCH_CONFIG=path, TRAINWATCH_THEME="light")
    assert 'theme = "light"           # TRAINWATCH_THEME' in shown.stdout


def test_a_mistake_stops_a_look_but_never_a_training(trainwatch: Command, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[screen]\nmouse = 3\n")
    look = trainwatch("status", TRAINWATCH_CONFIG=str(path))
    assert look.returncode == 2
    assert look.stderr == f"trainwatch: {path}, line 2: mouse: must be true or false, not 3\n"
    ran = trainwatch("run", "echo", "hello", TRAINWATCH_CONFIG=str(path))
    assert (ran.returncode, ran.stdout) == (0, "hello\n")
    assert "line 2: mouse: must be true or false, not 3; going on with the defaults" in ran.stderr
