"""The pump: facts in, topics out, keys never starved."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest

from tests.ui.fakes import FakeLink
from trainwatch import facts
from trainwatch.run.topics import Topic
from trainwatch.ui import pump as pump_module
from trainwatch.ui.pump import BITE, Intake, Pump, bites


class Sink:
    """A session that remembers what it was fed."""

    def __init__(self, cost: float = 0.0) -> None:
        self.fed: list[Any] = []
        self.wanted: list[facts.Read] = []
        self._cost = cost

    def feed(self, fact: Any, /) -> Topic:
        if isinstance(fact, facts.Trouble) and fact.where == "poison":
            raise ValueError("bad fact")
        end = time.perf_counter() + self._cost
        while time.perf_counter() < end:
            pass
        self.fed.append(fact)
        return Topic.LOG

    def requests(self) -> list[facts.Read]:
        wanted, self.wanted = self.wanted, []
        return wanted


def chunk(n: int, size: int = 4) -> facts.Chunk:
    return facts.Chunk("log", n * size, b"x" * size, 100.0 + n)


async def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.001)


async def test_what_waited_before_the_start_is_published_at_once() -> None:
    link, sink, seen = FakeLink(chunk(0), chunk(1)), Sink(), list[object]()
    intake = Intake(link, sink)
    pump = Pump([intake])
    pump.publish = seen.append
    pump.open()
    pump.start()
    await until(lambda: seen)
    assert seen == [{intake: Topic.LOG}]
    assert sink.fed == [chunk(0), chunk(1)]
    pump.stop()


async def test_a_burst_is_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "DRAIN", 60.0)  # however busy the machine is
    link, sink, seen = FakeLink(chunk(0)), Sink(), list[object]()
    pump = Pump([Intake(link, sink)])
    pump.publish = seen.append
    pump.open()
    pump.start()
    await until(lambda: seen)
    for n in range(1, 50):
        link.say(chunk(n))
    await until(lambda: len(sink.fed) == 50 and not pump.busy)
    assert len(seen) == 2
    pump.stop()


class Samples(Sink):
    """Everything is a sample of the machine, but what the log says."""

    def feed(self, fact: Any, /) -> Topic:
        return super().feed(fact) if isinstance(fact, facts.Chunk) else Topic.MACHINE


async def test_samples_wait_for_the_next_news_but_for_the_first() -> None:
    sample = facts.Ping()
    link, seen = FakeLink(sample), list[object]()
    intake = Intake(link, Samples())
    pump = Pump([intake])
    pump.publish = seen.append
    pump.open()
    pump.start()
    await until(lambda: seen)
    link.say(sample)
    await asyncio.sleep(2 * pump_module.FRAME)
    assert seen == [{intake: Topic.MACHINE}]
    assert pump.busy, "it is not forgotten"
    link.say(chunk(0))
    await until(lambda: len(seen) == 2)
    assert seen[1] == {intake: Topic.MACHINE | Topic.LOG}
    link.say(sample)
    await until(lambda: len(seen) == 3)
    assert seen[2] == {intake: Topic.MACHINE | Topic.TIME}, "the next second brings it"
    pump.stop()


async def test_frames_are_apart_and_none_is_lost() -> None:
    link, sink, at = FakeLink(chunk(0)), Sink(), list[float]()
    pump = Pump([Intake(link, sink)])

    def publish(_: object) -> None:
        at.append(time.monotonic())
        link.say(chunk(len(at)))

    pump.publish = publish
    pump.open()
    pump.start()
    await until(lambda: len(at) == 5)
    assert len(sink.fed) == 5
    apart = [b - a for a, b in itertools.pairwise(at)]
    assert min(apart[1:]) >= pump_module.FRAME * 0.99
    assert apart[0] >= pump_module.SOON * 0.99, "what follows a frame that stood alone comes soon"
    pump.stop()


async def test_the_loop_breathes_while_much_is_read() -> None:
    link, sink = FakeLink(*(chunk(n) for n in range(300))), Sink(cost=0.001)
    pump = Pump([Intake(link, sink)])
    pump.open()
    pump.start()
    turns = 0
    while len(sink.fed) < 300:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 300 * 0.001 / pump_module.DRAIN / 2
    pump.stop()


async def test_a_key_comes_before_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "HEED", 3600.0)
    link, sink = FakeLink(*(chunk(n) for n in range(300))), Sink(cost=0.001)
    pump = Pump([Intake(link, sink)])
    pump.open()
    pump.start()
    await until(lambda: sink.fed)
    pump.heed()
    read = len(sink.fed)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert len(sink.fed) == read < 300
    pump.stop()


async def test_a_fact_that_cannot_be_read_becomes_a_trouble_and_the_rest_is_read() -> None:
    poison = facts.Trouble("poison", "", "", 5.0)
    link, sink = FakeLink(chunk(0), poison, chunk(1)), Sink()
    pump = Pump([Intake(link, sink)])
    pump.open()
    pump.start()
    await until(lambda: len(sink.fed) == 3)
    trouble = sink.fed[1]
    assert trouble.where == "reading"
    assert "ValueError: bad fact" in trouble.text
    assert sink.fed[2] == chunk(1)
    pump.stop()


async def test_what_the_session_wants_is_asked_for() -> None:
    link, sink = FakeLink(chunk(0)), Sink()
    sink.wanted = [facts.Read("/w/model.safetensors", 8, 100)]
    pump = Pump([Intake(link, sink)])
    pump.open()
    pump.start()
    await until(lambda: link.sent)
    assert link.sent == [facts.Read("/w/model.safetensors", 8, 100)]
    pump.stop()


async def test_answers_are_told() -> None:
    answer = facts.Answer(True, True, "stopped", 7.0)
    link, told = FakeLink(answer), list[facts.Answer | facts.JobEnded]()
    intake = Intake(link, Sink())
    pump = Pump([intake])
    intake.answered = told.append
    pump.open()
    pump.start()
    await until(lambda: told)
    assert told == [answer]
    pump.stop()


async def test_now_is_the_time_over_there() -> None:
    link = FakeLink(chunk(0))
    intake = Intake(link, Sink(), replay=True)
    pump = Pump([intake])
    pump.open()
    pump.start()
    await until(lambda: intake.now() < 1000)
    assert 100.0 <= intake.now() < 105.0
    link.closed = True
    assert intake.now() == 100.0
    pump.stop()


async def test_a_long_log_does_not_keep_the_others_waiting() -> None:
    long, short = Sink(cost=0.001), Sink()
    links = [FakeLink(*(chunk(n) for n in range(300))), FakeLink(chunk(0), chunk(1))]
    pump = Pump([Intake(link, sink) for link, sink in zip(links, (long, short), strict=True)])
    pump.open()
    pump.start()
    await until(lambda: len(short.fed) == 2)
    assert len(long.fed) <= 20
    pump.stop()


async def test_only_those_that_changed_are_told_and_all_in_one_frame() -> None:
    links, seen = [FakeLink(), FakeLink(chunk(0)), FakeLink(chunk(0))], list[object]()
    intakes = [Intake(link, Sink()) for link in links]
    pump = Pump(intakes)
    pump.publish = seen.append
    pump.open()
    pump.start()
    await until(lambda: seen)
    assert seen == [{intakes[1]: Topic.LOG, intakes[2]: Topic.LOG}]
    pump.stop()


async def test_few_are_being_connected_at_a_time_and_a_dead_one_makes_room() -> None:
    links = [FakeLink() for _ in range(pump_module.CONNECTING + 3)]
    intakes = [Intake(link, Sink(), facts.Watch("", [], [], [], False)) for link in links]
    pump = Pump(intakes)
    pump.open()
    pump.start()

    def asked() -> list[int]:
        return [len(link.sent) for link in links]

    assert asked() == [1] * pump_module.CONNECTING + [0] * 3
    links[1].say(chunk(0))
    await until(lambda: asked()[pump_module.CONNECTING] == 1)
    assert asked() == [1] * (pump_module.CONNECTING + 1) + [0] * 2
    links[0].closed = True
    links[2].say(chunk(0))
    await until(lambda: asked() == [1] * len(links))
    pump.stop()


def test_a_long_chunk_is_taken_in_bites_that_join_exactly() -> None:
    data = bytes(range(256)) * (BITE // 100)
    parts = bites(facts.Chunk("log", 1000, data, 1.0))
    assert b"".join(part.data for part in parts) == data
    assert [part.offset for part in parts] == [1000 + n * BITE for n in range(len(parts))]
    assert all(len(part.data) <= BITE for part in parts)
    assert bites(chunk(0)) == [chunk(0)]


def test_while_the_loop_stands_still_it_reads_and_says_that_somebody_is_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump_module, "PING", 0)
    links = FakeLink(chunk(0)), FakeLink()
    sinks = Sink(), Sink()
    pump = Pump([Intake(link, sink) for link, sink in zip(links, sinks, strict=True)])
    pump.open()
    waited = []

    def over(seconds: float) -> bool:
        waited.append(seconds)
        if len(waited) == 2:
            links[1].say(chunk(1))
        return len(waited) == 4

    pump.attend(over)
    assert [len(sink.fed) for sink in sinks] == [1, 1]
    assert [link.sent for link in links] == [[facts.Ping()] * 3] * 2
    assert waited == [pump_module.TICK] * 4
