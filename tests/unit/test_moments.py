"""A day or a moment is read as it is meant, and what is neither is left to others."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from costroute_nb.core.moments import moment_of


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1)),  # noqa: DTZ001 -- what a user types
        (" 2026-11-01 09:30 ", datetime(2026, 11, 1, 9, 30)),  # noqa: DTZ001 -- and here
        ("2026-11-01T09:30Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 1)),  # noqa: DTZ001 -- and here
        (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_days_and_moments_are_read(value: object, moment: datetime) -> None:
    assert moment_of(value) == moment


@pytest.mark.parametrize(
    "value", ["30d", "20261101", "90", 90, 1.5, None, "2026-13-01", "-1", "yesterday"]
)
def test_what_is_neither_is_no_moment(value: object) -> None:
    assert moment_of(value) is None
