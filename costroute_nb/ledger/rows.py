"""Read the columns of attempts that are wanted: in a third of the time of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costroute_nb.core.offsets import Judged
from costroute_nb.ledger import periods
from costroute_nb.ledger.schema import STORED, storable
from costroute_nb.ledger.statements import NEWEST_JUDGED
from costroute_nb.ledger.uses import UseReading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from costroute_nb.core.catalog import Tier
    from costroute_nb.ledger.connection import SharedConnection

_PAGE = 2_000
"""Rows read under the lock at a time."""

_JUDGED = 2_000
"""Judged answers of a tier that are looked at, the newest ones."""

_JUDGED_TIERS: tuple[Tier, ...] = ("small", "medium")


class RowReading(UseReading):
    """The part of a ledger that reads columns, or sums them up."""

    _shared: SharedConnection

    def rows(
        self,
        names: Sequence[str],
        *,
        simulated: bool,
        session_id: str | None = None,
        since: datetime | None = None,
        later: bool = False,
        spent: bool = False,
        among: Mapping[str, Collection[str | None]] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the named columns of finished attempts of one pot, oldest first.

        `later` leaves first attempts out, `spent` those that cost nothing or nobody
        knows how much, and `among` those of other values than the given. They are
        read in pages: what finishes meanwhile may or may not be among them.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        chosen = dict(among or {})
        if session_id is not None:
            chosen["session_id"] = (session_id,)
        query = _query(names, chosen, later=later, spent=spent)
        values = [v for some in chosen.values() for v in some if v is not None]
        first = -(2**63) if since is None else periods.to_micros(since)
        position: tuple[Any, ...] = (first, -1)
        while rows := self._shared.fetch(query, (simulated, *position, *values, _PAGE)):
            for row in rows:
                yield row[:-2]
            position = rows[-1][-2:]

    def judged(self, estimator: str) -> list[Judged]:
        """Return the newest judged answers that an estimator had spoken of.

        They are of all sessions, and none was simulated. Each tier has its own newest:
        many answers of one leave those of the other in sight.
        """
        name = storable(estimator)
        return [
            Judged(tier, p_fails, bool(passed))
            for tier in _JUDGED_TIERS
            for p_fails, passed in self._shared.fetch(
                NEWEST_JUDGED, (name, tier, _JUDGED)
            )
        ]


def _query(
    names: Sequence[str],
    among: Mapping[str, Collection[str | None]],
    *,
    later: bool,
    spent: bool,
) -> str:
    """Return the SELECT of a page of the named columns, then of its position."""
    unknown = [name for name in (*names, *among) if name not in STORED]
    if unknown:
        message = f"no column {', '.join(unknown)}: there are {', '.join(STORED)}"
        raise ValueError(message)
    tests = ["status <> 'pending'", "simulated = ?", "(at, id) > (?, ?)"]
    tests += [_one_of(name, values) for name, values in among.items()]
    tests += ["attempt > 1"] * later + ["cost <> 0"] * spent
    return (
        f"SELECT {', '.join(names)}, at, id FROM records"  # noqa: S608 -- our own names
        f" WHERE {' AND '.join(tests)} ORDER BY at, id LIMIT ?"
    )


def _one_of(name: str, values: Collection[str | None]) -> str:
    marks = ", ".join("?" for value in values if value is not None)
    missing = f" OR {name} IS NULL" if None in values else ""
    return f"({name} IN ({marks}){missing})"
