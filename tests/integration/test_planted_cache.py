"""What others write into the store is a miss, and never runs."""

import json
import os
import pickle  # to plant what must never be read back
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import diskcache
import pytest

from costroute_nb.cache import strict
from costroute_nb.cache.disk import DiskCache
from tests.support.clock import FakeClock
from tests.support.stores import (
    ENTRY,
    KEY,
    LARGE,
    ON_POSIX,
    plant,
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


class Bomb:
    """Creates a directory when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


def plant_pickle(directory: Path, kind: str, bomb: bytes) -> None:
    """Plant a pickle as a value, as the file of a value, or as a key."""
    name = os.path.join("ab", "cd", "0" * 28 + ".val")  # noqa: PTH118
    if kind == "value":
        plant(directory, mode=4, value=bomb)
    elif kind == "file":
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(bomb)
        plant(directory, mode=4, filename=name)
    elif kind == "binary":
        plant(directory, mode=2, value=bomb)
    elif kind == "raw bytes":
        plant(directory, mode=1, value=bomb)
    else:
        plant(directory, key=bomb, raw=0, value="{}")
        plant(directory, key=KEY, raw=0, mode=4, value=bomb)


KINDS = ("value", "file", "key", "binary", "raw bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_pickle_is_a_miss_and_is_not_executed(
    kind: str,
    directory: Path,
    cache: DiskCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    canary = tmp_path / "executed"
    cache.put("other", ENTRY, 60)
    plant_pickle(directory, kind, pickle.dumps(Bomb(canary)))

    assert cache.get(KEY) is None
    cache.stats()
    cache.prune()
    cache.close()
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
    assert text_of(cache, "other") == ENTRY["text"]
    cache.clear()
    assert not canary.exists()
    assert caplog.text == ""


@pytest.mark.parametrize("kind", ["value", "file", "key"])
def test_plain_diskcache_would_execute_what_is_planted(
    kind: str, directory: Path, cache: DiskCache, tmp_path: Path
) -> None:
    canary = tmp_path / "executed"
    cache.clear()
    plant_pickle(directory, kind, pickle.dumps(Bomb(canary)))
    with diskcache.Cache(str(directory)) as plain:
        plain.get(KEY)
        next(plain.iterkeys(reverse=True))
    assert canary.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_pickle_in_the_claims_is_not_executed(
    kind: str,
    directory: Path,
    cache: DiskCache,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    canary = tmp_path / "executed"
    token = cache.claim("other", 60)
    assert token is not None
    plant_pickle(directory / "claims", kind, pickle.dumps(Bomb(canary)))
    cache.unclaim(KEY, "token")
    plant_pickle(directory / "claims", kind, pickle.dumps(Bomb(canary)))
    assert cache.claim(KEY, 60) is not None
    assert cache.claim(KEY, 60) is None
    cache.unclaim("other", token)
    assert not canary.exists()
    assert caplog.text == ""


def test_a_refused_row_is_removed_with_its_file(
    directory: Path, cache: DiskCache
) -> None:
    cache.put("other", ENTRY, 60)
    plant_pickle(directory, "file", b"no pickle")
    cache.get(KEY)
    assert run_sql(directory, "SELECT key FROM Cache") == [("other",)]
    assert list(directory.rglob("*.val")) == []


def test_pruning_removes_rows_that_are_not_ours(
    directory: Path, cache: DiskCache
) -> None:
    cache.put("other", ENTRY, 60)
    for kind in KINDS:
        plant_pickle(directory, kind, b"no pickle")
    assert cache.prune() > 0
    assert run_sql(directory, "SELECT key FROM Cache") == [("other",)]


TIMES = '"stored_at": 1, "expires_at": 9e9'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '"text"',
        "{}",
        '{"text": "a", "stored_at": 1}',
        '{"stored_at": true, "expires_at": 9e9}',
        '{"stored_at": 1, "expires_at": NaN}',
        '{"stored_at": 1, "expires_at": "9"}',
        f'{{"text": {"[" * 100_000}, {TIMES}}}',
        b"\xff\xfe",
        17,
        None,
    ],
    ids=lambda text: str(text)[:40],
)
def test_a_tampered_entry_is_a_miss_and_is_removed(
    text: object,
    directory: Path,
    cache: DiskCache,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache.put(KEY, ENTRY, 60)
    run_sql(directory, "UPDATE Cache SET value = ?", text)
    assert cache.get(KEY) is None
    assert run_sql(directory, "SELECT * FROM Cache") == []
    assert caplog.text == ""


def test_text_that_is_no_unicode_is_a_miss_and_is_removed(
    directory: Path, cache: DiskCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.put(KEY, ENTRY, 60)
    run_sql(directory, "UPDATE Cache SET value = CAST(x'ff' AS TEXT)")
    assert cache.get(KEY) is None
    assert run_sql(directory, "SELECT key FROM Cache") == []
    assert caplog.text == ""


def test_a_row_cannot_name_a_file_outside_the_store(
    directory: Path, cache: DiskCache, tmp_path: Path
) -> None:
    victim = tmp_path / "notes.txt"
    victim.write_text(json.dumps(ENTRY | {"stored_at": 1, "expires_at": 9e9}))
    for name in (str(victim), "../notes.txt", "ab/../../notes.txt"):
        cache.put(KEY, ENTRY, 60)
        plant(directory, mode=3, filename=name)
        assert cache.get(KEY) is None
        plant(directory, mode=3, filename=name)
        cache.put(KEY, ENTRY, 60)
        plant(directory, mode=3, filename=name)
        cache.prune()
        plant(directory, mode=3, filename=name)
        cache.clear()
    assert victim.exists()


@ON_POSIX
@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "huge", "removed"])
def test_a_value_file_that_is_none_is_a_miss(
    kind: str,
    directory: Path,
    cache: DiskCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache.put(KEY, LARGE, 60)
    (path,) = directory.rglob("*.val")
    if kind == "huge":
        monkeypatch.setattr(strict, "LARGEST_VALUE", 99_000)
    else:
        whole = path.read_text()
        path.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_text(whole)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    assert cache.get(KEY) is None
    cache.put(KEY, ENTRY, 60)
    assert text_of(cache) == ENTRY["text"]
