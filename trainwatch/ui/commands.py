"""Every action by name: for the footer, the help, the command palette and the README's table.

The law of this file: an action is declared once, as a binding with an id on the widget that acts;
everything that lists actions is made from those. In a binding ``description`` is the word or two
for the footer (bindings that share it stand there as one), ``tooltip`` the sentence.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.app import SystemCommand
from textual.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping

    from textual.app import App
    from textual.dom import DOMNode
    from textual.screen import Screen

_SPELLED = {
    "question_mark": "?", "colon": ":", "slash": "/", "plus": "+", "minus": "-", "equals_sign": "=",
    "left_square_bracket": "[", "right_square_bracket": "]", "comma": ",", "full_stop": ".",
    "ampersand": "&", "escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓",
    "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip


_WAYS = frozenset({"next", "back", "list", "no"})
"""Words of the keys that lead on or back."""


class Action(NamedTuple):
    """Something a person can do."""

    id: str
    keys: tuple[str, ...]  # as a person reads them
    words: str
    sentence: str
    action: str


def actions(owner: type[DOMNode], keys: Mapping[str, str]) -> Iterator[Action]:
    """The actions of ``owner``, its bases first; ``keys`` are a person's own, by id."""
    for binding in (b for base in reversed(owner.__mro__) for b in vars(base).get("BINDINGS", ())):
        if isinstance(binding, Binding) and binding.id:
            pressed = keys.get(binding.id, binding.key)
            yield Action(
                binding.id,
                tuple(spelled(key.strip()) for key in pressed.split(",")),
                binding.description,
                binding.tooltip or binding.description,
                binding.action,
            )


class Shown(NamedTuple):
    """One entry of the footer."""

    keys: str
    words: str
    node: DOMNode
    action: str


def shown_keys(screen: Screen[Any]) -> list[Shown]:
    """What the footer lists, the first that fit: the application's, the way on, the rest."""
    found: dict[str, dict[str, Shown]] = {}
    active = screen.active_bindings.values()
    for node, binding, enabled, _ in sorted(
        active, key=lambda a: (a.node is not screen.app, a.binding.description not in _WAYS)
    ):
        if binding.show and enabled:
            entry = Shown(spelled(binding.key), binding.description, node, binding.action)
            found.setdefault(binding.description, {}).setdefault(binding.action, entry)
    return [_joined(list(entries.values())) for entries in found.values()]


def _joined(entries: list[Shown]) -> Shown:
    return entries[0]._replace(keys="/".join(entry.keys for entry in entries))


def spelled(key: str) -> str:
    """A key as a person reads it: ``question_mark`` is ``?``, ``ctrl+p`` is ``^p``."""
    *modifiers, name = key.split("+")
    name = _SPELLED.get(name, name)
    for modifier in reversed(modifiers):
        name = f"^{name}" if modifier == "ctrl" else f"{modifier}+{name}"
    return name


def by_name(
    nodes: Iterable[tuple[str, DOMNode]],
    keys: Mapping[str, str],
    run: Callable[[str, DOMNode], Coroutine[Any, Any, bool]],
) -> Iterator[SystemCommand]:
    """The actions of ``nodes`` for the command palette."""
    for name, node in nodes:
        for action in actions(type(node), keys):
            act = partial(run, action.action, node)
            yield SystemCommand(f"{name}: {action.sentence}", " ".join(action.keys), act)


def themes_by_name(app: App[Any]) -> Iterator[SystemCommand]:
    """The themes for the command palette."""
    for name in sorted(app.available_themes):
        yield SystemCommand(f"theme: {name}", "colours", partial(setattr, app, "theme", name))


def table(owners: Iterable[tuple[str, type[DOMNode]]]) -> str:
    """The key table of the README, in Markdown."""
    lines = ["| where | keys | what | id |", "|---|---|---|---|"]
    for where, owner in owners:
        for action in actions(owner, {}):
            keys = " ".join(f"`{key}`" for key in action.keys)
            lines.append(f"| {where} | {keys} | {action.sentence} | `{action.id}` |")
    return "\n".join(lines)
