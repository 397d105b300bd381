"""Read the ledger for advice, and lay it out as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costroute_nb.core.advice import READ, UNCOUNTED, Adviser
from costroute_nb.core.costing import Costing
from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.places import dearest
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.report import left_out, percent
from costroute_nb.core.totals import Totals
from costroute_nb.reports import records_in, sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from costroute_nb.core.advice import Advice
    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.classification import RuleSet
    from costroute_nb.core.places import Place
    from costroute_nb.ports import LedgerStore, Prices
    from costroute_nb.reports import Scope

COLUMNS = {
    "workflow": "str",
    "step": "str",
    "calls": "int64",
    "cost_usd": "float64",
    "cost_share": "float64",
    "cache_hit_rate": "float64",
    "advice": "str",
    "finding": "str",
    "saved_usd": "float64",
    "assumption": "str",
    "option": "str",
}
"""The columns of advice and their types."""

MOST = 0.5
"""The share of the cost from which on work without a name is worth a word."""

_UNNAMED: Place = (None, None)
UNNAMED = (
    "{} of the cost is of calls without a name: name your work with --workflow and "
    "--step (workflow= and step= in Python), and advice can tell it apart"
)


def advise(
    ledger: LedgerStore,
    scope: Scope,
    *,
    catalog: Catalog,
    prices: Prices,
    rules: RuleSet,
) -> pd.DataFrame:
    """Return the places that cost most, each with what would have cost less there.

    Every attempt of the scope is read once, one at a time. A named place for which the
    ledger supports no advice has one row that gives none. `attrs` has the period, in
    `unnamed_share` how much of the cost is of calls without workflow and step (None
    where there is no cost), and in `notes` what was left out and what the sums are not.
    """
    places: dict[Place, Totals] = {}
    for (workflow, step), totals in sums(ledger, ("workflow", "step"), scope):
        place = _text(workflow), _text(step)
        places[place] = places.get(place, Totals()) + totals
    top = dearest(places)
    provider = baseline_model(catalog).provider
    medium = catalog.in_tier("medium", provider) or (baseline_model(catalog),)
    adviser = Adviser(top, Costing(catalog, prices.price), medium[0], rules)
    workflows, steps = {workflow for workflow, _ in top}, {step for _, step in top}
    among = {"workflow": workflows, "step": steps}
    if top:
        adviser.read(records_in(ledger, scope).rows(READ, spent=True, among=among))
    whole = sum(places.values(), Totals())
    rows: list[tuple[object, ...]] = []
    for place in top:
        totals = places[place]
        head = (
            *place,
            totals.calls,
            pico_to_usd(totals.cost),
            totals.cost / whole.cost,
            totals.hit_rate,
        )
        given: Sequence[Advice | None] = adviser.advice(place, totals.cost)
        # Of work without a name a row would say nothing but its cost.
        none_given = () if place == _UNNAMED else (None,)
        rows += [(*head, *_cells(advice)) for advice in given or none_given]
    frame = _frame(rows)
    unnamed = places.get(_UNNAMED, Totals()).cost / whole.cost if whole.cost else None
    frame.attrs["period"] = scope.period
    frame.attrs["unnamed_share"] = unnamed
    frame.attrs["notes"] = (*_hint(unnamed), *UNCOUNTED, *_doubts(whole))
    return frame


def _hint(unnamed: float | None) -> Iterator[str]:
    """Yield what would make advice possible, where most work bears no name."""
    if unnamed is not None and unnamed >= MOST:
        yield UNNAMED.format(percent(unnamed))


def _doubts(whole: Totals) -> Iterator[str]:
    """Yield what is not known for certain of the attempts that are advised on."""
    if whole.unknown:
        yield left_out(whole).removeprefix("; ")
    if whole.estimated:
        share = percent(whole.estimated_share)
        yield f"the tokens of {share} of the attempts are estimated"


def _cells(advice: Advice | None) -> tuple[object, ...]:
    if advice is None:
        return None, None, None, None, None
    saved = pico_to_usd(advice.saved)
    return advice.kind, advice.finding, saved, advice.assumption, advice.option


def _frame(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            name: pd.Series([row[number] for row in rows], dtype=kind)
            for number, (name, kind) in enumerate(COLUMNS.items())
        }
    )


def _text(key: str | int | None) -> str | None:
    return None if key is None else str(key)
