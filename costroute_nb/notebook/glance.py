"""What a ledger says of one session at one moment, under one set of its settings."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from costroute_nb.core.budget import Check, day_period, month_period
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.series import QUARTER, Point, per_quarter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from costroute_nb.core.record import Record
    from costroute_nb.wiring import Parts

Scope = Literal["session", "day", "month"]
SCOPES: dict[Scope, str] = {
    "session": "this session", "day": "today", "month": "this month",
}  # fmt: skip
"""What the sums below the limits are of, in words."""

Group = tuple[tuple[str | int | None, ...], Totals]

_STEPS: dict[Scope, int] = {"session": 1, "day": 1, "month": 24}
"""Quarter hours from point to point of a course."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a session's own pot: ledger, zone and pot are of the same settings.

    Parameters
    ----------
    session_id
        Whose sums the `session` scope has.
    parts
        What the session works with at the moment.
    at
        The moment; no day, month or curve goes beyond it.
    """

    session_id: str
    parts: "Parts"
    at: datetime

    @property
    def zone(self) -> "ZoneInfo":
        """Where days and months begin at midnight."""
        return self.parts.settings.zone

    def period(self, scope: Scope) -> tuple[datetime, datetime]:
        """Return the calendar day or month of the moment."""
        period = day_period if scope == "day" else month_period
        return period(self.at, self.zone)

    def groups(self, by: tuple[str, ...], scope: Scope, every: int = 1) -> list[Group]:
        """Return what each group of a scope comes to; see `LedgerStore.totals`."""
        narrowed: dict[str, Any] = {"session_id": self.session_id}
        if scope != "session":
            since, until = self.period(scope)
            narrowed = {"since": since, "until": until}
        parts = self.parts
        return parts.ledger.totals(
            by, simulated=parts.simulated, every=every, **narrowed
        )

    def course(self, scope: Scope) -> tuple[Point, ...]:
        """Return what a scope came to over time, step by step."""
        every = _STEPS[scope]
        sums = [
            (int(key or 0), sums)
            for (key,), sums in self.groups(("quarter",), scope, every)
        ]
        if scope != "session":
            start = self.period(scope)[0]
        else:
            first = min(quarter for quarter, _ in sums) * QUARTER.total_seconds()
            start = datetime.fromtimestamp(first, self.at.tzinfo)
        return per_quarter(sums, start, self.at, every * QUARTER)

    def records(self) -> "Iterator[Record]":
        """Yield the session's own attempts, oldest first."""
        for record in self.parts.ledger.records(session_id=self.session_id):
            if record.simulated == self.parts.simulated:
                yield record

    def spent(self, scope: Scope) -> tuple[Point, ...]:
        """Return the running spend of the day by quarter hours, of the month by days."""
        since, until = self.period(scope)
        bounds = [since]
        while bounds[-1] <= self.at:
            bounds.append(self._after(bounds[-1], scope, until))
        running = 0
        points = [Point(since, Totals())]
        for first, last in pairwise(bounds):
            running += self._spent_between(first, last)
            points.append(Point(min(last, self.at), Totals(charged=running)))
        return tuple(points)

    def _after(self, bound: datetime, scope: Scope, until: datetime) -> datetime:
        if scope == "day":
            return min(bound + QUARTER, until)
        return day_period(bound, self.zone)[1]

    def _spent_between(self, since: datetime, until: datetime) -> int:
        check = Check("day", 0, since=since, until=until)
        parts = self.parts
        return parts.ledger.balance(check, simulated=parts.simulated).spent
