"""What every ResponseCache does, wherever it keeps its answers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costroute_nb.cache.disk import DiskCache
from costroute_nb.cache.memory import MemoryCache
from costroute_nb.ports import ResponseCache
from tests.support.clock import FakeClock

KEY = "a" * 64
OTHER = "b" * 64
ENTRY = {"text": "Rayleigh scattering.", "usage": {"input_tokens": 12}}
LIMIT = 2**20


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=[DiskCache, MemoryCache])
def cache(
    request: pytest.FixtureRequest, clock: FakeClock, tmp_path: Path
) -> Iterator[ResponseCache]:
    made: ResponseCache
    if request.param is DiskCache:
        made = DiskCache(tmp_path / "cache", clock, size_limit=LIMIT)
    else:
        made = MemoryCache(clock, size_limit=LIMIT)
    yield made
    made.close()


def test_nothing_is_found_before_it_was_put(cache: ResponseCache) -> None:
    assert cache.get(KEY) is None


def test_an_entry_comes_back_with_its_times(
    cache: ResponseCache, clock: FakeClock
) -> None:
    now = clock.now().timestamp()
    cache.put(KEY, ENTRY, 60)
    clock.advance(10)
    assert cache.get(KEY) == ENTRY | {"stored_at": now, "expires_at": now + 60}


def test_an_entry_answers_to_its_own_key_only(cache: ResponseCache) -> None:
    cache.put(KEY, ENTRY, 60)
    assert cache.get(OTHER) is None


def test_an_entry_put_again_replaces_the_older_one(
    cache: ResponseCache, clock: FakeClock
) -> None:
    cache.put(KEY, {"text": "old"}, 60)
    clock.advance(50)
    cache.put(KEY, {"text": "new"}, 60)
    clock.advance(50)
    found = cache.get(KEY, max_age=50)
    assert found is not None
    assert found["text"] == "new"


def test_an_entry_expires_after_exactly_its_time(
    cache: ResponseCache, clock: FakeClock
) -> None:
    cache.put(KEY, ENTRY, 3600)
    clock.advance(3599.999)
    assert cache.get(KEY) is not None
    clock.advance(0.001)
    assert cache.get(KEY) is None


def test_an_entry_too_old_for_one_caller_is_kept_for_others(
    cache: ResponseCache, clock: FakeClock
) -> None:
    cache.put(KEY, ENTRY, 3600)
    clock.advance(61)
    assert cache.get(KEY, max_age=60) is None
    assert cache.get(KEY, max_age=61) is not None


def test_changing_what_came_back_changes_nothing_kept(cache: ResponseCache) -> None:
    cache.put(KEY, ENTRY, 60)
    found = cache.get(KEY)
    assert found is not None
    found["usage"]["input_tokens"] = 0
    again = cache.get(KEY)
    assert again is not None
    assert again["usage"]["input_tokens"] == 12


@pytest.mark.parametrize("value", [{1, 2}, b"x", float("nan"), object()], ids=repr)
def test_what_is_not_json_is_not_kept_and_fails_nothing(
    cache: ResponseCache, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    cache.put(KEY, {"text": value}, 60)
    assert cache.get(KEY) is None
    assert "not cached" in caplog.text


def test_what_would_fill_the_cache_alone_is_not_kept(
    cache: ResponseCache, caplog: pytest.LogCaptureFixture
) -> None:
    cache.put(KEY, {"text": "x" * LIMIT}, 60)
    assert cache.get(KEY) is None
    assert "too large" in caplog.text


def test_the_size_stays_near_its_limit_and_the_newest_answers_stay(
    cache: ResponseCache,
) -> None:
    for number in range(100):
        cache.put(f"{number:064}", {"text": "x" * 50_000}, 3600)
    assert cache.stats()["size_bytes"] <= LIMIT * 1.2
    assert cache.get(f"{0:064}") is None
    assert cache.get(f"{99:064}") is not None


def test_stats_tell_entries_and_bytes(cache: ResponseCache) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.put(OTHER, ENTRY, 60)
    stats = cache.stats()
    assert stats["entries"] == 2
    assert 0 < stats["size_bytes"] < stats["size_limit_bytes"] == LIMIT
    assert stats["where"]


def test_clearing_removes_and_counts_every_answer(cache: ResponseCache) -> None:
    for number in range(250):
        cache.put(f"{number:064}", ENTRY, 60)
    assert cache.clear() == 250
    assert cache.get(f"{7:064}") is None
    assert cache.stats()["entries"] == 0
    assert cache.clear() == 0


def test_pruning_removes_and_counts_expired_answers_only(
    cache: ResponseCache, clock: FakeClock
) -> None:
    for number in range(250):
        cache.put(f"{number:064}", ENTRY, 60 if number % 2 else 600)
    clock.advance(60)
    assert cache.prune() == 125
    assert cache.stats()["entries"] == 125
    assert cache.get(f"{0:064}") is not None


def test_only_one_caller_has_a_claim(cache: ResponseCache) -> None:
    assert cache.claim(KEY, 60) is not None
    assert cache.claim(KEY, 60) is None


def test_claims_of_two_keys_are_independent(cache: ResponseCache) -> None:
    cache.claim(KEY, 60)
    assert cache.claim(OTHER, 60) is not None


def test_a_claim_that_was_ended_is_free(cache: ResponseCache) -> None:
    token = cache.claim(KEY, 60)
    assert token is not None
    cache.unclaim(KEY, token)
    assert cache.claim(KEY, 60) is not None


def test_a_claim_is_not_ended_by_another_token(cache: ResponseCache) -> None:
    cache.claim(KEY, 60)
    cache.unclaim(KEY, "another")
    assert cache.claim(KEY, 60) is None


def test_ending_a_claim_that_does_not_exist_is_harmless(cache: ResponseCache) -> None:
    cache.unclaim(KEY, "none")
    assert cache.claim(KEY, 60) is not None


def test_a_claim_passes_to_another_when_its_time_is_over(
    cache: ResponseCache, clock: FakeClock
) -> None:
    first = cache.claim(KEY, 60)
    assert first is not None
    clock.advance(59.9)
    assert cache.claim(KEY, 60) is None
    clock.advance(0.1)
    assert cache.claim(KEY, 60) is not None
    cache.unclaim(KEY, first)
    assert cache.claim(KEY, 60) is None


def test_a_claim_lasts_an_hour_at_most(cache: ResponseCache, clock: FakeClock) -> None:
    cache.claim(KEY, 1e9)
    assert cache.claim(KEY, 60) is None
    clock.advance(3600)
    assert cache.claim(KEY, 60) is not None


def test_claims_are_no_answers(cache: ResponseCache) -> None:
    cache.claim(KEY, 60)
    assert cache.get(KEY) is None
    assert cache.stats()["entries"] == 0
    assert cache.prune() == 0
    assert cache.clear() == 0
    assert cache.claim(KEY, 60) is None


def test_of_many_threads_one_gets_the_claim(cache: ResponseCache) -> None:
    start = threading.Barrier(16)
    tokens: list[str | None] = []

    def contend() -> None:
        start.wait()
        tokens.append(cache.claim(KEY, 60))

    in_threads([contend] * 16)
    assert len([token for token in tokens if token is not None]) == 1


def test_threads_share_a_cache(cache: ResponseCache) -> None:
    wrong: list[Any] = []

    def work(name: str) -> None:
        for number in range(30):
            cache.put(f"{name}{number}", {"text": name}, 60)
            found = cache.get(f"{name}{number}")
            if found is None or found["text"] != name:
                wrong.append(found)

    in_threads([lambda name=name: work(name) for name in "abcdefgh"])
    assert wrong == []
    assert cache.stats()["entries"] == 240


def test_a_closed_cache_may_be_used_again(cache: ResponseCache) -> None:
    cache.put(KEY, ENTRY, 60)
    cache.close()
    cache.close()
    assert cache.get(KEY) is not None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),  # lone surrogates too
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


# The cache may stay the same one: each example replaces the entry of the one before.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(value=JSON)
def test_any_json_comes_back_as_it_was(cache: ResponseCache, value: Any) -> None:
    cache.put(KEY, {"value": value}, 60)
    found = cache.get(KEY)
    assert found is not None
    assert found["value"] == value


def in_threads(works: list[Any]) -> None:
    """Run functions at the same time and wait for all of them."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
