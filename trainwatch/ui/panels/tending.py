"""What can be done with the checkpoint that a person stands on, in the list and in its details.

The law of this file: work is asked of the probe and shown when the probe tells of it; whatever
deletes or starts something is asked first, with the exact path or command.
"""

from __future__ import annotations

import os
import secrets
import shlex
import threading
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported
from textual.binding import Binding

from trainwatch import facts
from trainwatch.draw import removal, units
from trainwatch.probe import runs
from trainwatch.read.clean import clean
from trainwatch.run.advice import short
from trainwatch.run.evaluating import (
    ALL,
    against,
    beside,
    command_for,
    command_for_all,
    in_the_way,
    name_of,
    unmeasured,
)
from trainwatch.run.guards import guards
from trainwatch.run.marks import ANOTHER
from trainwatch.run.work import reach
from trainwatch.ui.messages import Copied, Questioned, Said
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.draw.rows import Row
    from trainwatch.run.checkpoints import Checkpoint

_LONGEST = 1 << 14
_MASK = "***"
"""What stands in a stored command instead of a secret."""


def keys(owner: str) -> list[Binding]:
    """The bindings; ``owner`` begins their ids."""
    return [
        Binding("c", "copy", "path", id=f"{owner}.copy", tooltip="copy its path"),
        Binding("r", "resume", "resume", id=f"{owner}.resume",
                tooltip="copy the command that continues from it"),
        Binding("R", "go_on", id=f"{owner}.go-on", show=False,
                tooltip="continue from it now, as a new run; asks"),
        Binding("v", "verify", "verify", id=f"{owner}.verify",
                tooltip="read every byte of it; again: stop"),
        Binding("K", "keep", "keep", id=f"{owner}.keep",
                tooltip="keep it out of the clean-up's reach"),
        Binding("d", "discard", "delete", id=f"{owner}.discard",
                tooltip="delete it; asks, can be undone"),
        Binding("u", "undo", id=f"{owner}.undo", show=False, tooltip="undo the last delete (30 s)"),
        Binding("x", "slim", id=f"{owner}.slim", show=False,
                tooltip="drop its optimizer state; asks"),
        Binding("e", "evaluate", id=f"{owner}.evaluate", show=False,
                tooltip="evaluate it on your gold set; asks"),
        Binding("E", "evaluate_all", id=f"{owner}.evaluate-all", show=False,
                tooltip="evaluate all on your gold set; again: stop"),
        Binding("o", "shell", id=f"{owner}.shell", show=False,
                tooltip="open a shell in its folder"),
    ]  # fmt: skip


def _end_of(pid: int) -> Callable[[float], bool]:
    """Waits for a child: at most so many seconds, and whether it has ended."""
    waiting = threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True)
    waiting.start()

    def over(seconds: float) -> bool:
        waiting.join(seconds)
        return not waiting.is_alive()

    return over


