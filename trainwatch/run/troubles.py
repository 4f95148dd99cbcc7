"""What does not work at the moment.

The law of this file: one trouble per place; an empty text withdraws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainwatch.facts import Trouble


class Troubles(Mapping[str, Trouble]):
    """The open troubles by place ("devices", "stream:output.log", "link", ...)."""

    def __init__(self) -> None:
        self._open: dict[str, Trouble] = {}

    def apply(self, trouble: Trouble) -> None:
        """A trouble came or went. One that is told again goes on since it began."""
        if trouble.text:
            known = self._open.get(trouble.where)
            self._open[trouble.where] = trouble._replace(at=known.at) if known else trouble
        else:
            self._open.pop(trouble.where, None)

    def under(self, prefix: str) -> Trouble | None:
        """The first open trouble whose place begins with ``prefix``."""
        return next((t for w, t in self._open.items() if w.startswith(prefix)), None)

    def __getitem__(self, where: str) -> Trouble:
        return self._open[where]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)
