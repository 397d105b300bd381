"""Days and months begin where their zone says, and tile the line of time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costroute_nb.core.budget import Limits, checks, day_period, month_period

Period = Callable[[datetime, ZoneInfo], tuple[datetime, datetime]]

HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)

# Every zone of the kind that others get wrong, also of the past.
ZONES = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "America/St_Johns",  # clocks went back from 00:01 to 23:01 the day before
        "America/Sao_Paulo",  # midnight skipped once a year
        "America/Havana",
        "America/Toronto",  # 1919: half past eleven to half past midnight
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Asia/Kolkata",
        "Australia/Lord_Howe",  # half an hour of summer time
        "Pacific/Apia",  # a day skipped in 2011
        "Pacific/Chatham",
        "Pacific/Kwajalein",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(-(2**31), 2**32).map(lambda s: datetime.fromtimestamp(s, UTC))
TODAYS = st.integers(1_400_000_000, 2**32).map(lambda s: datetime.fromtimestamp(s, UTC))
PERIODS = st.sampled_from([day_period, month_period])


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "since", "until"),
    [
        ("UTC", "2026-11-22 12:00", "2026-11-22 00:00", "2026-11-23 00:00"),
        ("UTC", "2026-11-22 00:00", "2026-11-22 00:00", "2026-11-23 00:00"),
        # 23 hours, then 25.
        (
            "America/New_York",
            "2026-03-08 12:00",
            "2026-03-08 05:00",
            "2026-03-09 04:00",
        ),
        (
            "America/New_York",
            "2026-11-01 12:00",
            "2026-11-01 04:00",
            "2026-11-02 05:00",
        ),
        (
            "America/New_York",
            "2026-11-02 04:59",
            "2026-11-01 04:00",
            "2026-11-02 05:00",
        ),
        ("Asia/Kolkata", "2026-11-22 18:29", "2026-11-21 18:30", "2026-11-22 18:30"),
        ("Asia/Kolkata", "2026-11-22 18:30", "2026-11-22 18:30", "2026-11-23 18:30"),
        # The 30th of December 2011 did not happen.
        ("Pacific/Apia", "2011-12-30 09:59", "2011-12-29 10:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-30 10:00", "2011-12-30 10:00", "2011-12-31 10:00"),
        ("Pacific/Apia", "2026-11-22 12:00", "2026-11-22 11:00", "2026-11-23 11:00"),
        # Days that begin at one o'clock.
        (
            "America/Sao_Paulo",
            "2018-11-04 12:00",
            "2018-11-04 03:00",
            "2018-11-05 02:00",
        ),
        ("Asia/Beirut", "2026-03-29 12:00", "2026-03-28 22:00", "2026-03-29 21:00"),
        # Half an hour skipped on each side of midnight.
        ("America/Toronto", "1919-03-31 12:00", "1919-03-31 04:30", "1919-04-01 04:00"),
        # The 1st of November had begun when clocks went back to the 31st of October.
        (
            "America/St_Johns",
            "2009-11-01 02:31",
            "2009-11-01 02:30",
            "2009-11-02 03:30",
        ),
    ],
)
def test_day_is_from_midnight_to_midnight_in_its_zone(
    zone: str, at: str, since: str, until: str
) -> None:
    assert day_period(utc(at), ZoneInfo(zone)) == (utc(since), utc(until))


@pytest.mark.parametrize(
    ("zone", "at", "since", "until"),
    [
        ("UTC", "2026-01-31 23:59", "2026-01-01 00:00", "2026-02-01 00:00"),
        ("UTC", "2026-02-01 00:00", "2026-02-01 00:00", "2026-03-01 00:00"),
        ("UTC", "2028-02-29 12:00", "2028-02-01 00:00", "2028-03-01 00:00"),
        ("UTC", "2026-12-31 12:00", "2026-12-01 00:00", "2027-01-01 00:00"),
        (
            "America/New_York",
            "2026-11-01 03:59",
            "2026-10-01 04:00",
            "2026-11-01 04:00",
        ),
        (
            "America/New_York",
            "2026-11-22 12:00",
            "2026-11-01 04:00",
            "2026-12-01 05:00",
        ),
        ("Asia/Kolkata", "2026-10-31 18:30", "2026-10-31 18:30", "2026-11-30 18:30"),
        ("Pacific/Apia", "2011-12-15 12:00", "2011-12-01 10:00", "2011-12-31 10:00"),
        (
            "America/St_Johns",
            "2009-11-01 03:00",
            "2009-11-01 02:30",
            "2009-12-01 03:30",
        ),
    ],
)
def test_month_is_the_calendar_month_in_its_zone(
    zone: str, at: str, since: str, until: str
) -> None:
    assert month_period(utc(at), ZoneInfo(zone)) == (utc(since), utc(until))


@given(MOMENTS, ZONES, PERIODS)
@example(utc("2009-11-01 02:45"), ZoneInfo("America/St_Johns"), day_period)
@example(utc("2009-11-01 02:45"), ZoneInfo("America/St_Johns"), month_period)
@example(utc("1993-08-21 12:00"), ZoneInfo("Pacific/Kwajalein"), day_period)
def test_moment_lies_in_its_period(
    at: datetime, zone: ZoneInfo, period: Period
) -> None:
    since, until = period(at, zone)
    assert since <= at < until


@given(MOMENTS, ZONES, PERIODS)
def test_periods_tile_the_line_of_time(
    at: datetime, zone: ZoneInfo, period: Period
) -> None:
    since, until = period(at, zone)
    assert period(since, zone) == (since, until)
    assert period(until - INSTANT, zone) == (since, until)
    assert period(until, zone)[0] == until
    assert period(since - INSTANT, zone)[1] == since


@given(MOMENTS, ZONES)
def test_month_is_made_of_whole_days(at: datetime, zone: ZoneInfo) -> None:
    since, until = month_period(at, zone)
    assert day_period(since, zone)[0] == since
    assert day_period(until - INSTANT, zone)[1] == until


@given(TODAYS, ZONES)
def test_day_of_today_has_23_to_25_hours(at: datetime, zone: ZoneInfo) -> None:
    since, until = day_period(at, zone)
    assert 23 * HOUR <= until - since <= 25 * HOUR


def test_days_of_every_zone_of_today_begin_on_a_quarter_hour() -> None:
    moments = [
        utc(f"{year}-{month:02}-01") for year in (2026, 2030) for month in (1, 7)
    ]
    odd = {
        name
        for name in available_timezones()
        for at in moments
        for edge in day_period(at, ZoneInfo(name))
        if edge.timestamp() % 900
    }
    assert odd == set()


def test_every_limit_that_holds_is_checked_and_no_other() -> None:
    zone = ZoneInfo("America/New_York")
    at = utc("2026-11-22 12:00")
    found = checks(
        Limits(call=0.05, session=None, day=5, month=None),
        call_id="call",
        session_id="session",
        at=at,
        zone=zone,
    )
    assert [(check.name, check.limit) for check in found] == [
        ("call", 5 * 10**10),
        ("day", 5 * 10**12),
    ]
    assert found[0].call_id == "call"
    assert (found[1].since, found[1].until) == day_period(at, zone)


@pytest.mark.parametrize(
    ("call", "max_cost", "limit"),
    [(0.05, None, 5), (0.05, 10**10, 1), (0.01, 5 * 10**10, 1), (None, 10**10, 1)],
)
def test_cost_cap_of_a_call_can_only_tighten_its_limit(
    call: float | None, max_cost: int | None, limit: int
) -> None:
    (found,) = checks(
        Limits(call=call, session=None),
        call_id="call",
        session_id="session",
        at=utc("2026-11-22"),
        zone=ZoneInfo("UTC"),
        max_cost=max_cost,
    )
    assert (found.name, found.limit) == ("call", limit * 10**10)


@pytest.mark.parametrize("name", ["call", "session", "day", "month"])
@pytest.mark.parametrize("amount", [-0.01, float("nan"), float("inf")])
def test_limit_that_is_no_amount_of_money_is_refused(name: str, amount: float) -> None:
    with pytest.raises(ValueError, match=r"negative|finite"):
        Limits(**{name: amount})  # type: ignore[arg-type]  # a name picked at run time


@pytest.mark.parametrize("alert_at", [0.0, 1.01, -0.5])
def test_alert_is_due_at_a_fraction(alert_at: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        Limits(alert_at=alert_at)


def test_limits_either_stop_or_degrade() -> None:
    with pytest.raises(ValueError, match="'ignore'"):
        Limits(on_limit="ignore")  # type: ignore[arg-type]


def test_limits_are_bounded_while_one_of_them_holds() -> None:
    assert Limits(call=None, session=None, day=None, month=0).bounded
    assert not Limits(call=None, session=None).bounded
