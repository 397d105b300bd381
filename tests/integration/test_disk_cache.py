"""The cache on a real disk lasts, stays within its limit and is private."""

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import diskcache
import pytest

from costroute_nb.cache.disk import DiskCache
from tests.support.clock import FakeClock
from tests.support.stores import (
    ENTRY,
    KEY,
    LARGE,
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


def test_nothing_is_opened_before_the_first_use(directory: Path) -> None:
    script = """
import sys, pathlib
from costroute_nb.cache.disk import DiskCache
from costroute_nb.clock import SystemClock
cache = DiskCache(pathlib.Path(sys.argv[1]), SystemClock())
print("diskcache" in sys.modules, pathlib.Path(sys.argv[1]).exists())  # for the test
cache.put("k", {"text": "a"}, 60)
print("diskcache" in sys.modules, pathlib.Path(sys.argv[1]).exists())  # for the test
cache.close()
"""
    out = finish(start_python(script, str(directory)))
    assert out.split() == ["False", "False", "True", "True"]


def test_answers_outlive_the_process_that_stored_them(
    directory: Path, clock: FakeClock, cache: DiskCache
) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.put("large", LARGE, 60)
    cache.close()
    again = DiskCache(directory, clock)
    assert text_of(again) == ENTRY["text"]
    assert text_of(again, "large") == LARGE["text"]
    again.close()


def test_stats_write_the_home_directory_as_a_tilde(
    home: Path, clock: FakeClock
) -> None:
    cache = DiskCache(home / "data" / "cache", clock)
    assert cache.stats()["where"] == str(Path("~/data/cache"))
    cache.close()


def test_a_limit_holds_although_the_database_remembers_another(
    directory: Path, clock: FakeClock, cache: DiskCache
) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.close()
    smaller = DiskCache(directory, clock, size_limit=2**20)
    for number in range(40):
        smaller.put(f"{number}", LARGE, 60)
    assert smaller.stats()["size_bytes"] < 2**21
    smaller.close()


def test_what_was_used_last_is_removed_last(directory: Path, clock: FakeClock) -> None:
    cache = DiskCache(directory, clock, size_limit=2**21)
    for number in range(12):
        cache.put(f"{number}", LARGE, 3600)
    run_sql(directory, "UPDATE Cache SET access_time = access_time - 3600")
    assert cache.get("0") is not None
    for number in range(12, 24):
        cache.put(f"{number}", LARGE, 3600)
    assert cache.get("1") is None
    assert cache.get("0") is not None
    cache.close()


def test_plain_diskcache_opens_the_store_and_leaves_it_usable(
    directory: Path,
    clock: FakeClock,
    cache: DiskCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.put("large", LARGE, 60)
    cache.close()
    with diskcache.Cache(str(directory)) as plain:
        assert json.loads(plain[KEY])["text"] == ENTRY["text"]
        assert json.loads(plain["large"])["text"] == LARGE["text"]
        plain["theirs"] = {"a": 1}
    again = DiskCache(directory, clock)
    assert text_of(again) == ENTRY["text"]
    assert again.get("theirs") is None
    assert caplog.text == ""
    again.close()


def modes(directory: Path) -> dict[str, set[int]]:
    """Return the modes of all directories and of all files."""
    found: dict[str, set[int]] = {"directories": set(), "files": set()}
    for path in (directory, *directory.rglob("*")):
        kind = "directories" if path.is_dir() else "files"
        found[kind].add(stat.S_IMODE(path.stat().st_mode))
    return found


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """Let every file be born as open as its maker asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


@ON_POSIX
@pytest.mark.usefixtures("_open_umask")
def test_all_files_are_private_while_the_cache_is_open(
    directory: Path, cache: DiskCache
) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.put("large", LARGE, 60)
    cache.claim(KEY, 60)
    names = {path.name for path in directory.rglob("*")}
    assert {"cache.db", "cache.db-wal", "cache.db-shm"} <= names
    assert any(name.endswith(".val") for name in names)
    assert modes(directory) == {"directories": {0o700}, "files": {0o600}}


@ON_POSIX
@pytest.mark.usefixtures("_open_umask")
def test_a_store_that_others_could_read_is_made_private(
    directory: Path, cache: DiskCache
) -> None:
    with diskcache.Cache(str(directory)) as plain:
        plain["theirs"] = 1
        directory.chmod(0o755)
        assert stat.S_IMODE((directory / "cache.db").stat().st_mode) == 0o644
    cache.put(KEY, ENTRY, 60)
    assert modes(directory) == {"directories": {0o700}, "files": {0o600}}


def test_a_hit_takes_far_less_than_a_millisecond(
    directory: Path, cache: DiskCache
) -> None:
    cache.put(KEY, {"text": "x" * 2000}, 60)
    took = []
    for _ in range(200):
        start = time.perf_counter()
        cache.get(KEY)
        took.append(time.perf_counter() - start)
    assert sorted(took)[100] < 0.0005
