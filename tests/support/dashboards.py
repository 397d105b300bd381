"""Sessions with something to see, and what they show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from costroute_nb.core.budget import Limits
from costroute_nb.session import Session

EXTRACT = "Extract the city names as a list: we flew from Oslo to Lima, leg {}."
EXPLAIN = "Explain to a child why the sky is blue on planet {}."
REVIEW = "Review this login handler for vulnerabilities, version {}."


@contextmanager
def simulated_session(**settings: Any) -> Iterator[Session]:
    """Give a session on the simulated provider, closed afterwards."""
    with Session(provider="simulated", timezone="UTC", **settings) as session:
        yield session


def work(session: Session, rounds: int = 3) -> None:
    """Make calls on all tiers, some of them answered from the cache."""
    for n in range(rounds):
        session.route(EXTRACT.format(n // 2), workflow="travel", step="cities")
        session.route(EXPLAIN.format(n))
        session.route(REVIEW.format(n), workflow="review", step="security")


def no_limits() -> Limits:
    """Return limits that allow everything."""
    return Limits(call=None, session=None)
