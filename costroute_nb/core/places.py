"""Which workflows and steps make up most of the cost."""

from __future__ import annotations

from collections.abc import Mapping

from costroute_nb.core.totals import Totals

Place = tuple[str | None, str | None]
"""A workflow and a step; None where a call named none."""

VITAL = 0.8
"""The share of all cost that the dearest places together reach."""

MOST_PLACES = 10


def dearest(places: Mapping[Place, Totals]) -> list[Place]:
    """Return the places that cost most, until they reach most of all cost."""
    whole = sum(totals.cost for totals in places.values())
    found: list[Place] = []
    reached = 0
    for place, totals in sorted(places.items(), key=lambda item: -item[1].cost):
        if not totals.cost or reached >= VITAL * whole or len(found) == MOST_PLACES:
            break
        found.append(place)
        reached += totals.cost
    return found
