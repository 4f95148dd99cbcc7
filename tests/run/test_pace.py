"""How fast, until when, and whether it fell silent."""

from __future__ import annotations

from random import Random

import pytest

from trainwatch import facts
from trainwatch.read.records import Progress
from trainwatch.run.pace import coming
from trainwatch.run.run import Run

T0 = 1_000_000.0


class Live:
    """A training that is watched, on a clock of its own."""

    def __init__(self, total: int = 1000, start: int = 0, at: float = T0) -> None:
        self.run = Run()
        self.total, self.done, self.at, self.began = total, start, at, at
        self.run.apply(facts.CaughtUp(at))
        self.counted()

    def counted(self) -> None:
        """The bar is redrawn."""
        self.run.apply(
            Progress(
                "output.log", 0, self.done, self.total, "step", "", "train", self.at - self.began,
                None, None, self.at,
            )
        )  # fmt: skip

    def step(self, seconds: float) -> None:
        self.at += seconds
        self.done += 1
        self.counted()

    def train(self, steps: int, seconds: float, every: int = 100, evaluation: float = 0.0) -> None:
        for _ in range(steps):
            self.step(seconds)
            if self.done % every == 0:
                self.at += evaluation

    @property
    def left(self) -> float:
        found = self.run.pace.remaining(self.at)
        assert found is not None
        return found


def test_the_time_left_counts_evaluations_and_saves() -> None:
    live = Live()
    live.train(450, 0.5, every=100, evaluation=40.0)
    truth = 550 * 0.5 + 5 * 40.0
    assert live.left == pytest.approx(truth, rel=0.05)
    finish = live.run.pace.finish(live.at)
    assert finish == pytest.approx(live.at + truth, abs=0.05 * truth)
    assert live.run.pace.step_seconds == pytest.approx(0.5)
    assert live.run.pace.rate == pytest.approx(1 / 0.9, rel=0.05)


def test_the_time_left_is_right_after_a_resume() -> None:
    live = Live(total=1000)
    live.at += 20.0  # loading; then the bar jumps to where the checkpoint was
    live.done = 700
    live.counted()
    live.train(20, 2.0)
    assert live.left == pytest.approx(280 * 2.0, rel=0.02)


def test_noise_in_the_steps_does_not_shake_it() -> None:
    random = Random(1)
    live = Live()
    for _ in range(300):
        live.step(random.uniform(0.3, 0.7))
    assert live.left == pytest.approx(700 * 0.5, rel=0.1)


def test_when_we_come_late_the_bar_tells_what_the_pauses_cost() -> None:
    live = Live(start=500, at=T0)
    live.began = T0 - 500 * 0.9  # half a second per step and 40 seconds per 100 steps so far
    live.train(30, 0.5)
    assert live.left == pytest.approx(470 * 0.9, rel=0.1)


def test_the_time_left_runs_down_between_two_counts() -> None:
    live = Live()
    live.train(100, 1.0)
    first = live.left
    live.at += 30
    assert live.left == pytest.approx(first - 30, abs=1)
    live.at += 1e6
    assert live.left > 0


def test_a_counter_that_starts_again_begins_a_new_measurement() -> None:
    live = Live()
    live.train(100, 5.0)
    live.done, live.began = 0, live.at
    live.counted()
    live.train(50, 0.5)
    assert live.left == pytest.approx(950 * 0.5, rel=0.05)


def test_nothing_is_told_before_there_is_anything_to_tell() -> None:
    pace = Run().pace
    assert (pace.rate, pace.remaining(T0), pace.finish(T0), pace.usual) == (None,) * 4


def test_the_next_evaluation_is_due_at_the_usual_distance() -> None:
    assert coming([]) is None
    assert coming([200]) == 400
    assert coming([200, 400, 600]) == 800
    assert coming([100, 600, 1100]) == 1600


def test_steps_that_take_longer_than_they_used_to() -> None:
    live = Live(total=10_000)
    live.train(200, 0.5)
    assert live.run.pace.slowdown == pytest.approx(1.0, rel=0.05)
    live.train(40, 2.0)
    assert live.run.pace.slowdown == pytest.approx(4.0, rel=0.2)
    assert next(c.result for c in live.run.verdict().checks if c.rule == "slow") == "fired"


# --- silence ------------------------------------------------------------------------------


def watched(live: Live, state: str = "running", cpu: float = 1.0) -> None:
    """The process is there, and is looked at now."""
    live.run.apply(facts.ProcessReading(1, state, cpu, 1, [1], live.at))


