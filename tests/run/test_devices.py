"""The cards: whose memory it is, what is a hole, what is old."""

from __future__ import annotations

from typing import Any

from trainwatch import facts
from trainwatch.run.devices import STALE
from trainwatch.run.run import Run

GIB = 1 << 30


def reading(index: int = 0, at: float = 100.0, **more: Any) -> facts.DeviceReading:
    plain = facts.DeviceReading(
        "nvidia", index, f"GPU-{index}", "H200", 0.5, 80 * GIB, 140 * GIB, 600.0, 700.0, 60.0, [],
        [], [], False, at,
    )  # fmt: skip
    return plain._replace(**more)


def holds(*pairs: tuple[int, int | None]) -> list[facts.GpuProcess]:
    return [facts.GpuProcess(pid, None if gib is None else gib * GIB) for pid, gib in pairs]


def tree(run: Run, *pids: int) -> None:
    run.apply(facts.ProcessReading(pids[0], "running", 1.0, GIB, list(pids), 100.0))


def test_memory_is_told_apart_by_the_process_tree_of_the_run() -> None:
    run = Run()
    tree(run, 1, 2)
    run.apply(reading(processes=holds((2, 50), (9, 20))))
    (card,) = run.devices.cards
    assert card.ours
    assert (card.memory_run, card.memory_others) == (50 * GIB, 30 * GIB)


def test_a_worker_that_is_found_later_is_ours_from_then_on() -> None:
    run = Run()
    run.apply(reading(processes=holds((7, 50))))
    assert not run.devices.cards[0].ours
    tree(run, 1, 7)
    assert run.devices.cards[0].memory_run == 50 * GIB


def test_what_the_driver_does_not_tell_is_not_zero() -> None:
    run = Run()
    tree(run, 1)
    run.apply(reading(processes=holds((1, None))))
    (card,) = run.devices.cards
    assert card.ours
    assert (card.memory_run, card.memory_others) == (None, None)
    run.apply(reading(at=101.0, memory_used=None, busy=None, power=None))
    assert card.busy[-1] is None
    assert card.memory[-1] is None
    assert card.memory_others is None


def test_cards_of_this_run_come_first() -> None:
    run = Run()
    tree(run, 1)
    for index in (0, 1, 2):
        run.apply(reading(index, processes=holds((1, 5)) if index == 2 else []))
    assert [c.reading.index for c in run.devices.cards] == [2, 0, 1]


def test_a_silence_leaves_a_hole_in_the_history() -> None:
    run = Run()
    for at in (100.0, 101.0, 110.0):
        run.apply(reading(at=at))
    assert list(run.devices.cards[0].busy) == [0.5, 0.5, None, 0.5]


def test_an_old_reading_is_stale_and_tells_its_age() -> None:
    run = Run()
    run.apply(reading(at=100.0))
    (card,) = run.devices.cards
    assert not card.stale(100.0 + STALE)
    assert card.stale(101.0 + STALE)
    assert card.age(130.0) == 30.0


def test_a_lost_card_says_why() -> None:
    run = Run()
    run.apply(reading(faults=[("*", "GPU is lost"), ("power", "not supported")], busy=None))
    assert run.devices.cards[0].lost == "GPU is lost"


def test_no_driver_is_one_trouble_with_its_remedy_and_goes_when_it_is_gone() -> None:
    run = Run()
    run.apply(facts.Trouble("devices", "no NVIDIA driver", "install it", 1.0))
    assert (run.devices.trouble, run.devices.fix) == ("no NVIDIA driver", "install it")
    assert run.troubles["devices"].text == "no NVIDIA driver"
    run.apply(facts.Trouble("devices", "", "", 2.0))
    assert run.devices.trouble is None
    assert not run.troubles
