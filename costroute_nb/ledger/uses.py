"""Sum up what attempts used beyond plain tokens, and how long their answers were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costroute_nb.core.answer_sizes import Answers
from costroute_nb.core.levers import Used
from costroute_nb.ledger import periods

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from costroute_nb.ledger.connection import SharedConnection

NEWEST = 20_000
"""Accepted answers that are looked at for their length."""

_PROMPT = (
    "input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens"
)
_CACHED = (
    "(cache_read_tokens > 0 OR cache_write_5m_tokens > 0 OR cache_write_1h_tokens > 0)"
)
# What was billed nothing would have been billed nothing untrimmed, too.
_TRIMMED = "(trimmed_tokens > 0 AND cost IS NOT 0)"
_UNTOLD = f"({_TRIMMED} AND (trimmed IS NULL OR cost IS NULL))"
_UNMEASURED = "(baseline IS NULL AND cost IS NOT NULL)"

_SPECIAL = (
    "status <> 'pending'"
    f" AND ({_CACHED} OR thinking_tokens > 0 OR {_TRIMMED} OR {_UNMEASURED})"
)

_PRICED_BY = ("provider", "model", "service_tier", "speed", "geo")
_DAY = f"at / {periods.DAY}"
# Everything that a look reads, in the order of its groups: of a million rows none is
# fetched and nothing is sorted.
_INDEXED = (
    "simulated", _DAY, *_PRICED_BY, "at", "input_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "thinking_tokens",
    "trimmed_tokens", "trimmed", "cost", "baseline", "cache_hit", "status",
)  # fmt: skip
INDEX = (
    f"CREATE INDEX records_special ON records ({', '.join(_INDEXED)}) WHERE {_SPECIAL}"
)
"""What makes the index that keeps a look at uses cheap."""

_SUMS = (
    _CACHED, "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "thinking_tokens > 0", "thinking_tokens", _TRIMMED, f"{_TRIMMED} * trimmed_tokens",
    f"CASE WHEN {_TRIMMED} AND NOT {_UNTOLD} THEN trimmed ELSE 0 END", _UNTOLD,
    _UNMEASURED, f"{_UNMEASURED} AND cache_hit",
)  # fmt: skip
_ALIKE = ("provider", "model", "task", "workflow", "step", "structured", "effort")
_STRUCTURED = _ALIKE.index("structured")
_LONGEST = 2**62


class UseReading:
    """The part of a ledger that sums up uses."""

    _shared: SharedConnection

    def used(
        self,
        above: Callable[[datetime], Collection[int]],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Used]:
        """Yield what finished attempts of one pot used that used anything special.

        They are read by days of UTC, so that no look keeps the ledger for long.
        `above` gives, for a moment, the prompt lengths at which a price changes.
        """
        # Few rows are of one session: its own index finds them.
        scope: tuple[Any, ...] = (simulated,)
        scope = scope if session_id is None else (session_id, *scope)
        where = "session_id = ? AND +" * (len(scope) - 1) + "simulated = ?"
        following, query = _FOLLOWING.format(where), _OF_DAY.format(where)
        first = -(2**63) if since is None else periods.to_micros(since)
        while found := self._shared.fetch(
            following, (*scope, first // periods.DAY, first)
        ):
            day = found[0][0] // periods.DAY
            last = (day + 1) * periods.DAY
            at = periods.from_micros(day * periods.DAY)
            steps = sorted({0, *above(at)})
            for least, most in zip(steps, (*steps[1:], _LONGEST), strict=True):
                values = (*scope, day, first, last, least or -1, most)
                for row in self._shared.fetch(query, values):
                    priced, sums = row[: len(_PRICED_BY)], row[len(_PRICED_BY) :]
                    yield Used._make((at, *priced, least, *sums))
            first = last

    def answers(
        self,
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
    ) -> list[Answers]:
        """Return how long accepted answers of one pot were, by what they answered.

        Only the newest `NEWEST` are looked at, and none from the cache.
        """
        scope = () if session_id is None else (session_id,)
        first = -(2**63) if since is None else periods.to_micros(since)
        query = _SIZES.format("session_id = ? AND" * len(scope))
        rows = self._shared.fetch(query, (*scope, simulated, first, NEWEST))
        return [Answers(*_with_flag(row)) for row in rows]


_FOLLOWING = (
    f"SELECT at FROM records WHERE {{}} AND {_DAY} >= ? AND at >= ? AND {_SPECIAL}"  # noqa: S608 -- our own words
    f" ORDER BY {_DAY} LIMIT 1"
)
_OF_DAY = (
    f"SELECT {', '.join(_PRICED_BY)}, {', '.join(f'sum({s})' for s in _SUMS)}"  # noqa: S608 -- our own words
    f" FROM records WHERE {{}} AND {_DAY} = ? AND at >= ? AND at < ? AND {_SPECIAL}"
    f" AND {_PROMPT} > ? AND {_PROMPT} <= ? GROUP BY {', '.join(_PRICED_BY)}"
)

_NAMES = ", ".join(_ALIKE)
_SIZES = (
    f"SELECT {_NAMES}, count(*), sum(output_tokens), sum(thinking_tokens) FROM ("  # noqa: S608 -- our own words
    f"SELECT {_NAMES}, output_tokens, thinking_tokens FROM records"
    " WHERE {} simulated = ? AND at >= ? AND status = 'ok'"
    f" ORDER BY at DESC LIMIT ?) GROUP BY {_NAMES}"
)


def _with_flag(row: tuple[Any, ...]) -> tuple[Any, ...]:
    flag = bool(row[_STRUCTURED])
    return (*row[:_STRUCTURED], flag, *row[_STRUCTURED + 1 :])
