"""A damaged store is set aside and begun anew."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costroute_nb.cache.disk import DiskCache
from tests.support.clock import FakeClock
from tests.support.stores import (
    ENTRY,
    KEY,
    LARGE,
    run_sql,
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


def spoil_header(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"this is no database " * 20)


def cut_in_half(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def spoil_pages(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (database.stat().st_size - 4096))


def drop_table(database: Path) -> None:
    run_sql(database.parent, "DROP TABLE Cache")


def plant_setting(database: Path) -> None:
    run_sql(database.parent, "INSERT INTO Settings VALUES ('disk_evil', 1)")


def plant_attribute(database: Path) -> None:
    run_sql(database.parent, "INSERT INTO Settings VALUES ('_disk', 'evil')")


DAMAGES = (
    spoil_header,
    cut_in_half,
    spoil_pages,
    plant_setting,
    plant_attribute,
)
damaged = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


def fill(cache: DiskCache) -> None:
    """Put so much that the database has many pages."""
    for number in range(60):
        cache.put(f"{number:064}", {"text": "x" * 4000}, 3600)
    cache.put("large", LARGE, 3600)


@damaged
def test_a_store_damaged_while_closed_is_set_aside_and_begun_anew(
    damage: Any,
    directory: Path,
    cache: DiskCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(cache)
    cache.close()
    damage(directory / "cache.db")
    for number in range(60):
        cache.get(f"{number:064}")
        cache.put("again", ENTRY, 60)
    assert text_of(cache, "again") == ENTRY["text"]

    (aside,) = directory.glob("cache.damaged-*")
    assert (aside / "cache.db").exists()
    assert list(aside.rglob("*.val"))
    assert list(directory.glob("??")) == []
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert aside.name in caplog.text
    assert str(directory) not in caplog.text


@pytest.mark.parametrize(
    "damage", [spoil_pages, drop_table], ids=lambda damage: damage.__name__
)
def test_a_store_damaged_while_open_is_begun_anew(
    damage: Any, directory: Path, cache: DiskCache
) -> None:
    fill(cache)
    cache.close()
    assert cache.get("none") is None  # open, with little of it in memory
    damage(directory / "cache.db")
    for number in range(60):
        cache.get(f"{number:064}")
        cache.put(f"{number}", ENTRY, 60)
    assert text_of(cache, "59") == ENTRY["text"]
    assert list(directory.glob("cache.damaged-*"))


def test_damaged_claims_are_begun_anew(
    directory: Path, cache: DiskCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.claim(KEY, 60)
    cache.close()
    spoil_header(directory / "claims" / "cache.db")
    assert cache.claim(KEY, 60) is not None
    assert cache.claim(KEY, 60) is None
    assert "set aside" in caplog.text


def test_one_damaged_store_is_kept_at_most_and_clearing_removes_it(
    directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    for _ in range(2):
        cache.put(KEY, ENTRY, 60)
        cache.close()
        spoil_header(directory / "cache.db")
        clock.advance(1)
    assert cache.get(KEY) is None
    assert len(list(directory.glob("cache.damaged-*"))) == 1
    cache.clear()
    assert list(directory.glob("cache.damaged-*")) == []


def test_a_store_damaged_again_and_again_gives_way_to_memory(
    directory: Path, cache: DiskCache
) -> None:
    for _ in range(6):
        cache.put(KEY, ENTRY, 60)
        cache.close()
        spoil_header(directory / "cache.db")
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert cache.stats()["where"] == "memory"


def test_a_store_removed_while_open_is_made_again(
    directory: Path, cache: DiskCache
) -> None:
    fill(cache)
    cache.claim(KEY, 60)
    shutil.rmtree(directory)
    assert cache.get("large") is None
    assert cache.claim(KEY, 60) is not None
    cache.put("large", LARGE, 60)
    assert text_of(cache, "large") == LARGE["text"]
    assert (directory / "cache.db").exists()


def test_a_store_set_aside_by_another_process_is_left_for_the_new_one(
    directory: Path, cache: DiskCache, clock: FakeClock
) -> None:
    fill(cache)
    other = DiskCache(directory, clock)
    other.get(KEY)
    plant_setting(directory / "cache.db")
    cache.close()
    cache.put(KEY, ENTRY, 60)
    assert text_of(other) == ENTRY["text"]
    other.put("b", ENTRY, 60)
    assert text_of(cache, "b") == ENTRY["text"]
    assert len(list(directory.glob("cache.damaged-*"))) == 1
    other.close()
