"""The clock that tests control."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.clock import FakeClock

START = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)


def test_time_stands_still_until_told() -> None:
    clock = FakeClock(START)
    assert (clock.now(), clock.monotonic()) == (clock.now(), clock.monotonic())
    assert clock.now() == START


def test_sleep_moves_both_clocks_and_is_recorded() -> None:
    clock = FakeClock(START)
    clock.sleep(1.5)
    clock.sleep(0)
    clock.advance(10)
    assert clock.now() == START + timedelta(seconds=11.5)
    assert clock.monotonic() == 11.5
    assert clock.slept == [1.5, 0]


def test_setting_the_wall_clock_back_leaves_monotonic_time_alone() -> None:
    clock = FakeClock(START)
    clock.advance(5)
    clock.set(datetime(2026, 3, 1, tzinfo=ZoneInfo("Asia/Kolkata")))
    assert clock.now() == datetime(2026, 2, 28, 18, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() == 5


def test_random_numbers_repeat_for_the_same_seed() -> None:
    first, second, other = FakeClock(seed=3), FakeClock(seed=3), FakeClock(seed=4)
    drawn = [first.random() for _ in range(5)]
    assert drawn == [second.random() for _ in range(5)]
    assert drawn != [other.random() for _ in range(5)]
    assert all(0 <= number < 1 for number in drawn)


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        FakeClock(datetime(2026, 3, 8))  # noqa: DTZ001 - the mistake under test
    with pytest.raises(ValueError, match="aware"):
        FakeClock().set(datetime(2026, 3, 8))  # noqa: DTZ001 - the mistake under test


def test_time_does_not_run_backwards_by_sleeping() -> None:
    clock = FakeClock(START)
    with pytest.raises(ValueError, match="backwards"):
        clock.sleep(-1)
    assert (clock.now(), clock.slept) == (START, [])


def test_sleeps_of_many_threads_add_up() -> None:
    clock = FakeClock(START)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.sleep, [0.25] * 400))
    assert (clock.monotonic(), len(clock.slept)) == (100.0, 400)
