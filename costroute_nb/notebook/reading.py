"""Everything a dashboard shows, read from budget and ledger at one moment."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.policy import baseline_model
from costroute_nb.core.totals import Totals
from costroute_nb.notebook.glance import SCOPES, Glance, Group, Scope
from costroute_nb.notebook.series import Course, Point

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from costroute_nb.budget import Standing
    from costroute_nb.core.budget import LimitName, Limits
    from costroute_nb.session import Session

__all__ = ["SCOPES", "Group", "Reader", "Reading", "Scope", "sum_of"]

_LONGEST_START = 5_000  # attempts; a longer session starts its course with quarters
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one session, its limits and its ledger; money in pico-USD.

    `curves` has the spend per limit over time; `course` and the groups are of the
    `scope` that the reader has chosen.
    """

    at: "datetime"
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

    def says_the_same_as(self, other: "Reading") -> bool:
        """Whether nothing but time has passed between the two, within the same day."""
        # Curves run on with time; what they come to is in the sums and the standings.
        starts, before = (
            [points[0].at for points in reading.curves.values()]
            for reading in (self, other)
        )
        timeless = replace(self, at=other.at, curves=other.curves, course=other.course)
        return starts == before and timeless == other


class Reader:
    """Reads a session, again and again; from one thread at a time.

    Parameters
    ----------
    session
        Whose budget and ledger it reads.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._ledger: object = None
        self._courses: dict[bool, Course] = {}  # one for each pot of that ledger
        self._seen: tuple[Any, ...] = ()
        self._last: Reading | None = None

    def latest(self, scope: Scope) -> Reading:
        """Return the last reading while it would say the same, else a new one.

        Cheap where the ledger, the limits and the day are as they were.

        Raises
        ------
        ConfigurationError
            If the ledger cannot be read.
        """
        glance = self._glance()
        seen = self._marks(glance, scope)  # first: what changes meanwhile is seen later
        last = self._last
        if last is None or seen != self._seen:
            reading = self._read(glance, scope)
            if last is None or not reading.says_the_same_as(last):
                self._last = last = reading
            self._seen = seen
        return last

    def read(self, scope: Scope) -> Reading:
        """Read everything.

        Raises
        ------
        ConfigurationError
            If the ledger cannot be read.
        """
        return self._read(self._glance(), scope)

    def _glance(self) -> Glance:
        """Look at the session once: its settings may change at any moment."""
        parts = self._session.parts
        return Glance(self._session.session_id, parts, parts.budget.now())

    def _read(self, glance: Glance, scope: Scope) -> Reading:
        parts = glance.parts
        limits = parts.budget.limits
        models = glance.groups(("model", "tier"), "session")
        course = own = self._sampled(glance, sum_of(models))
        if scope != "session":
            models = glance.groups(("model", "tier"), scope)
            course = glance.course(scope)
        return Reading(
            at=glance.at,
            zone=glance.zone,
            simulated=parts.simulated,
            limits=limits,
            stopped=parts.budget.stopped,
            standings={
                name: replace(standing, limit=limits.pico(name))
                for name, standing in parts.budget.status().items()
            },
            scope=scope,
            curves={
                "session": own,
                "day": glance.spent("day"),
                "month": glance.spent("month"),
            },
            course=course,
            by_model=tuple(models),
            by_step=tuple(glance.groups(("workflow", "step"), scope)),
            baseline=baseline_model(parts.catalog).id,
            alerts=tuple(alert.text for alert in parts.alerts.recent(_LISTED)),
        )

    def _marks(self, glance: Glance, scope: Scope) -> tuple[Any, ...]:
        """Return what differs whenever a reading would.

        Not every change of the ledger shows, but any may: a refused call leaves an
        alert and no row, and another kernel's cached answer costs nothing.
        """
        parts = glance.parts
        budget, day = parts.budget, glance.period("day")
        settings = parts.settings
        marks = (scope, settings, budget.limits, budget.stopped, day)
        return (*marks, parts.ledger.version())

    def _sampled(self, glance: Glance, sums: Totals) -> tuple[Point, ...]:
        """Add what the session comes to now to its course."""
        if glance.parts.ledger is not self._ledger:
            self._ledger = glance.parts.ledger
            self._courses.clear()
        pot, point = glance.parts.simulated, Point(glance.at, sums)
        if pot not in self._courses:
            self._courses[pot] = _begun(glance, sums)
        self._courses[pot].add(point)
        return self._courses[pot].points


def _begun(glance: Glance, sums: Totals) -> Course:
    """Return the session's course up to now, from what the ledger has."""
    course = Course()
    if sums.attempts <= _LONGEST_START:
        course.begin(glance.records())
        return course
    for known in glance.course("session"):
        course.add(known)
    return course


def sum_of(groups: "tuple[Group, ...] | list[Group]") -> Totals:
    """Return all groups together."""
    return sum((sums for _, sums in groups), Totals())
