"""Which candidates cost least to try one after another, failed attempts included."""

from collections.abc import Sequence
from itertools import combinations

from costroute_nb.core.catalog import Tier, tier_rank
from costroute_nb.core.classification import Classification
from costroute_nb.core.plan import Candidate

_PARTS = 10**9
"""How finely probabilities weigh money, which stays in whole numbers."""


def least_expected(
    candidates: Sequence[Candidate], found: Classification
) -> list[Candidate] | None:
    """Return the candidates to try, or None where costs or chances are not known.

    The last tier is always the highest there is, with all of its models, so that no
    answer is lost for being cheap. Of the tiers before it any may be left out, and
    only the cheapest model is asked: where that one fails, another of its tier most
    likely fails as well. A model's cost counts as often as all before it fail.

    Each model is counted with one answer. What a rejected answer costs to repair, and
    what a cut one costs to try again longer, is not in the expectation: nobody
    estimates how often that happens. It is in the worst case that limits hold against.

    Parameters
    ----------
    candidates
        In order of tier, then of cost.
    found
        The class, by an estimate.
    """
    reached = _reached(found)
    cheapest = {one.tier: one for one in reversed(candidates)}
    known = {tier: one.quote.expected for tier, one in cheapest.items()}
    costs = {tier: cost for tier, cost in known.items() if cost is not None}
    if reached is None or len(costs) < len(known):
        return None
    *lower, last = sorted(costs, key=tier_rank)
    ways: list[tuple[Tier, ...]] = [
        (*some, last)
        for count in range(len(lower) + 1)
        for some in combinations(lower, count)
    ]

    def expected(way: tuple[Tier, ...]) -> int:
        return sum(costs[tier] * reached[way[:n]] for n, tier in enumerate(way))

    # The first of equals: the one of fewer attempts.
    best = min(ways, key=expected)
    return [
        *(cheapest[tier] for tier in best[:-1]),
        *(candidate for candidate in candidates if candidate.tier == last),
    ]


def _reached(found: Classification) -> dict[tuple[Tier, ...], int] | None:
    """Return how likely all of some tiers fail, in parts; None where nobody says."""
    small, medium, both = found.p_small_fails, found.p_medium_fails, found.p_both_fail
    if small is None or medium is None or both is None:
        return None
    chances: dict[tuple[Tier, ...], float] = {
        (): 1.0,
        ("small",): small,
        ("medium",): medium,
        ("small", "medium"): both,
    }
    return {tried: round(chance * _PARTS) for tried, chance in chances.items()}
