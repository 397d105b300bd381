"""Sums over time in few points, however long and busy a session is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from costroute_nb.core.totals import Totals, totals_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costroute_nb.core.record import Record

QUARTER = timedelta(minutes=15)

_LOOK = timedelta(seconds=1)  # a session is looked at at least as often
_MOST = 240  # more points than pixels show nothing


@dataclass(frozen=True, slots=True)
class Point:
    """What everything up to a moment came to."""

    at: datetime
    sums: Totals


class Course:
    """What a session came to, moment by moment, sampled as it goes.

    Its memory is bounded: when it has twice as many points as are shown, every
    second one is dropped.
    """

    def __init__(self) -> None:
        self._points: list[Point] = []

    @property
    def points(self) -> tuple[Point, ...]:
        """The points, oldest first."""
        return tuple(self._points)

    def begin(self, records: "Iterable[Record]") -> None:
        """Start with what is in the ledger already."""
        sums = Totals()
        for record in records:
            if not self._points:
                self._points.append(Point(record.at, sums))
            sums += totals_of(record)
            self.add(Point(record.at, sums))

    def add(self, point: Point) -> None:
        """Take the next point, unless nothing has changed since the last one."""
        last = self._points[-1] if self._points else None
        if last is not None and last.sums == point.sums:
            return
        # Whatever changed has changed since the last look, and not little by little.
        if last is not None and point.at - last.at > 2 * _LOOK:
            self._points.append(Point(point.at - _LOOK, last.sums))
        self._points.append(point)
        if len(self._points) > 2 * _MOST:
            self._points = [*self._points[:-1:2], self._points[-1]]


def per_quarter(
    quarters: "Iterable[tuple[int, Totals]]",
    start: datetime,
    now: datetime,
    step: timedelta = QUARTER,
) -> tuple[Point, ...]:
    """Return running sums from sums per quarter hour, on a grid of steps from a start.

    A step's sums are spread evenly over it: only its ends are points. `quarters` are
    whole quarter hours since 1970.
    """
    steps: dict[int, Totals] = {}
    for quarter, sums in quarters:
        at = datetime.fromtimestamp(quarter * QUARTER.total_seconds(), start.tzinfo)
        number = (at - start) // step
        steps[number] = steps.get(number, Totals()) + sums
    running = Totals()
    points = [Point(start, running)]
    for number in sorted(steps):
        begin = start + number * step
        if points[-1].at < begin:
            points.append(Point(begin, running))
        running += steps[number]
        points.append(Point(max(begin, min(begin + step, now)), running))
    if points[-1].at < now:
        points.append(Point(now, running))
    return tuple(points)
