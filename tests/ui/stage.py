"""The real application on a terminal without a screen, fed by a link without a probe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot

from tests.ui.conftest import screen_text
from tests.ui.fakes import FakeLink
from trainwatch.run.run import Run
from trainwatch.run.session import Session
from trainwatch.ui.app import Options, Watched
from trainwatch.ui.monitor import Monitor
from trainwatch.ui.pump import Intake, Pump
from trainwatch.ui.screens.watch import WatchScreen

HOPS = 6
"""From a panel to the application and back, a message passes so many queues."""


class Stage:
    """What a test needs of a running screen."""

    def __init__(self, pilot: Pilot[Any], link: FakeLink, app: Monitor, session: Session) -> None:
        self.pilot = pilot
        self.link = link
        self.app = app
        self.session = session
        self.forgiven = False
        """Whether this test makes something go wrong."""

    @property
    def run(self) -> Run:
        return self.session.run

    @property
    def watching(self) -> WatchScreen:
        """The screen of the run."""
        assert isinstance(self.app.first, WatchScreen)
        return self.app.first

    @property
    def text(self) -> str:
        return screen_text(self.app)

    @property
    def keys(self) -> str:
        """The last line."""
        return self.text.split("\n")[-1]

    async def press(self, *keys: str) -> None:
        """Keys as a fast typist presses them: nothing is waited for in between."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            event = events.Key(name, key_to_character(name))
            event.set_sender(self.app)
            assert self.app._driver is not None
            self.app._driver.send_message(event)
        await self.settled()

    async def say(self, *facts: Any) -> None:
        """Facts arrive, and have been drawn when this returns."""
        self.link.say(*facts)
        await self.settled()

    async def settled(self) -> None:
        """Every fact is read, every message is handled, everything is painted."""
        await self.until(lambda: not self.link.waiting and not self.app.pump.busy)
        for _ in range(HOPS):
            await self.pilot._wait_for_screen()
        self.app.screen._on_timer_update()

    async def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain:\n{self.text}"
            await asyncio.sleep(0.002)

    async def shows(self, *words: str) -> None:
        """Wait until every word stands on the screen."""
        await self.until(lambda: all(word in self.text for word in words))


@asynccontextmanager
async def watching(
    facts: list[Any], size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[Stage]:
    """The screen with ``facts`` read and drawn; its time stands still at the last of them."""
    link, session = FakeLink(*facts), Session()
    chosen = Options(**{"target": "sft-out", **options})
    watched = Watched(link, session, chosen)
    watched.intake = Intake(link, session, replay=True)
    pump = Pump([watched.intake])
    pump.open()
    link.closed = True
    app = Monitor([watched], pump)
    async with app.run_test(size=size) as pilot:
        stage = Stage(pilot, link, app, session)
        await stage.settled()
        await stage.until(lambda: app.screen.focused)  # a panel without room has it a little later
        await stage.settled()
        yield stage
        pump.stop()
        assert stage.forgiven or not app.slips, app.slips
