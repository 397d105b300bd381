"""Identical calls at the same time are made once, whoever fails in between."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.cache.disk import DiskCache
from costroute_nb.cache.flight import LONGEST_WAIT, SingleFlight
from costroute_nb.cache.memory import MemoryCache
from costroute_nb.cache.store import Store
from costroute_nb.clock import SystemClock
from costroute_nb.ports import ResponseCache
from tests.support.clock import FakeClock

KEY = "k" * 64
LEASE = 60.0


@pytest.fixture(params=[DiskCache, MemoryCache])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ResponseCache]:
    made: ResponseCache
    if request.param is DiskCache:
        made = DiskCache(tmp_path / "cache", SystemClock())
    else:
        made = MemoryCache(SystemClock())
    yield made
    made.close()


def look(cache: ResponseCache, key: str = KEY) -> Callable[[], str | None]:
    """Return what looks for the answer in a cache."""

    def found() -> str | None:
        entry = cache.get(key)
        return None if entry is None else entry["text"]

    return found


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Run a function in many threads at once and wait for all."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_twenty_threads_make_one_fetch(cache: ResponseCache) -> None:
    flight = SingleFlight(cache, SystemClock())
    fetches: list[int] = []
    answers: list[str] = []

    def call() -> None:
        with flight.leader(KEY, LEASE, look(cache)) as answer:
            if answer is None:
                fetches.append(1)
                time.sleep(0.1)
                cache.put(KEY, {"text": "blue"}, 60)
                answer = "blue"
        answers.append(answer)

    in_threads(20, call)
    assert len(fetches) == 1
    assert answers == ["blue"] * 20


def test_a_failing_leader_is_followed_by_exactly_one(cache: ResponseCache) -> None:
    flight = SingleFlight(cache, SystemClock())
    fetches: list[int] = []
    answers: list[str] = []
    errors: list[Exception] = []

    def fetch() -> str:
        fetches.append(1)
        first = len(fetches) == 1
        time.sleep(0.05)
        if first:
            message = "overloaded"
            raise RuntimeError(message)
        cache.put(KEY, {"text": "blue"}, 60)
        return "blue"

    def call() -> None:
        try:
            with flight.leader(KEY, LEASE, look(cache)) as answer:
                answers.append(fetch() if answer is None else answer)
        except RuntimeError as error:
            errors.append(error)

    in_threads(12, call)
    assert len(fetches) == 2
    assert len(errors) == 1
    assert answers == ["blue"] * 11


def test_the_first_answer_is_seen_soon(cache: ResponseCache) -> None:
    flight = SingleFlight(cache, SystemClock())
    waited: list[float] = []
    leading = threading.Event()

    def follow() -> None:
        leading.wait()
        with flight.leader(KEY, LEASE, look(cache)) as answer:
            assert answer == "blue"
        waited.append(time.perf_counter())

    follower = threading.Thread(target=follow)
    follower.start()
    with flight.leader(KEY, LEASE, look(cache)):
        leading.set()
        time.sleep(0.3)
        cache.put(KEY, {"text": "blue"}, 60)
        stored = time.perf_counter()
    follower.join()
    assert waited[0] - stored < LONGEST_WAIT + 0.4


def test_calls_for_other_keys_do_not_wait(cache: ResponseCache) -> None:
    flight = SingleFlight(cache, SystemClock())
    with (
        flight.leader(KEY, LEASE, look(cache)) as one,
        flight.leader("other", LEASE, look(cache, "other")) as two,
    ):
        assert one is None
        assert two is None


def test_an_answer_that_came_before_the_claim_is_used() -> None:
    cache = MemoryCache(FakeClock())
    cache.put(KEY, {"text": "blue"}, 60)
    with SingleFlight(cache, FakeClock()).leader(KEY, LEASE, look(cache)) as answer:
        assert answer == "blue"
        assert cache.claim(KEY, LEASE) is not None, "others need not wait"


def test_leaving_frees_the_key() -> None:
    cache = MemoryCache(FakeClock())
    flight = SingleFlight(cache, FakeClock())
    for _ in range(2):
        with flight.leader(KEY, LEASE, look(cache)) as answer:
            assert answer is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_leader_that_fails_frees_the_key(error: type[BaseException]) -> None:
    cache = MemoryCache(FakeClock())
    flight = SingleFlight(cache, FakeClock())
    with pytest.raises(error), flight.leader(KEY, LEASE, look(cache)):
        raise error
    assert cache.claim(KEY, LEASE) is not None


def test_an_interrupt_while_looking_frees_the_key() -> None:
    cache = MemoryCache(FakeClock())

    def interrupted() -> str | None:
        raise KeyboardInterrupt

    flight = SingleFlight(cache, FakeClock())
    with pytest.raises(KeyboardInterrupt), flight.leader(KEY, LEASE, interrupted):
        pytest.fail("the interrupt was lost")
    assert cache.claim(KEY, LEASE) is not None


class InterruptedClock(FakeClock):
    """A clock during whose third sleep the user presses Ctrl-C."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt


