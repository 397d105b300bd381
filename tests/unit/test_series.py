"""Sums over time stay few, and end with everything."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from costroute_nb.core.totals import Totals, totals_of
from costroute_nb.notebook.series import QUARTER, Course, Point, per_quarter
from tests.support.records import NOON, ended, hold

MIDNIGHT = NOON.replace(hour=0)
FIRST = int(MIDNIGHT.timestamp()) // 900


def charged(points: tuple[Point, ...]) -> list[int]:
    return [point.sums.charged for point in points]


def test_a_course_starts_at_nothing_and_adds_up_its_records() -> None:
    course = Course()
    course.begin(
        ended(hold(str(n), at=NOON + timedelta(seconds=n)), charged=10 * n)
        for n in (1, 2, 3)
    )
    assert charged(course.points) == [0, 10, 30, 60]
    assert [point.sums.calls for point in course.points] == [0, 1, 2, 3]


def test_an_unknown_cost_adds_what_the_limits_count() -> None:
    course = Course()
    record = ended(hold(charged=70), charged=70, status="unknown", cost=None)
    course.begin([record])
    assert charged(course.points) == [0, 70]
    assert course.points[-1].sums.cost == 0


def test_a_course_ends_with_all_that_the_ledger_sums() -> None:
    course = Course()
    unknown = ended(hold(charged=70), charged=70, status="unknown", cost=None)
    course.begin([ended(hold("first")), unknown])
    course.add(Point(NOON, totals_of(ended(hold("first"))) + totals_of(unknown)))
    assert len(course.points) == 3
    assert course.points[-1].sums.unknown == 1


def test_a_course_is_flat_until_what_changes_it() -> None:
    course = Course()
    course.add(Point(NOON, Totals()))
    later = NOON + timedelta(minutes=10)
    course.add(Point(later, Totals(charged=5)))
    assert charged(course.points) == [0, 0, 5]
    assert course.points[1].at == later - timedelta(seconds=1)


def test_a_sample_without_change_adds_no_point() -> None:
    course = Course()
    course.add(Point(NOON, Totals(charged=5)))
    course.add(Point(NOON + timedelta(seconds=9), Totals(charged=5)))
    assert len(course.points) == 1


@given(st.integers(min_value=1, max_value=3_000))
def test_a_course_stays_small_and_keeps_its_first_and_last_points(count: int) -> None:
    course = Course()
    for n in range(count):
        course.add(Point(NOON + timedelta(seconds=n), Totals(charged=n)))
    points = course.points
    assert len(points) <= 480
    assert charged(points)[0] == 0
    assert charged(points)[-1] == count - 1
    assert charged(points) == sorted(charged(points))


def test_quarters_become_running_sums_up_to_now() -> None:
    now = MIDNIGHT + timedelta(hours=1, minutes=20)
    quarters = [(FIRST + 5, Totals(charged=7)), (FIRST + 2, Totals(charged=3))]
    points = per_quarter(quarters, MIDNIGHT, now)
    assert charged(points) == [0, 0, 3, 3, 10]
    assert [point.at - MIDNIGHT for point in points] == [
        timedelta(0),
        2 * QUARTER,
        3 * QUARTER,
        5 * QUARTER,
        timedelta(hours=1, minutes=20),
    ]


def test_no_quarters_are_a_flat_line() -> None:
    points = per_quarter([], MIDNIGHT, NOON)
    assert charged(points) == [0, 0]
    assert (points[0].at, points[-1].at) == (MIDNIGHT, NOON)


@given(
    st.dictionaries(st.integers(0, 95), st.integers(0, 10**12), max_size=96),
    st.integers(1, 8),
)
def test_running_sums_never_fall_and_end_with_everything(
    spent: dict[int, int], steps: int
) -> None:
    now = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    quarters = [(FIRST + n, Totals(charged=usd)) for n, usd in spent.items()]
    points = per_quarter(quarters, MIDNIGHT, now, steps * QUARTER)
    assert charged(points) == sorted(charged(points))
    assert charged(points)[-1] == sum(spent.values())
    times = [point.at for point in points]
    assert times == sorted(times)
    assert times[-1] == now
