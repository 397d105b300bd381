"""Everything a dashboard shows, read from budget and ledger at one moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from costroute_nb.core.budget import Check, day_period, month_period
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.series import QUARTER, Course, Point, per_quarter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from costroute_nb.budget import Standing
    from costroute_nb.core.budget import LimitName, Limits
    from costroute_nb.ports import LedgerStore
    from costroute_nb.session import Session

Scope = Literal["session", "day", "month"]
SCOPES: dict[Scope, str] = {
    "session": "this session", "day": "today", "month": "this month",
}  # fmt: skip
"""What the sums below the limits are of, in words."""

Group = tuple[tuple[str | int | None, ...], Totals]

_LONGEST_START = 5_000  # attempts; a longer session starts its course with quarters
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one session, its limits and its ledger; money in pico-USD.

    `curves` has the spend per limit over time; `course` and the groups are of the
    `scope` that the reader has chosen.
    """

    at: datetime
    zone: "ZoneInfo"
    simulated: bool
    limits: "Limits"
    stopped: bool
    standings: "Mapping[LimitName, Standing]"
    scope: Scope
    curves: "Mapping[Scope, tuple[Point, ...]]"
    course: tuple[Point, ...]
    by_model: tuple[Group, ...]
    by_step: tuple[Group, ...]
    baseline: str
    alerts: tuple[str, ...] = ()

    @property
    def sums(self) -> Totals:
        """Everything in the scope together."""
        return sum_of(self.by_model)


class Reader:
    """Reads a session, again and again; from one thread at a time.

    Parameters
    ----------
    session
        Whose budget and ledger it reads.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._courses: dict[bool, Course] = {}  # one for each pot
        self._seen: tuple[Any, ...] = ()

    def changed(self, scope: Scope) -> bool:
        """Return whether anything may have changed since the last reading; cheap."""
        return self._marks(scope) != self._seen

    def read(self, scope: Scope) -> Reading:
        """Read everything.

        Raises
        ------
        ConfigurationError
            If the ledger cannot be read.
        """
        seen = self._marks(scope)
        session, budget = self._session, self._session.budget
        zone, at = session.settings.zone, budget.now()
        models = self._groups(("model", "tier"), "session", at)
        course = own = self._sampled(Point(at, sum_of(models)))
        if scope != "session":
            models = self._groups(("model", "tier"), scope, at)
            course = self._per_quarter(scope, at)
        reading = Reading(
            at=at,
            zone=zone,
            simulated=session.simulated,
            limits=budget.limits,
            stopped=budget.stopped,
            standings=budget.status(),
            scope=scope,
            curves={
                "session": own,
                "day": self._spent_per(QUARTER, *_period("day", at, zone), at),
                "month": self._spent_per_day(at, zone),
            },
            course=course,
            by_model=models,
            by_step=self._groups(("workflow", "step"), scope, at),
            baseline=baseline_model(session.catalog).id,
            alerts=tuple(alert.text for alert in session.alerts[-_LISTED:]),
        )
        self._seen = seen
        return reading

    def _marks(self, scope: Scope) -> tuple[Any, ...]:
        """Return what differs whenever a reading would."""
        session, budget = self._session, self._session.budget
        at = budget.now()
        sums = sum_of(self._groups(("model",), "session", at))
        standings = tuple(budget.status().values())
        day = day_period(at, session.settings.zone)[0]
        marks = (scope, session.simulated, budget.limits, budget.stopped, day)
        return (*marks, standings, sums)

    @property
    def _ledger(self) -> "LedgerStore":
        return self._session.store

    def _groups(
        self, by: tuple[str, ...], scope: Scope, at: datetime
    ) -> tuple[Group, ...]:
        session = self._session
        if scope == "session":
            narrowed: dict[str, Any] = {"session_id": session.session_id}
        else:
            since, until = _period(scope, at, session.settings.zone)
            narrowed = {"since": since, "until": until}
        found = self._ledger.totals(by, simulated=session.simulated, **narrowed)
        return tuple(found)

    def _per_quarter(self, scope: Scope, at: datetime) -> tuple[Point, ...]:
        zone = self._session.settings.zone
        start, _ = _period(scope, at, zone)
        quarters = self._groups(("quarter",), scope, at)
        pairs = ((int(key or 0), sums) for (key,), sums in quarters)
        step = QUARTER if scope == "day" else timedelta(hours=6)
        return per_quarter(pairs, start, at, step)

    def _sampled(self, point: Point) -> tuple[Point, ...]:
        """Add what the session comes to now to its course."""
        pot = self._session.simulated
        if pot not in self._courses:
            self._courses[pot] = self._begun(point)
        self._courses[pot].add(point)
        return self._courses[pot].points

    def _begun(self, now: Point) -> Course:
        """Return the session's course up to now, from what the ledger has."""
        session, course = self._session, Course()
        if now.sums.attempts <= _LONGEST_START:
            own = self._ledger.records(session_id=session.session_id)
            course.begin(r for r in own if r.simulated == session.simulated)
            return course
        quarters = [
            (int(key or 0), sums)
            for (key,), sums in self._groups(("quarter",), "session", now.at)
        ]
        first = min(quarter for quarter, _ in quarters) * QUARTER.total_seconds()
        start = datetime.fromtimestamp(first, now.at.tzinfo)
        for known in per_quarter(quarters, start, now.at):
            course.add(known)
        return course

    def _spent_per_day(self, at: datetime, zone: "ZoneInfo") -> tuple[Point, ...]:
        since, _ = _period("month", at, zone)
        bounds = [since]
        while bounds[-1] <= at:
            bounds.append(day_period(bounds[-1], zone)[1])
        return self._spent_between(bounds, at)

    def _spent_per(
        self, step: timedelta, since: datetime, until: datetime, at: datetime
    ) -> tuple[Point, ...]:
        bounds = [since]
        while bounds[-1] <= at:
            bounds.append(min(bounds[-1] + step, until))
        return self._spent_between(bounds, at)

    def _spent_between(self, bounds: list[datetime], at: datetime) -> tuple[Point, ...]:
        """Return the running spend at each bound, the last one cut at the moment."""
        running = 0
        points = [Point(bounds[0], Totals())]
        for since, until in pairwise(bounds):
            check = Check("day", 0, since=since, until=until)
            spent = self._ledger.balance(check, simulated=self._session.simulated).spent
            running += spent
            points.append(Point(min(until, at), Totals(charged=running)))
        return tuple(points)


def sum_of(groups: "tuple[Group, ...]") -> Totals:
    """Return all groups together."""
    return sum((sums for _, sums in groups), Totals())


def _period(scope: Scope, at: datetime, zone: "ZoneInfo") -> tuple[datetime, datetime]:
    period = day_period if scope == "day" else month_period
    return period(at, zone)
