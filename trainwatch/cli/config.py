"""Settings: flag over environment over file over default.

The law of this file: what is asked for is checked where it was written, and the sentence about a
mistake names the place. Every setting stands once in ``SETTINGS``, from which the file that
``config init`` writes, the environment names and the checks are all made.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.cli.grammar import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainwatch.cli.grammar import Words


class ConfigError(CommandError):
    """A setting is wrong; one sentence says which, where and what it can be."""


@dataclass(frozen=True)
class Config:
    """Every setting. The defaults are the field defaults."""

    theme: str = "dark"
    glyphs: str = "auto"
    mouse: bool = True
    smoothing: float = 0.6
    grace: float = 30.0
    bell: bool = False
    desktop: str = "off"
    webhook: str = ""
    on_alert: tuple[str, ...] = ()
    every: float = 300.0
    gold: tuple[str, ...] = ()
    gold_command: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)  # binding id -> keys
    metrics: Mapping[str, str] = field(default_factory=dict)  # name -> regular expression
    rules: Mapping[str, float] = field(default_factory=dict)  # threshold of the diagnosis -> value
    origins: Mapping[str, str] = field(default_factory=dict)  # setting -> where its value is from


class Setting(NamedTuple):
    """One setting and what it can be."""

    name: str  # of the field
    table: str  # in the file
    help: str
    choices: tuple[str, ...] = ()
    least: float = 0.0
    most: float = float("inf")
    begins: str = ""  # of a text that is set

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"TRAINWATCH_{self.name.upper()}"


SETTINGS = (
    Setting(
        "theme",
        "screen",
        "colours of the screen",
        choices=("dark", "light", "high-contrast", "colour-blind", "terminal"),
    ),
    Setting(
        "glyphs",
        "screen",
        "what charts are drawn with; auto looks at the terminal",
        choices=("auto", "braille", "block", "ascii"),
    ),
    Setting("mouse", "screen", "zoom, scroll and point with the mouse"),
    Setting("smoothing", "screen", "of the loss curve: 0 is raw, 0.99 very smooth", most=0.999),
    Setting("grace", "stop", "seconds between the interrupt and SIGTERM"),
    Setting("bell", "alerts", "ring the terminal's bell"),
    Setting(
        "desktop",
        "alerts",
        "notification by the terminal; auto where it is known to show them",
        choices=("off", "auto", "osc9", "osc777"),
    ),
    Setting("webhook", "alerts", "http(s) address that gets each alert as JSON", begins="http"),
    Setting(
        "on_alert",
        "alerts",
        'command of your own, as a list: ["notify-send", "training"]; JSON on stdin',
    ),
    Setting("every", "alerts", "seconds before the same alert is delivered again"),
    Setting("gold", "worth", "results of your gold set: files, or folders of them"),
    Setting(
        "gold_command",
        "worth",
        "evaluates one checkpoint: python eval.py {checkpoint}",
    ),
)
_FREE_TABLES = {
    "metrics": "your own metrics: loss = 'my loss is ([0-9.]+)'; the group is the number",
    "rules": "thresholds of the diagnosis: overfit_rise = 0.05; trainwatch diagnose --rules lists all",
    "keys": 'other keys for an action: "log.search" = "slash,f"; ? in the screen shows the names',
}


def path() -> Path:
    """The configuration file, whether it exists or not."""
    chosen = os.environ.get("TRAINWATCH_CONFIG")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path.home() / ".config"
    return home / "trainwatch" / "config.toml"


def load(flags: Mapping[str, str]) -> Config:
    """The settings that hold. Raises ConfigError."""
    config = Config(origins={setting.name: "default" for setting in SETTINGS})
    file = path()
    if file.exists():
        config = _from_file(config, file)
    for setting in SETTINGS:
        value = os.environ.get(setting.variable)
        if value is not None:
            config = _set(config, setting, _typed(setting, value), setting.variable)
    for setting in SETTINGS:
        value = flags.get(setting.name)
        if value is not None:
            option = f"--{setting.name}"
            config = _set(config, setting, _typed(setting, value), option)
    return config


def do_config(words: Words) -> int:
    """``trainwatch config path|init|print``."""
    what = words.operands[0]
    if what == "path":
        sys.stdout.write(f"{path()}\n")
    elif what == "print":
        sys.stdout.write(shown(load({})))
    else:
        _init(path())
    return 0


def _init(file: Path) -> None:
    """Write a first configuration file; an existing one is not touched."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(template())
    except FileExistsError as error:
        raise ConfigError(f"{file} exists already") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    sys.stderr.write(f"trainwatch: wrote {file}\n")


# --- the file -------------------------------------------------------------------------------


def _from_file(config: Config, file: Path) -> Config:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {_reason(error)}") from error
    content = _parse(file, text)
    for table, values in content.items():
        known = [s for s in SETTINGS if s.table == table]
        if not known and table not in _FREE_TABLES:
            tables = ", ".join([*dict.fromkeys(s.table for s in SETTINGS), *_FREE_TABLES])
            raise ConfigError(f"{_place(file, text, table)}: no such table (there are {tables})")
        if not isinstance(values, dict):
            raise ConfigError(f"{_place(file, text, table)}: {table} must be a table, [{table}]")
        if known:
            config = _known_table(config, known, values, file, text)
        elif table == "rules":
            config = replace(config, rules=_rules(values, file, text))
        else:
            config = _free_table(config, table, values, file, text)
    return config


def _parse(file: Path, text: str) -> dict[str, object]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    return content


