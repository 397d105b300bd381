"""Processes share a store, and what a dead one claimed is free."""

import json
import os
import platform
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.cache import claims
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
from tests.support.clock import FakeClock
from tests.support.stores import (
    ENTRY,
    KEY,
    ON_POSIX,
    finish,
    plant,
    run_sql,
    start_python,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(directory: Path, clock: FakeClock) -> Iterator[DiskCache]:
    made = DiskCache(directory, clock)
    yield made
    made.close()


WRITER = """
import pathlib, sys
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
from tests.support.logs import listen
said = listen()
cache = DiskCache(pathlib.Path(sys.argv[1]), SystemClock())
sys.stdin.readline()
for number in range(40):
    key = f"{sys.argv[2]}-{number}"
    cache.put(key, {"text": key * (2000 if number % 10 == 0 else 1)}, 3600)
    assert cache.get(key)["text"].startswith(key)
    cache.unclaim(key, cache.claim(key, 60))
print(said)  # to the test, which reads this process's output
cache.close()
"""


def test_processes_that_begin_a_store_together_share_it(
    directory: Path, cache: DiskCache
) -> None:
    names = "abcd"
    writers = [start_python(WRITER, str(directory), name) for name in names]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [finish(writer).strip() for writer in writers] == ["[]"] * 4
    cache_now = DiskCache(directory, SystemClock())
    found = [
        cache_now.get(f"{name}-{number}") for name in names for number in range(40)
    ]
    assert None not in found
    assert cache_now.stats()["entries"] == 160
    cache_now.close()


@ON_POSIX
def test_a_store_survives_forks_of_a_process_whose_threads_use_it(
    directory: Path,
) -> None:
    script = """
import os, pathlib, sys, threading, warnings
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
from tests.support.logs import listen
said = listen()
warnings.simplefilter("ignore")
cache = DiskCache(pathlib.Path(sys.argv[1]), SystemClock())
stop = threading.Event()

def work(name):
    number = 0
    while not stop.is_set():
        key = f"{name}-{number % 50}"
        cache.put(key, {"text": key}, 60)
        assert cache.get(key)["text"] == key
        cache.unclaim(key, cache.claim(key, 60))
        number += 1

threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(3)]
for thread in threads:
    thread.start()
children = []
for child in range(8):
    pid = os.fork()
    if pid == 0:
        for number in range(10):
            key = f"c{child}-{number}"
            cache.put(key, {"text": key}, 60)
            if cache.get(key)["text"] != key or cache.claim(key, 60) is None:
                os._exit(1)
        os._exit(0 if said == [] else 2)
    children.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in children]
stop.set()
for thread in threads:
    thread.join()
found = [cache.get(f"c{c}-{n}") for c in range(8) for n in range(10)]
print(codes == [0] * 8, None not in found, said)  # read by the test
"""
    out = finish(start_python(script, str(directory)))
    assert out.split() == ["True", "True", "[]"]
    assert run_sql(directory, "PRAGMA integrity_check") == [("ok",)]


def test_many_threads_leave_no_connection_open(
    directory: Path, cache: DiskCache
) -> None:
    works = [
        threading.Thread(target=lambda i=i: cache.put(f"{i}", ENTRY, 60))
        for i in range(20)
    ]
    for work in works:
        work.start()
    for work in works:
        work.join()
    cache.close()
    # SQLite removes the log when the last connection closes.
    assert not (directory / "cache.db-wal").exists()


HOLDER = """
import pathlib, sys, time
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
from tests.support.logs import listen
said = listen()
cache = DiskCache(pathlib.Path(sys.argv[1]), SystemClock())
print(cache.claim(sys.argv[2], 600), flush=True)  # the test waits for it
time.sleep(60)
"""


@pytest.fixture
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has a claim on the key for ten minutes."""
    process = start_python(HOLDER, str(directory), KEY)
    assert process.stdout is not None
    assert len(process.stdout.readline()) > 8
    yield process
    process.kill()
    process.communicate()


@ON_POSIX
@pytest.mark.parametrize("collected", [True, False])
def test_the_claim_of_a_killed_process_is_free_at_once(
    collected: bool, directory: Path, holder: subprocess.Popen[str]
) -> None:
    cache = DiskCache(directory, SystemClock())
    assert cache.claim(KEY, 60) is None
    holder.send_signal(signal.SIGKILL)
    if collected:
        holder.wait()
    else:
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert cache.claim(KEY, 60) is not None
    cache.close()


def hold(directory: Path, clock: FakeClock, **changes: Any) -> None:
    """Write a claim on the key that differs from our own in some fields."""
    claim = json.loads(claims.write_claim("theirs", clock.now().timestamp() + 600))
    text = json.dumps(claim | changes)
    DiskCache(directory, clock).unclaim(KEY, "none")
    plant(directory / "claims", value=text)


def test_a_claim_of_this_process_holds(
    directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    hold(directory, clock)
    assert cache.claim(KEY, 60) is None


# Without /proc a process's start cannot be told; CI runs where it can.
@pytest.mark.skipif(not Path("/proc").exists(), reason="starts are not known here")
def test_a_claim_does_not_pass_to_a_process_with_the_same_number(
    directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    hold(directory, clock, started="1")
    assert cache.claim(KEY, 60) is not None


def test_a_claim_from_another_machine_holds_until_its_end(
    directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    hold(directory, clock, host="elsewhere", pid=2**22 + 1)
    assert cache.claim(KEY, 60) is None
    clock.advance(600)
    assert cache.claim(KEY, 60) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"until": 1e300},
        {"until": None},
        {"until": "never"},
        {"pid": -1},
        {"pid": 0},
        {"pid": 10**30},
        {"pid": "1"},
    ],
    ids=str,
)
def test_a_claim_that_makes_no_sense_is_free(
    changes: dict[str, Any], directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    hold(directory, clock, **changes)
    assert cache.claim(KEY, 60) is not None


@pytest.mark.parametrize(
    "text", ["", "[]", "no json", "[" * 100_000], ids=lambda t: t[:9]
)
def test_a_claim_that_is_none_is_free(
    text: str, directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    hold(directory, clock)
    plant(directory / "claims", value=text)
    cache.unclaim(KEY, "none")
    assert cache.claim(KEY, 60) is not None


def test_claims_name_no_machine(directory: Path, cache: DiskCache) -> None:
    cache.claim(KEY, 60)
    ((text,),) = run_sql(directory / "claims", "SELECT value FROM Cache")
    assert set(json.loads(text)) == {"token", "until", "host", "pid", "started"}
    assert platform.node() not in text
