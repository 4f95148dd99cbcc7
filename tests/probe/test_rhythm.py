"""When the streams are looked at."""

from trainwatch.probe.rhythm import FAST, LONG, SHORT, SLOW, Rhythm


def test_the_first_line_after_a_silence_is_looked_at_at_once() -> None:
    rhythm = Rhythm(blind=False)
    rhythm.looked(True, 100.0)
    assert not rhythm.rests(103.0)


def test_a_flood_is_looked_at_in_longer_breaths_up_to_a_limit() -> None:
    rhythm = Rhythm(blind=False)
    now, looks = 100.0, 0
    while now < 101.0:
        rhythm.looked(True, now)
        assert rhythm.rests(now)
        assert 0.9 * SHORT < rhythm.patience(now) < 1.1 * LONG
        now += rhythm.patience(now)
        assert not rhythm.rests(now)
        looks += 1
    assert looks < 80


def test_after_a_flood_and_a_silence_it_is_quick_again() -> None:
    rhythm = Rhythm(blind=False)
    for step in range(100):
        rhythm.looked(True, 100.0 + step * LONG)
    rhythm.looked(True, 200.0)
    assert rhythm.patience(200.0) <= 2 * SHORT


def test_where_changes_are_reported_nothing_is_looked_at_without_one() -> None:
    rhythm = Rhythm(blind=False)
    rhythm.looked(False, 100.0)
    assert rhythm.patience(100.0) == float("inf")


def test_where_nobody_reports_changes_looks_come_quickly_while_there_is_news() -> None:
    rhythm = Rhythm(blind=True)
    for _ in range(50):
        rhythm.looked(False, 100.0)
    assert rhythm.patience(100.0) == SLOW
    rhythm.looked(True, 101.0)
    assert rhythm.patience(102.0) == FAST