class Tending(Panel):
    """A panel in which a person stands on a checkpoint."""

    def _chosen(self) -> Checkpoint | None:
        """The one that is meant."""
        raise NotImplementedError

    def _every(self) -> Sequence[Checkpoint]:
        return self.desk.run.checkpoints.rows()

    @property
    def _over(self) -> bool:
        run = self.desk.run
        return run.ended is not None or run.target is None or run.target.pid is None

    def _say(self, text: str) -> None:
        self.tell(Said(text))

    def _job(self, action: str, path: str, names: Sequence[str] = ()) -> None:
        self.desk.send(facts.Job(secrets.token_hex(4), action, path, list(names)))

    def _ask(self, title: str, rows: list[Row], word: str, *job: str, typed: str = "") -> None:
        """Ask; on yes send the job (action, path, names...)."""
        action, path, *names = job
        self.tell(Questioned(title, rows, word, lambda: self._job(action, path, names), typed))

    # --- looking ------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Its path to the clipboard."""
        chosen = self._chosen()
        if chosen is not None:
            self.tell(Copied("path", clean(chosen.seen.path, 1 << 12)))

    def action_resume(self) -> None:
        """The command that continues from it to the clipboard."""
        chosen = self._chosen()
        if chosen is not None and chosen.resume:
            self.tell(Copied("command", clean(chosen.resume, _LONGEST)))
        elif chosen is not None:
            self._say(self._why_not(chosen))

    @staticmethod
    def _why_not(chosen: Checkpoint) -> str:
        seen = chosen.seen
        if ANOTHER in chosen.marks:
            return f"{clean(seen.name)} is another training's: this command would not go on from it"
        if seen.state != "complete":
            return f"{clean(seen.name)} is {seen.state}: nothing can go on from it"
        if seen.resumable != "full":
            return f"{clean(seen.name)} holds {'only weights' if seen.resumable == 'weights' else 'nothing to go on from'}"
        return "how to continue from it is not known for this command"

    def action_verify(self) -> None:
        """Every byte, with the probe's own eyes; a second time ends it."""
        chosen = self._chosen()
        if chosen is None:
            return
        work = self.desk.run.works.of(chosen.seen)
        if work is not None and work.ended is None:
            self.desk.send(facts.Cancel(work.job.id))
            return
        self._say(f"reading {clean(chosen.seen.name)}, {units.long_size(chosen.bytes)}; v stops it")
        self._job("verify", *reach(chosen.seen))

    def action_shell(self) -> None:
        """A shell where it lies, while the screen waits."""
        chosen = self._chosen()
        if chosen is None:
            return
        path = chosen.seen.path
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        if not self.desk.here or not os.path.isdir(folder):
            self.tell(Copied("command", f"cd {shlex.quote(clean(folder))}"))
            return
        try:
            with self.app.suspend():
                shell = os.environ.get("SHELL", "/bin/sh")
                print(f"{clean(folder)}: leave with exit to come back")  # noqa: T201 - for the person in the shell
                pid = os.spawnvpe(os.P_NOWAIT, "/bin/sh", ["sh", "-c", 'cd -- "$1" && exec "$2"', "sh", folder, shell], os.environ)  # fmt: skip
                self.desk.attend(_end_of(pid))
        except SuspendNotSupported:
            self._say(f"this terminal cannot wait for a shell: cd {clean(folder)}")

    # --- changing -----------------------------------------------------------------------------

    def action_go_on(self) -> None:
        """Continue from it as a new run."""
        chosen, target = self._chosen(), self.desk.run.target
        if chosen is None or target is None:
            return
        command = chosen.resume
        if command is None:
            self._say(self._why_not(chosen))
            return
        if _MASK in command:
            self._say(
                "the command holds a secret, which is not stored: copy it with r and fill it in"
            )
            return
        if not self._over:
            self._say("the training still runs: stop it first (Q), or use r")
            return
        shown: list[Row] = [
            [("starts, detached, in ", "dim"), (clean(target.cwd), "value")],
            [(clean(command, _LONGEST), "accent")],
        ]
        request = facts.Launch(shlex.split(command), target.cwd, "", False)
        self.tell(Questioned("go on from it", shown, "start it", lambda: self.desk.send(request)))

    def action_evaluate(self) -> None:
        """Run the person's own evaluation on it, after a question."""
        chosen, run = self._chosen(), self.desk.run
        if chosen is None or run.target is None:
            return
        try:
            command = command_for(self.desk.gold_command, chosen.seen)
        except ValueError as error:
            self._say(clean(str(error), 400))
            return
        why = against(chosen.seen, [r.name for r in self._going()])
        if why:
            self._say(clean(why))
            return
        shown: list[Row] = [[(clean(shlex.join(command), _LONGEST), "accent")]]
        request = facts.Launch(command, run.target.cwd, name_of(chosen.seen), False)
        self._ask_to_evaluate(clean(chosen.seen.name), shown, request, short(chosen))

    def action_evaluate_all(self) -> None:
        """Those without a result, one after the other; while that goes on, ask to end it."""
        target, running = self.desk.run.target, self._going()
        going = next((r for r in running if r.name == ALL), None)
        left = unmeasured(self._every())
        if going is not None:
            self._ask_to_stop(going, len(left))
            return
        why = beside([r.name for r in running])
        if target is None or why:
            self._say(clean(why))
            return
        try:
            command = command_for_all(self.desk.gold_command, left)
        except ValueError as error:
            self._say(clean(str(error), 400))
            return
        names = clean(", ".join(seen.name for seen in left))
        shown: list[Row] = [[(names, "accent")], [("one after the other; E stops it", "dim")]]
        request = facts.Launch(command, target.cwd, ALL, False)
        self._ask_to_evaluate(f"{len(left)} checkpoints", shown, request, str(len(left)))

    def _going(self) -> list[runs.Run]:
        return [r for r in runs.every() if r.state == "running"] if self.desk.here else []

    def _ask_to_evaluate(
        self, what: str, rows: list[Row], request: facts.Launch, typed: str
    ) -> None:
        """Ask; where the training would suffer, ``typed`` has to be typed."""
        where: Row = [("starts, detached, in ", "dim"), (clean(request.cwd), "value")]
        harm = in_the_way(self.desk.run)
        shown = [where, *rows]
        if harm:
            shown.append([(harm, "critical")])
        self.tell(
            Questioned(
                f"evaluate {what}", shown, "start it", lambda: self.desk.send(request),
                typed if harm else "",
            )
        )  # fmt: skip

    def _ask_to_stop(self, run: runs.Run, left: int) -> None:
        rows: list[Row] = [[(f"{left} checkpoints have no result yet", "value")]]
        if run.meta is not None:
            rows.insert(0, [("it runs in ", "dim"), (clean(run.meta.cwd), "value")])
        request = facts.Stop(run.id, False, self.desk.options.grace)
        self.tell(Questioned("stop evaluating", rows, "stop it", lambda: self.desk.send(request)))

    def action_keep(self) -> None:
        """A copy where no clean-up looks."""
        chosen = self._chosen()
        if chosen is None:
            return
        hard = [g.text for g in guards(chosen, self._every(), self._over) if g.hard]
        if "kept" in chosen.marks:
            self._say(f"{clean(chosen.seen.name)} is kept already")
        elif hard:
            self._say(f"{clean(chosen.seen.name)} cannot be kept: {hard[0]}")
        else:
            self._job("keep", chosen.seen.path)

    def action_discard(self) -> None:
        """Into the trash, after a question."""
        chosen = self._chosen()
        if chosen is None:
            return
        name = clean(chosen.seen.name)
        against = guards(chosen, self._every(), self._over)
        if any(guard.hard for guard in against):
            self._say(f"{name} stays: {against[0].text}")
            return
        rows = removal.of_one(chosen, against)
        rows.append([("u brings it back for 30 s", "dim")])
        typed = short(chosen) if against else ""
        self._ask(f"delete {name}", rows, "delete it", "discard", chosen.seen.path, typed=typed)

    def action_slim(self) -> None:
        """Its optimizer state into the trash, after a question."""
        chosen = self._chosen()
        if chosen is None:
            return
        name, names = clean(chosen.seen.name), removal.optimizer_files(chosen)
        against = guards(chosen, self._every(), self._over)
        if not names:
            self._say(f"{name} holds no optimizer state of its own")
        elif any(guard.hard for guard in against):
            self._say(f"{name} stays as it is: {against[0].text}")
        else:
            newest = any("resumed" in guard.text for guard in against)
            rows = removal.of_optimizer(chosen)
            if newest:
                rows.append([("but it is the newest that can be resumed from", "critical")])
            self._ask(
                f"slim {name}", rows, "drop it", "discard", chosen.seen.path, *names,
                typed=short(chosen) if newest else "",
            )  # fmt: skip

    def action_undo(self) -> None:
        """Bring the last thing back."""
        work = self.desk.run.works.undoable
        if work is None or work.ended is None:
            self._say("nothing is in the trash")
        else:
            self._job("restore", work.ended.path)
