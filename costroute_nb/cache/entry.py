"""An answer as cached text: when it was stored, and whether it may still be served."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger("costroute_nb")

STORED_AT = "stored_at"
EXPIRES_AT = "expires_at"


def write_entry(
    entry: Mapping[str, Any], now: float, ttl: float, largest: int
) -> str | None:
    """Return an entry as JSON text with its two times, in seconds since the epoch.

    None, with a warning, if it is no JSON or longer than `largest` bytes: by then the
    answer is paid for, so what cannot be kept must not fail the call.
    """
    stamped = {**entry, STORED_AT: now, EXPIRES_AT: now + ttl}
    try:
        text = json.dumps(stamped, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        logger.warning("an answer is not cached: it is no JSON (%s)", error)
        return None
    if len(text) > largest:
        logger.warning("an answer of %d bytes is too large to be cached", len(text))
        return None
    return text


def read_entry(text: str) -> dict[str, Any] | None:
    """Return what `write_entry` wrote, or None for anything else."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(entry, dict) and all(map(_is_moment, map(entry.get, _TIMES))):
        return entry
    return None


_TIMES = (STORED_AT, EXPIRES_AT)


def _is_moment(value: object) -> bool:
    return type(value) in {int, float} and math.isfinite(value)  # type: ignore[arg-type]


def is_fresh(entry: Mapping[str, Any], now: float, max_age: float | None) -> bool:
    """Whether an entry has not expired and is no older than `max_age` seconds."""
    if now >= entry[EXPIRES_AT]:
        return False
    return max_age is None or now - entry[STORED_AT] <= max_age
