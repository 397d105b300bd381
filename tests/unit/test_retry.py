"""How long to wait before another attempt, and what is said when it ends."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.retry import RetryPolicy
from costroute_nb.errors import ProviderError, RateLimitError

POLICY = RetryPolicy(attempts=4, base=0.5, cap=3.0, max_wait=60.0)
BUSY = ProviderError("overloaded", status=529, retryable=True)


def asked_to_wait(seconds: float) -> RateLimitError:
    return RateLimitError("slow down", retryable=True, retry_after=seconds, status=429)


def test_waits_double_up_to_the_cap() -> None:
    policy = RetryPolicy(attempts=9, base=0.5, cap=3.0)
    waits = [policy.delay(BUSY, attempt, 0.0, 0.0) for attempt in range(1, 6)]
    assert waits == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_shortens_by_up_to_half() -> None:
    assert POLICY.delay(BUSY, 1, 0.0, 0.5) == pytest.approx(0.375)


def test_error_that_no_retry_helps_is_not_retried() -> None:
    refused = ProviderError("bad request", status=400, retryable=False)
    assert POLICY.delay(refused, 1, 0.0, 0.0) is None
    assert POLICY.gave_up(refused, 1, 0.0) is refused


def test_last_attempt_is_not_followed_by_another() -> None:
    assert POLICY.delay(BUSY, 3, 0.0, 0.0) is not None
    assert POLICY.delay(BUSY, 4, 0.0, 0.0) is None


def test_provider_is_waited_for_exactly_as_long_as_it_asks() -> None:
    assert POLICY.delay(asked_to_wait(17.0), 1, 0.0, 0.9) == 17.0


def test_wait_of_zero_falls_back_to_the_usual_one() -> None:
    assert POLICY.delay(asked_to_wait(0.0), 1, 0.0, 0.0) == 0.5


def test_wait_beyond_what_remains_is_refused_at_once() -> None:
    assert POLICY.delay(asked_to_wait(60.0), 1, 0.0, 0.0) == 60.0
    assert POLICY.delay(asked_to_wait(60.1), 1, 0.0, 0.0) is None
    assert POLICY.delay(asked_to_wait(31.0), 1, 30.0, 0.0) is None


def test_giving_up_names_both_waits() -> None:
    error = POLICY.gave_up(asked_to_wait(7200.0), 1, 0.0)
    assert "asks to wait 2 h, more than the 60 s" in str(error)
    assert type(error) is RateLimitError


def test_giving_up_counts_the_attempts() -> None:
    assert "gave up after 4 attempts" in str(POLICY.gave_up(BUSY, 4, 6.5))


def test_giving_up_keeps_the_fields_also_through_pickle() -> None:
    error = POLICY.gave_up(asked_to_wait(7200.0), 1, 0.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.status, copy.retry_after, copy.retryable) == (429, 7200.0, True)
    assert str(copy) == str(error)


def test_policy_of_one_attempt_adds_nothing_to_the_error() -> None:
    once = RetryPolicy(attempts=1)
    assert once.delay(BUSY, 1, 0.0, 0.0) is None
    assert once.gave_up(BUSY, 1, 0.0) is BUSY


@given(
    waits=st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=12),
    attempts=st.integers(1, 12),
    max_wait=st.floats(0, 100),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_total_wait_and_attempts_stay_within_the_policy(
    waits: list[float | None], attempts: int, max_wait: float, jitter: float
) -> None:
    policy = RetryPolicy(attempts=attempts, max_wait=max_wait)
    waited, made = 0.0, 0
    for wait in waits:
        made += 1
        error = ProviderError("busy", retryable=True, retry_after=wait)
        delay = policy.delay(error, made, waited, jitter)
        if delay is None:
            assert "\n" not in str(policy.gave_up(error, made, waited))
            break
        assert delay >= 0
        waited += delay
    assert made <= attempts
    assert waited <= max_wait * (1 + 1e-9)
