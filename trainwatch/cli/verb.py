"""What a verb is, and what a command line comes to."""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option of a verb."""

    name: str  # "--name"
    value: str  # what it takes, for the help: "NAME"; "" for a switch
    help: str
    short: str = ""  # "-n"
    choices: tuple[str, ...] = ()
    many: bool = False  # may be given more than once


class Verb(NamedTuple):
    """One thing that trainwatch can be told to do."""

    name: str
    operands: str  # for the help: "[TARGET]"
    summary: str
    options: tuple[Option, ...]
    examples: tuple[str, str]
    most: int = 1  # operands that may be given; -1: any number
    least: int = 0
    choices: tuple[str, ...] = ()  # what the operand may be
    takes_command: bool = False  # everything from the first operand on is a command of its own
    verbs: tuple[Verb, ...] = ()  # more that can be told it to do: "checkpoints verify"

    @property
    def last(self) -> str:
        """The last word of the name."""
        return self.name.rpartition(" ")[2]


class Words(NamedTuple):
    """A command line that makes sense."""

    verb: Verb
    operands: tuple[str, ...]
    given: tuple[tuple[str, str], ...]  # (option, value), in order

    def has(self, option: str) -> bool:
        """Whether the option was given."""
        return any(name == option for name, _ in self.given)

    def value(self, option: str) -> str | None:
        """The value of the option; the last one counts."""
        values = self.values(option)
        return values[-1] if values else None

    def values(self, option: str) -> list[str]:
        """All values of an option that may be given more than once."""
        return [value for name, value in self.given if name == option]
