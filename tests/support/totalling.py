"""Totals added up row by row, to hold others against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from costroute_nb.core.record import Record
from costroute_nb.core.totals import Totals

QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def group_of(record: Record, by: Sequence[str]) -> tuple[str | int | None, ...]:
    """Return the group of a record."""
    return tuple(
        (record.at - _EPOCH) // QUARTER if name == "quarter" else getattr(record, name)
        for name in by
    )


def totals_of(record: Record) -> Totals:
    """Return what one finished record counts for."""
    usage = record.usage
    return Totals(
        calls=int(record.attempt == 1),
        attempts=1,
        cache_hits=int(record.cache_hit),
        estimated=int(record.estimated),
        unknown=int(record.cost is None),
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=usage.thinking_tokens,
        cost=record.cost or 0,
        charged=record.charged or 0,
        baseline=record.baseline or 0,
        saved=record.saved or 0,
    )


def added_up(
    records: Iterable[Record], by: Sequence[str] = ()
) -> dict[tuple[str | int | None, ...], Totals]:
    """Return the totals of each group of records."""
    sums: dict[tuple[str | int | None, ...], Totals] = {}
    for record in records:
        group = group_of(record, by)
        sums[group] = sums.get(group, Totals()) + totals_of(record)
    return sums