def gpu(live: Live, busy: float, power: float) -> None:
    live.run.apply(
        facts.DeviceReading(
            "nvidia", 0, "GPU-0", "H200", busy, 1, 2, power, 700.0, 60.0, [],
            [facts.GpuProcess(1, 1)], [], False, live.at,
        )
    )  # fmt: skip


def test_a_run_is_stalled_when_it_is_silent_for_longer_than_its_rhythm_explains() -> None:
    live = Live()
    live.train(40, 12.0)
    watched(live)
    assert live.run.state().word == "running"
    live.at += 55
    watched(live)
    assert live.run.state().word == "running"
    live.at += 305
    watched(live)
    word, reason = live.run.state()
    assert word == "stalled"
    assert "no line for 6 min, usually every 12 s" in reason
    assert live.run.verdict().state == "stalled"
    live.step(1.0)
    watched(live)
    assert live.run.state().word == "running"


@pytest.mark.parametrize(
    ("silent", "word"), [(0.0, "running"), (500.0, "running"), (3600.0, "stalled")]
)
def test_a_silence_before_the_watch_began_counts_when_it_is_unusual(
    silent: float, word: str
) -> None:
    run = Run()
    run.apply(facts.Chunk("output.log", 0, b"{'loss': 1.0}\n", T0))
    run.apply(facts.CaughtUp(T0, silent))
    run.apply(facts.ProcessReading(1, "running", 0.0, 1, [1], T0 + 1))
    run.apply(Progress("output.log", 0, 5, 9, "step", "", "train", None, None, None, None))
    told = run.state()
    assert told.word == word
    if word == "stalled":
        assert "no line for 60 min" in told.reason
        run.apply(facts.Chunk("output.log", 14, b"more\n", T0 + 2))
        run.latest = T0 + 2
        assert run.state().word == "running"


def test_a_silence_as_long_as_one_that_ended_well_is_no_stall() -> None:
    live = Live()
    live.train(10, 1.0)
    live.at += 300  # an evaluation that prints nothing
    live.train(10, 1.0)
    live.at += 400
    watched(live)
    assert live.run.state().word == "running"
    live.at += 100
    watched(live)
    assert live.run.state().word == "stalled"


def test_a_busy_card_at_low_power_looks_like_a_hang() -> None:
    live = Live()
    watched(live)
    for _ in range(30):
        live.step(12.0)
        gpu(live, 0.97, 612.0)
    live.at += 360
    watched(live)
    gpu(live, 1.0, 90.0)
    reason = live.run.state().reason
    assert reason.endswith("GPU 100% busy at 90 W (usually 612 W): looks like a hang")
    assert "lost rank" in str(live.run.verdict().advice)


@pytest.mark.parametrize(
    ("ended", "word", "reason"),
    [
        ((0, None, ""), "ended", ""),
        ((1, None, ""), "failed", "exit code 1"),
        ((None, 9, ""), "killed", "SIGKILL"),
        ((None, 9, "oom"), "killed", "SIGKILL, out of memory"),
        ((None, 64, ""), "killed", "signal 64"),
        ((None, None, ""), "unknown", "it ended; how is not known"),
    ],
)
def test_how_it_ended(ended: tuple[int | None, int | None, str], word: str, reason: str) -> None:
    run = Run()
    run.apply(facts.Ended(*ended, T0))
    assert run.state() == (word, reason)


def test_of_what_trainwatch_did_not_start_nobody_kept_a_record() -> None:
    run = Run()
    run.apply(
        facts.Target("process", "7@1", "t", [], "", "h", "u", 7, None, [], [], "", T0),
    )
    run.apply(facts.Ended(None, None, "", T0))
    assert run.state() == ("ended", "how is not known: nobody kept a record of it")


def test_a_log_that_nobody_is_known_to_write_is_not_called_stalled() -> None:
    run = Run()
    run.apply(facts.Chunk("old.log", 0, b"loss 1\n", T0))
    run.apply(facts.CaughtUp(T0))
    run.apply(facts.Pong(T0 + 9999))
    assert run.state() == ("unknown", "no process is known to write it")
    run.apply(facts.Chunk("old.log", 7, b"loss 2\n", T0 + 9999))
    assert run.state().word == "running"
    run.apply(facts.Pong(T0 + 99999))
    assert run.state().word == "unknown"


def test_a_process_that_is_stopped_or_gone() -> None:
    live = Live()
    watched(live, "stopped")
    assert live.run.state().word == "stalled"
    watched(live, "gone")
    assert live.run.state().word == "unknown"
