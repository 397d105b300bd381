"""What is asked for is done soon, not too often, and not left out."""

import gc
import logging
import threading
import time
import weakref

import pytest

from costroute_nb.notebook.ticker import Ticker

SOON = 5.0


class Counter:
    """Counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.ran = threading.Semaphore(0)
        self.fails = False

    def run(self) -> None:
        self.runs += 1
        self.ran.release()
        if self.fails:
            raise ValueError("once")


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_asking_runs_it_and_idleness_does_too(counter: Counter) -> None:
    ticker = Ticker(counter.run, pause=0.01, idle=0.05)
    ticker.ask()
    assert counter.ran.acquire(timeout=SOON)
    assert counter.ran.acquire(timeout=SOON)
    ticker.close()


def test_many_requests_at_once_are_few_runs_of_which_one_is_last(
    counter: Counter,
) -> None:
    ticker = Ticker(counter.run, pause=0.1, idle=60)
    for _ in range(500):
        ticker.ask()
        time.sleep(0.0005)
    before = counter.runs
    ticker.ask()
    deadline = time.monotonic() + SOON
    while counter.runs == before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert before < counter.runs <= 30
    ticker.close()


def test_a_hurry_ends_delay_and_pause(counter: Counter) -> None:
    ticker = Ticker(counter.run, pause=60, idle=60, delay=60)
    for _ in range(3):
        ticker.hurry()
        assert counter.ran.acquire(timeout=SOON)
    ticker.close()


def test_a_failing_run_is_logged_and_the_next_one_runs(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.fails = True
    ticker = Ticker(counter.run, pause=0.01, idle=60)
    with caplog.at_level(logging.WARNING, "costroute_nb"):
        for _ in range(2):
            ticker.ask()
            assert counter.ran.acquire(timeout=SOON)
    ticker.close()
    assert "could not be refreshed: once" in caplog.text


def test_a_closed_ticker_runs_no_more(counter: Counter) -> None:
    ticker = Ticker(counter.run, pause=0.01, idle=0.05)
    ticker.close()
    time.sleep(0.15)
    runs = counter.runs
    ticker.ask()
    time.sleep(0.15)
    assert counter.runs == runs


def test_the_thread_keeps_nothing_alive_and_ends_with_its_object() -> None:
    counter = Counter()
    gone = weakref.ref(counter)
    before = threading.active_count()
    Ticker(counter.run, pause=0.01, idle=0.02)
    del counter
    gc.collect()
    deadline = time.monotonic() + SOON
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gone() is None
    assert threading.active_count() == before
