"""Keys in the order in which they were typed, however fast.

The law of this file: all that a key does is done before the next one is heard. Textual sends a key
to the widget that is focused when it arrives, and looks up what it means when it has bubbled back:
a key typed ahead of a page that opens or closes would be meant for another one, or be lost with it.
"""
# ruff: noqa: SLF001 - Textual's own steps from a key to what it does, taken one after the other

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Iterable

    from textual.widget import Widget


class Keyboard(App[int]):
    """An application that hears one key after the other."""

    async def on_event(self, event: events.Event) -> None:
        """What is typed is heard here; everything else goes Textual's way."""
        if not isinstance(event, events.Key | events.Paste):
            await super().on_event(event)
        elif not self._exit:
            self.app_focus = True
            stands: Event = self.screen._mounted_event  # the key before this one may have opened it
            await stands.wait()
            await self._heard(event)

    async def _heard(self, event: events.Key | events.Paste) -> None:
        """A key of the screen, a part of a line being typed, or a key of the focused panel."""
        key = event.key if isinstance(event, events.Key) else None
        if key is not None and await self._check_bindings(key, priority=True):
            return
        widget = self.focused
        if widget is not None and _takes(widget, event):
            event.stop()
            with widget._context():
                await widget._dispatch_message(event)
        elif key is not None:
            await self._check_bindings(key)


def _takes(widget: Widget, event: events.Key | events.Paste) -> bool:
    """Whether it is text for the widget."""
    return isinstance(event, events.Paste) or widget.check_consume_key(event.key, event.character)


_SIGNS = frozenset(f"\x1b{key}" for key in "0123456789-=")
"""What Textual takes for a sign typed with a Mac's Option key."""


class Escaping(XTermParser):
    """Escape and a key right after it are two keys. Textual takes them for one with Alt, or drops Escape."""

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if alt or sequence in _SIGNS:
            yield events.Key("escape", "\x1b")
            sequence = sequence[-1]
        yield from super()._sequence_to_key_events(sequence)


def escape_is_a_key() -> None:
    """From now on the terminal is read so; nobody may have bound a key with Alt."""
    setattr(linux_driver, "XTermParser", Escaping)  # noqa: B010 - Textual has no place to say it
