"""Which runs are parts of one training, and which only look alike."""

from __future__ import annotations

from functools import partial

import pytest

from tests.run.runs import report
from trainwatch import facts
from trainwatch.run.crew import Crew, is_one
from trainwatch.run.run import Run

AT = 1_763_800_000.0
MEET = "torchrun --nnodes 2 --master-addr 10.0.0.1 --master-port 29500 train.py --node_rank "


def seen(
    command: str = "", boot: str = "b", part: facts.Part | None = None, began: float = AT
) -> Run:
    run = Run()
    run.apply(facts.Hello(1, "1", "3", f"box-{boot}", "Linux", boot, 1, AT))
    run.apply(
        facts.Target("run", "r", "sft", command.split(), "/w", "box", "me", 7, began, ["o"], ["/out"], "", AT)
    )  # fmt: skip
    if part is not None:
        run.apply(part)
    return run


def part(job: str, *ranks: int, world: int = 4) -> facts.Part:
    return facts.Part(job, list(ranks), world, AT)


def test_ranks_of_their_own_in_one_meeting_place_are_one_training() -> None:
    assert is_one(seen(part=part("x", 0, 1)), seen(part=part("x", 2, 3)))
    assert not is_one(seen(part=part("x", 0, 1)), seen(part=part("y", 2, 3)))


def test_two_trainings_with_the_usual_port_of_the_usual_address_stay_two() -> None:
    assert not is_one(seen(part=part("x", 0, 1)), seen(part=part("x", 0, 1)))
    alone = "torchrun --master-addr 127.0.0.1 --master-port 29500 train.py"
    assert not is_one(seen(alone, "a"), seen(alone, "b"))


def test_commands_that_meet_are_one_training_when_they_ran_together() -> None:
    assert is_one(seen(MEET + "0", "a"), seen(MEET + "1", "b"))
    assert not is_one(seen(MEET + "0", "a"), seen(MEET + "0", "b"))
    earlier = seen(MEET + "1", "b", began=AT - 900)
    earlier.apply(facts.Ended(0, None, "", AT - 60))
    assert not is_one(seen(MEET + "0", "a"), earlier)


@pytest.mark.parametrize(
    "words",
    [
        "torchrun --nnodes=1:4 --rdzv_id=7 --rdzv-endpoint=head:29400 t.py",
        "accelerate launch --num_machines 2 --main_process_ip head --main_process_port 1 t.py",
    ],
)
def test_every_launcher_names_its_meeting_place(words: str) -> None:
    assert is_one(seen(words, "a"), seen(words.replace("_", "-"), "b"))
    assert not is_one(seen(words, "a"), seen(words.replace("head", "tail"), "b"))


def test_one_folder_with_the_same_numbers_seen_from_two_machines_is_one_training() -> None:
    here, there, other = seen("t", "a"), seen("t", "b"), seen("t", "c")
    for step in range(4):
        report(here, step, loss=2.0 - step / 8)
        report(there, step, loss=2.0 - step / 8)
        report(other, step, loss=2.0 - step / 9)
    assert is_one(here, there)
    assert not is_one(here, other)
    assert not is_one(here, here)


def test_the_run_with_the_numbers_leads_and_then_the_first_rank() -> None:
    last, first, alone = seen(part=part("x", 2, 3)), seen(part=part("x", 0, 1)), seen("t", "z")
    crew = Crew()
    for name, run, ahead in (("b", last, 7.0), ("a", first, 2.0), ("b", alone, 0.0)):
        crew.add(run, name, partial(float, AT + ahead))
    crew.look()
    assert (first.leader, last.leader, alone.leader) == (None, first, None)
    assert [node.name for node in first.nodes] == ["a", "b"]
    assert alone.own.name == "b (2)"
    assert last.own.now(AT) == AT + 5
    report(last, 1, loss=2.0)
    crew.look()
    assert (first.leader, last.leader) == (last, None)
    assert (first.followers, last.followers) == ((), (first,))
