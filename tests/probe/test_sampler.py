"""The sampler: whatever happens to the process that asks the driver, the probe goes on."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainwatch import facts
from trainwatch.probe.devices import AbsentError, Fact, Family, RestartError
from trainwatch.probe.sampler import Sampler


def reading(index: int = 0, uuid: str = "GPU-1") -> facts.DeviceReading:
    return facts.DeviceReading(
        "test", index, uuid, "card" if uuid else "", 0.5, None, None, None, None, None, [], [], [],
        False, time.time(),
    )  # fmt: skip


class Works(Family):
    def open(self) -> None:
        pass

    def read(self, now: float) -> Iterator[facts.DeviceReading]:
        yield reading()


class Nothing(Works):
    def open(self) -> None:
        raise AbsentError("no card here", "plug one in")


class Hangs(Works):
    def read(self, now: float) -> Iterator[facts.DeviceReading]:
        yield reading()
        time.sleep(600)


class Stumbles(Works):
    """Hangs for a while, then goes on."""

    calls = 0

    def read(self, now: float) -> Iterator[facts.DeviceReading]:
        self.calls += 1
        if self.calls == 2:
            time.sleep(0.5)
        yield reading()


class Crashes(Works):
    def read(self, now: float) -> Iterator[facts.DeviceReading]:
        raise TypeError("a bug")


class Lost(Works):
    """Knows its device at first; the fresh process only knows that something is there."""

    marker = Path()

    def read(self, now: float) -> Iterator[facts.DeviceReading]:
        if self.marker.exists():
            yield reading(uuid="")
        else:
            yield reading(uuid="GPU-7")
            self.marker.touch()
            raise RestartError


Collect = Callable[..., list[Fact]]


@pytest.fixture
def sampler() -> Iterator[Callable[..., Sampler]]:
    made: list[Sampler] = []

    def make(*kinds: type[Family], silence: float = 5.0, patience: float = 20.0) -> Sampler:
        made.append(Sampler(0.01, silence, patience, list(kinds)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def until(
    sampler: Sampler, enough: Callable[[list[Fact]], bool], limit: float = 20.0
) -> list[Fact]:
    """What arrives until it is enough, driven as the probe's loop drives it."""
    found: list[Fact] = []
    deadline = time.monotonic() + limit
    while not enough(found):
        assert time.monotonic() < deadline, found
        if sampler.fileno() >= 0:
            select.select([sampler.fileno()], [], [], 0.02)
        found += sampler.read_facts()
        trouble = sampler.overdue(time.monotonic())
        found += [trouble] if trouble else []
    return found


def troubles(found: list[Fact]) -> list[str]:
    return [fact.text for fact in found if isinstance(fact, facts.Trouble)]


def readings(found: list[Fact]) -> list[facts.DeviceReading]:
    return [fact for fact in found if isinstance(fact, facts.DeviceReading)]


def child(sampler: Sampler) -> int:
    return sampler._pid


def test_readings_arrive_from_another_process(sampler: Callable[..., Sampler]) -> None:
    found = until(sampler(Works), lambda found: len(found) >= 3)
    assert {fact.busy for fact in readings(found)} == {0.5}
    assert troubles(found) == []


def test_nothing_here_is_said_once_and_leaves_no_process(sampler: Callable[..., Sampler]) -> None:
    it = sampler(Nothing)
    found = until(it, lambda _: it.fileno() < 0 and not child(it))
    assert [(f.where, f.text, f.fix) for f in found if isinstance(f, facts.Trouble)] == [
        ("devices", "no card here", "plug one in")
    ]
    it._due = 0.0  # a minute later
    again = until(it, lambda _: it.fileno() >= 0)
    again += until(it, lambda _: it.fileno() < 0 and not child(it))
    assert again == [], "the same trouble is not told again"


def test_one_family_absent_does_not_hide_another(sampler: Callable[..., Sampler]) -> None:
    found = until(sampler(Nothing, Works), bool)
    assert troubles(found) == []


def test_a_hung_driver_is_named_and_close_does_not_wait(sampler: Callable[..., Sampler]) -> None:
    it = sampler(Hangs, silence=0.3)
    began = time.monotonic()
    found = until(it, lambda found: bool(troubles(found)))
    assert time.monotonic() - began < 5
    assert readings(found), "what came before the hang is kept"
    assert troubles(found) == ["no answer from the driver for 0 s"]
    pid = child(it)
    began = time.monotonic()
    it.close()
    assert time.monotonic() - began < 0.05
    gone(pid)


def test_a_driver_that_comes_back_withdraws_the_trouble(sampler: Callable[..., Sampler]) -> None:
    found = until(
        sampler(Stumbles, silence=0.2), lambda found: len(troubles(found)) == 2 and bool(found)
    )
    assert troubles(found) == ["no answer from the driver for 0 s", ""]


def test_a_driver_that_stays_away_gets_a_fresh_process(sampler: Callable[..., Sampler]) -> None:
    it = sampler(Hangs, silence=0.1, patience=0.4)
    first = child(it)
    found = until(it, lambda found: len(readings(found)) == 2)
    assert child(it) != first
    assert troubles(found) == ["no answer from the driver for 0 s", ""]


def test_kill_9_is_survived_again_and_again(sampler: Callable[..., Sampler]) -> None:
    it = sampler(Works)
    for _ in range(20):
        until(it, lambda found: bool(readings(found)))
        os.kill(child(it), signal.SIGKILL)
        found = until(it, lambda _: it.fileno() < 0 and not child(it))
        assert troubles(found) == ["reading the devices broke off; it starts again by itself"]
        it._due = 0.0
        found = until(it, lambda found: bool(readings(found)))
        assert troubles(found) == [""]


def test_each_early_death_doubles_the_pause(sampler: Callable[..., Sampler]) -> None:
    it = sampler(Crashes)
    pauses = []
    for _ in range(9):
        until(it, lambda _: it.fileno() < 0 and not child(it))
        pauses.append(it._pause)
        it._due = 0.0
        until(it, lambda _: it.fileno() >= 0)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_lost_device_keeps_its_name_across_processes(
    sampler: Callable[..., Sampler], tmp_path: Path
) -> None:
    Lost.marker = tmp_path / "lost"
    found = until(sampler(Lost), lambda found: len(readings(found)) >= 2)
    assert [r.uuid for r in readings(found)][:2] == ["GPU-7", "GPU-7"]
    assert troubles(found) == [], "a wanted restart is no trouble"


def test_being_stopped_ourselves_is_no_silence_of_the_driver(
    sampler: Callable[..., Sampler],
) -> None:
    it = sampler(Works)
    until(it, bool)
    it.read_facts()
    assert it.overdue(time.monotonic() + 3600) is None


def test_the_child_dies_with_the_probe_and_holds_none_of_its_files(tmp_path: Path) -> None:
    held = (tmp_path / "held").open("w")
    ours, theirs = os.pipe()
    probe = os.fork()
    if probe == 0:
        try:
            it = Sampler(families=[Hangs])
            until(it, bool)
            os.write(theirs, b"%d\n" % child(it))
            time.sleep(60)
        finally:
            os._exit(1)
    pid = int(os.read(ours, 20))
    links = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert {link.split(":")[0] for link in links} == {"/dev/null", "pipe"}
    assert len(links) == 2
    os.kill(probe, signal.SIGKILL)
    os.waitpid(probe, 0)
    gone(pid)
    held.close()
    os.close(ours)
    os.close(theirs)


def gone(pid: int) -> None:
    """Wait until the process is dead (its zombie may wait for whoever inherited it)."""
    deadline = time.monotonic() + 10
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":
            return
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)
