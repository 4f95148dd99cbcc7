"""A screen fed with everything a terminal could be attacked with: ``python -m tests.ui.hostile``.

Run on a pty by test_terminal_safety.py. Every text that comes from elsewhere carries every payload
in turn, and every page that shows such a text is opened. Each payload contains the canary.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from textual.pilot import Pilot

from tests.ui import scenes
from tests.ui.fakes import FakeLink
from tests.ui.stage import Stage
from trainwatch import facts
from trainwatch.read.records import CheckpointFile, CheckpointsSeen, Notice
from trainwatch.run.session import Session
from trainwatch.ui.app import Options, Watched, farewell
from trainwatch.ui.monitor import Monitor
from trainwatch.ui.pump import Pump

CANARY = "cAnArY"
PAYLOADS = {
    "title": "\x1b]0;{}\x07",
    "title, C1": "\x9d0;{}\x9c",
    "clipboard": "\x1b]52;c;{}\x1b\\",
    "link": "\x1b]8;;http://x/{}\x1b\\x\x1b]8;;\x1b\\",
    "palette": "\x1b]4;1;{}\x07",
    "notification": "\x1b]777;notify;{};x\x07",
    "device control": "\x1bP{}\x1b\\",
    "device control, C1": "\x90{}\x9c",
    "application": "\x1b_{}\x1b\\",
    "privacy": "\x1b^{}\x1b\\",
    "string": "\x1bX{}\x1b\\",
    "unterminated": "\x1b]0;{}",
    "half a sequence": "{}\x1b[",
    "colour left on": "\x1b[31m{}",
    "sequence, C1": "\x9b31m{}",
    "clear": "\x1b[2J\x1b[H{}",
    "status report": "\x1b[6n{}",
    "attributes": "\x1b[c\x1b[>c\x1bZ{}",
    "mouse on": "\x1b[?1000h\x1b[?1003h{}",
    "normal screen": "\x1b[?1049l{}",
    "reset": "\x1bc{}",
    "character set": "\x1b(0{}\x0e",
    "scroll region": "\x1b[1;2r{}\x1bM",
    "insert mode": "\x1b[4h{}",
    "keyboard": "\x1b[>31u{}",
    "bell, backspace, delete": "\x07\x08\x7f{}\x00\x05",
    "line feeds": "\r\n\v\f{}\x85\u2028\u2029",
    "bidirectional": "\u202e{}\u2066\u2069\u200f",
    "invisible": "\u200b\ufeff\u00ad\U000e0041{}",
    "marks": "{}" + "\u0301" * 400,
    "wide": "漢字{}👩‍👩‍👧",
    "surrogate": "\ud83d{}\udcff",
    "long": "{}" + "x" * 20000,
    "escape, twice": "\x1b\x1b]0;{}\x1b\x1b\\",
}


def told(text: str, n: int) -> list[Any]:
    """Facts and records in which everything foreign is ``text``."""
    at = scenes.BEGUN + 600 + n
    file = CheckpointFile(text, 1, "weights")
    checkpoint = scenes.checkpoint(
        800, "incomplete", path=f"/w/{text}", name=text, reason=text, files=(file,), layout=text,
        metrics=((text, 1.0),), facts=((text, text),), resumable="full",
    )  # fmt: skip
    gpu = scenes.gpu(0, at, 0.5, name=text, throttle=[text], faults=[("power", text), (text, text)])
    return [
        scenes.hello()._replace(host=text, python=text, system=text),
        facts.Target(
            "run", text, text, [text, text], text, text, text, 4211, scenes.BEGUN, ["output.log"],
            [text], text, at,
        ),
        facts.Trouble(text, text, text, at),
        facts.Trouble("devices", text, text, at),
        gpu,
        gpu._replace(index=1, uuid="b", faults=[("*", text)]),
        facts.MachineReading(4, 1.0, 1, 2, text, 1, 2, at),
        facts.ProcessReading(4211, text, 1.0, 1, [4211], at),
        facts.Answer(True, False, text, at),
        CheckpointsSeen(text, (checkpoint, scenes.checkpoint(1200)), ((text, text),), at),
        Notice("traceback", text, "output.log", 0, at),
    ]  # fmt: skip


def log(text: str) -> bytes:
    """Lines with the payload as words, as a metric's name, and as a progress bar."""
    line = text.replace("\n", " ")
    lines = f"{line}\n{{'loss': '0.5', '{line}': '1.5', 'epoch': '1.3'}}\n{line}=1.25 step 7\n"
    return (lines + f"\r{line}: 10%|#| 1/10 [00:01<00:09, 1.0it/s]").encode(
        "utf-8", "surrogatepass"
    )


async def show(pilot: Pilot[Any], link: FakeLink, session: Session, app: Monitor) -> None:
    """Every payload on every page."""
    stage = Stage(pilot, link, app, session)
    place = 1 << 20
    for n, payload in enumerate(PAYLOADS.values()):
        text = payload.format(CANARY)
        data = log(text)
        await stage.say(facts.Gap("output.log", place, text, scenes.BEGUN + n))
        await stage.say(
            facts.Chunk("output.log", place, data, scenes.BEGUN + 600 + n), *told(text, n)
        )
        place += len(data) + 1
        await stage.press("2", "enter", "escape", "3", "home", "c", "r", "enter", "escape")
        await stage.press(
            "4", "enter", "escape", "5", "enter", "escape", "6", "enter", "escape", "c"
        )
        await stage.press("m", "escape", "Q", "escape", "escape", "tab", "f", "f", "1")
        app.first.keys.say(text)
        await stage.settled()
        await stage.press("slash", *CANARY, "enter", "n", "N", "end")
    await stage.say(facts.Ended(None, 9, PAYLOADS["title"].format(CANARY), scenes.BEGUN + 900))
    for _ in range(3):  # whatever is still open; what is typed into a prompt leads nowhere
        await stage.press("escape")
    await stage.press("q")


def main() -> None:
    link, session = FakeLink(*scenes.running(400)), Session()
    options = Options(target=PAYLOADS["title"].format(CANARY))
    watched = Watched(link, session, options)
    pump = Pump([watched.intake])
    pump.open()
    app = Monitor([watched], pump)
    app.run(auto_pilot=lambda pilot: show(pilot, link, session, app))
    for line in farewell(session.run, options, ValueError(options.target)):
        print(line)
    sys.stdout.flush()
    os._exit(7 if app.failure or app.slips else 0)


if __name__ == "__main__":
    main()