def _known_table(
    config: Config, known: list[Setting], values: dict[str, object], file: Path, text: str
) -> Config:
    for name, value in values.items():
        where = _place(file, text, known[0].table, name)
        setting = next((s for s in known if s.name == name), None)
        if setting is None:
            names = ", ".join(s.name for s in known)
            raise ConfigError(f"{where}: no such setting (there are {names})")
        config = _set(config, setting, value, where)
    return config


def _free_table(
    config: Config, table: str, values: dict[str, object], file: Path, text: str
) -> Config:
    found = {}
    for name, value in _flat(values):
        where = _place(file, text, table, name)
        if not isinstance(value, str):
            raise ConfigError(f"{where}: must be a text in quotes, not {value!r}")
        wrong = wrong_pattern(value) if table == "metrics" else ""
        if wrong:
            raise ConfigError(f"{where}: {value!r} is no regular expression: {wrong}")
        found[name] = value
    return replace(config, metrics=found) if table == "metrics" else replace(config, keys=found)


def _rules(values: dict[str, object], file: Path, text: str) -> dict[str, float]:
    from trainwatch.run.limits import configured

    found: dict[str, float] = {}
    for name, value in values.items():
        where = _place(file, text, "rules", name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{where}: must be a number, not {value!r}")
        found[name] = float(value)
        try:
            configured({name: found[name]})
        except ValueError as error:
            raise ConfigError(f"{where}: {error}") from error
    return found


def wrong_pattern(pattern: str) -> str:
    """What is wrong with a regular expression; empty when nothing is."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def _flat(values: dict[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """``log.search = "f"`` is a table in a table for TOML, and one name for us."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def _place(file: Path, text: str, table: str, name: str = "") -> str:
    """``FILE, line N: table.name``: TOML's reader tells no lines, so the line is looked for."""
    inside = ""
    last = name.rpartition(".")[2]
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if head:
            inside = head[1].replace('"', "")
            if not name and inside.partition(".")[0] == table:
                return f"{file}, line {number}: [{table}]"
            continue
        key = re.match(r"\s*([^=#]+?)\s*=", line)
        full = ".".join(filter(None, (inside, key[1].replace('"', "") if key else "")))
        if key and full == ".".join(filter(None, (table, name))):
            return f"{file}, line {number}: {last or table}"
    return f"{file}: {'.'.join(filter(None, (table, name)))}"


# --- values ---------------------------------------------------------------------------------


def _set(config: Config, setting: Setting, value: object, where: str) -> Config:
    """The configuration with one value changed, if it is a possible one."""
    wanted = type(getattr(config, setting.name))
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if wanted is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = tuple(value)
    if not isinstance(value, wanted):
        raise ConfigError(f"{where}: must be {_KINDS[wanted]}, not {value!r}")
    if setting.choices and value not in setting.choices:
        raise ConfigError(f"{where}: must be one of {', '.join(setting.choices)}, not {value!r}")
    if value and setting.begins and not re.match(rf"{setting.begins}s?://\S+$", str(value)):
        raise ConfigError(f"{where}: must begin with {setting.begins}(s)://, not {value!r}")
    if isinstance(value, float) and not setting.least <= value <= setting.most:
        limits = f"at least {setting.least:g}"
        if setting.most != float("inf"):
            limits += f" and at most {setting.most:g}"
        raise ConfigError(f"{where}: must be {limits}, not {value:g}")
    origins = {**config.origins, setting.name: where}
    return replace(config, origins=origins, **{setting.name: value})


_KINDS: Mapping[type, str] = {
    str: "a text in quotes",
    bool: "true or false",
    float: "a number",
    tuple: "a list of texts",
}


def _typed(setting: Setting, text: str) -> object:
    """A word from the command line or the environment as the type that the setting has."""
    default = getattr(Config(), setting.name)
    if isinstance(default, bool):
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
            text.lower(), text
        )
    if isinstance(default, float):
        try:
            return float(text)
        except ValueError:
            return text
    if isinstance(default, tuple):
        return tuple(shlex.split(text))
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "it is not UTF-8 text"


# --- showing it -----------------------------------------------------------------------------


def template() -> str:
    """A first configuration file: every setting with its default, commented out."""
    lines = [
        "# Configuration of trainwatch. A flag or an environment variable beats this file.",
        "",
    ]
    for table in dict.fromkeys(setting.table for setting in SETTINGS):
        lines.append(f"[{table}]")
        for setting in (s for s in SETTINGS if s.table == table):
            choices = f": {', '.join(setting.choices)}" if setting.choices else ""
            lines.append(f"# {setting.help}{choices}")
            lines.append(f"# {setting.name} = {_toml(getattr(Config(), setting.name))}")
        lines.append("")
    for table, help_ in _FREE_TABLES.items():
        lines += [f"[{table}]", f"# {help_}", ""]
    return "\n".join(lines)


def shown(config: Config) -> str:
    """The settings that hold, as TOML, with where each comes from."""
    lines = []
    for table in dict.fromkeys(setting.table for setting in SETTINGS):
        lines.append(f"[{table}]")
        for setting in (s for s in SETTINGS if s.table == table):
            line = f"{setting.name} = {_toml(getattr(config, setting.name))}"
            lines.append(f"{line:<24}  # {config.origins[setting.name]}")
        lines.append("")
    for table in _FREE_TABLES:
        lines.append(f"[{table}]")
        free: Mapping[str, object] = getattr(config, table)
        lines += [f"{_toml(n)} = {_toml(v)}" for n, v in free.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
