"""Turn the values of options into what they stand for, by kind."""

from collections.abc import Callable
from typing import Any

from costroute_nb.core.moments import moment_of
from costroute_nb.settings import seconds


def _since(value: str) -> float | str:
    """Return seconds, or a day or moment as it is written."""
    return seconds(value) if moment_of(value) is None else value


def _usd(value: str) -> float:
    return float(value.removeprefix("$"))


def _limit(value: str) -> float | None:
    return None if value.lower() in ("none", "off") else _usd(value)


CONVERSIONS: dict[str, tuple[Callable[[str], Any], str]] = {
    "number": (int, "a whole number"),
    "fraction": (float, "a fraction such as 0.8"),
    "usd": (_usd, "an amount of USD such as 0.05 or $0.05"),
    "limit": (_limit, "an amount of USD such as 5, or none"),
    "time": (seconds, "a time such as 90s, 30m, 1h or 2d"),
    "since": (
        _since,
        "a day or moment such as 2026-11-01, or a time such as 90s, 30m, 1h or 2d",
    ),
}
"""How each kind of value is read, and what to say it takes."""