def test_an_interrupt_ends_the_wait_and_leaves_the_leader_alone() -> None:
    clock = InterruptedClock()
    cache = MemoryCache(clock)
    cache.claim(KEY, LEASE)
    flight = SingleFlight(cache, clock)
    with pytest.raises(KeyboardInterrupt), flight.leader(KEY, LEASE, look(cache)):
        pytest.fail("the interrupt was lost")
    assert cache.claim(KEY, LEASE) is None


def test_a_leader_that_never_ends_is_waited_for_until_its_lease_is_over() -> None:
    clock = FakeClock()
    cache = MemoryCache(clock)
    cache.claim(KEY, LEASE)
    with SingleFlight(cache, clock).leader(KEY, LEASE, look(cache)) as answer:
        assert answer is None
    assert LEASE <= sum(clock.slept) <= LEASE + LONGEST_WAIT
    assert clock.slept[0] < max(clock.slept) <= LONGEST_WAIT


def test_a_wait_is_said_once() -> None:
    clock = FakeClock()
    cache = MemoryCache(clock)
    cache.claim(KEY, LEASE)
    lines: list[str] = []
    flight = SingleFlight(cache, clock)
    with flight.leader(KEY, LEASE, look(cache), lines.append) as answer:
        assert answer is None
    assert lines == ["another call is already fetching this answer: waiting for it"]


def test_who_need_not_wait_is_told_nothing(cache: ResponseCache) -> None:
    lines: list[str] = []
    flight = SingleFlight(cache, SystemClock())
    with flight.leader(KEY, LEASE, look(cache), lines.append):
        pass
    assert lines == []


@pytest.mark.parametrize("kind", [DiskCache, MemoryCache])
def test_an_interrupt_while_a_claim_is_ended_leaves_none(
    kind: type[DiskCache] | type[MemoryCache],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = (
        DiskCache(tmp_path, SystemClock())
        if kind is DiskCache
        else MemoryCache(SystemClock())
    )
    with_one_interrupt(monkeypatch, kind, "unclaim")
    flight = SingleFlight(cache, SystemClock())
    with pytest.raises(KeyboardInterrupt), flight.leader(KEY, LEASE, look(cache)):
        pass
    assert cache.claim(KEY, LEASE) is not None
    cache.close()


def test_a_claim_whose_end_was_interrupted_twice_is_free_in_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = DiskCache(tmp_path, SystemClock())

    def interrupted(*_given: object, **_named: object) -> None:
        raise KeyboardInterrupt

    flight = SingleFlight(cache, SystemClock())
    with pytest.raises(KeyboardInterrupt), flight.leader(KEY, LEASE, look(cache)):
        monkeypatch.setattr(Store, "change", interrupted)
    monkeypatch.undo()
    another = DiskCache(tmp_path, SystemClock())
    assert another.claim(KEY, LEASE) is not None
    assert cache.claim(KEY, LEASE) is None, "the new claim holds"
    cache.close()
    another.close()


def with_one_interrupt(
    monkeypatch: pytest.MonkeyPatch, kind: type[Any], name: str
) -> None:
    """Let the user press Ctrl-C as a method is first entered."""
    method = getattr(kind, name)
    calls: list[object] = []

    def interrupted(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return method(*given, **named)

    monkeypatch.setattr(kind, name, interrupted)


SHARED = """
import pathlib, sys, threading, time
from costroute_nb.cache.disk import DiskCache
from costroute_nb.cache.flight import SingleFlight
from costroute_nb.clock import SystemClock
from tests.support.logs import listen

said = listen()
home, key, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
cache = DiskCache(home / "cache", SystemClock())
flight = SingleFlight(cache, SystemClock())

def call():
    with flight.leader(key, 60, lambda: cache.get(key)) as answer:
        if answer is None:
            with (home / "fetches").open("a") as file:
                file.write("fetch\\n")
            print("leading", flush=True)  # the test waits for it
            time.sleep(seconds)
            cache.put(key, {"text": "blue"}, 60)

print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=call) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(cache.get(key)["text"], *said)
"""


def start(home: Path, seconds: float) -> subprocess.Popen[str]:
    """Start a process that will fetch with five threads when it is told to go."""
    process = subprocess.Popen(
        [sys.executable, "-c", SHARED, str(home), KEY, str(seconds)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_four_processes_with_five_threads_make_one_fetch(tmp_path: Path) -> None:
    processes = [start(tmp_path, 0.3) for _ in range(4)]
    for process in processes:
        go(process)
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert out.splitlines()[-1] == "blue", err
    assert (tmp_path / "fetches").read_text().splitlines() == ["fetch"]


@pytest.mark.skipif(os.name != "posix", reason="dead processes are not noticed here")
def test_a_killed_leader_is_followed_at_once(tmp_path: Path) -> None:
    leader = start(tmp_path, 60)
    go(leader)
    assert leader.stdout is not None
    assert leader.stdout.readline() == "leading\n"
    follower = start(tmp_path, 0)
    go(follower)
    time.sleep(0.3)
    assert (tmp_path / "fetches").read_text().splitlines() == ["fetch"]

    killed = time.monotonic()
    leader.send_signal(signal.SIGKILL)
    out, err = follower.communicate(timeout=30)
    assert time.monotonic() - killed < 3
    assert out.splitlines() == ["leading", "blue"], err
    assert (tmp_path / "fetches").read_text().splitlines() == ["fetch"] * 2
    leader.communicate()
