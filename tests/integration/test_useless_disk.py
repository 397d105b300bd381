"""A disk that is of no use, or passes for one, fails no call."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from costroute_nb.cache import strict
from costroute_nb.cache.disk import DiskCache
from tests.support.clock import FakeClock
from tests.support.stores import (
    ENTRY,
    KEY,
    ON_POSIX,
    finish,
    run_sql,
    start_python,
    text_of,
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


def test_without_a_directory_answers_are_kept_in_memory(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no directory")
    cache = DiskCache(tmp_path / "file" / "cache", clock)
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert cache.claim(KEY, 60) is not None
    assert cache.claim(KEY, 60) is None
    assert cache.stats()["where"] == "memory"
    assert "in memory" in caplog.text
    assert str(tmp_path) not in caplog.text
    assert cache.clear() == 1
    cache.close()


def test_a_database_that_cannot_be_opened_gives_way_to_memory(
    directory: Path, cache: DiskCache
) -> None:
    (directory / "cache.db").mkdir(parents=True)
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert (directory / "cache.db").is_dir()


def test_a_directory_whose_name_diskcache_would_expand_is_not_used(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSTROUTE_ELSEWHERE", "elsewhere")
    cache = DiskCache(tmp_path / "$COSTROUTE_ELSEWHERE", clock)
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert cache.stats()["where"] == "memory"
    assert not (tmp_path / "elsewhere").exists()


def test_a_locked_store_is_passed_over(
    directory: Path,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(strict, "LOCK_SECONDS", 0.1)
    cache = DiskCache(directory, clock)
    cache.put(KEY, ENTRY, 60)
    blocker = sqlite3.connect(directory / "cache.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert text_of(cache) == ENTRY["text"]
    cache.put("b", ENTRY, 60)
    assert cache.get("b") is None
    assert "passed over" in caplog.text
    blocker.execute("ROLLBACK")
    blocker.close()
    cache.put("b", ENTRY, 60)
    assert text_of(cache, "b") == ENTRY["text"]
    cache.close()


def test_a_store_locked_from_the_start_gives_way_to_memory(
    directory: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict, "LOCK_SECONDS", 0.1)
    first = DiskCache(directory, clock)
    first.put(KEY, ENTRY, 60)
    first.close()
    blocker = sqlite3.connect(directory / "cache.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    cache = DiskCache(directory, clock)
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert cache.stats()["where"] == "memory"
    blocker.close()


@ON_POSIX
def test_a_full_disk_fails_no_call(directory: Path) -> None:
    script = """
import pathlib, resource, sys
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
from tests.support.logs import listen
said = listen()
cache = DiskCache(pathlib.Path(sys.argv[1]), SystemClock())
cache.put("first", {"text": "a"}, 60)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
cache.put("large", {"text": "x" * 1_000_000}, 60)
for number in range(200):
    cache.put(str(number), {"text": "x" * 30_000}, 60)
    cache.claim(str(number), 60)
    cache.get(str(number))
print(cache.get("large"), said == [])
"""
    out = finish(start_python(script, str(directory)))
    assert out.split() == ["None", "False"]
    assert [path for path in directory.rglob("*.val") if not path.stat().st_size] == []


def test_an_interrupt_leaves_no_transaction_behind(
    directory: Path, cache: DiskCache
) -> None:
    cache.put(KEY, ENTRY, 60)

    def interrupted(_: str | None) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache._answers.change(KEY, interrupted, seconds=60)
    run_sql(directory, "UPDATE Cache SET access_count = 1")
    assert text_of(cache) == ENTRY["text"]
