"""The columns of records as a ledger reads them, the slow and certain way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from costroute_nb.core.billed import Among, values_of
from costroute_nb.core.record import Record


def rows_of(
    records: Iterable[Record],
    names: Sequence[str],
    *,
    later: bool = False,
    spent: bool = False,
    among: Among | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield two or more named values of records, as `Billed` has them.

    `later` leaves first attempts out, `spent` those that cost nothing or nobody knows
    how much, and `among` those that have another value than one of the given.
    """
    values = values_of(names)
    for record in records:
        if (later and record.attempt == 1) or (spent and not record.cost):
            continue
        if all(getattr(record, name) in some for name, some in (among or {}).items()):
            yield values(record)
