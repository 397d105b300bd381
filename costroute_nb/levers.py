"""Read from the ledger what each way to spend less came to, and lay it out as a frame."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from costroute_nb.core.costing import Costing
from costroute_nb.core.levers import levers
from costroute_nb.core.money import pico_to_usd
from costroute_nb.core.policy import baseline_model
from costroute_nb.core.totals import Totals
from costroute_nb.reports import sums

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from costroute_nb.core.catalog import Catalog
    from costroute_nb.core.lever import Levers
    from costroute_nb.ports import LedgerStore, Prices
    from costroute_nb.reports import Scope

COLUMNS = {
    "lever": "str",
    "of": "str",
    "counts": "str",
    "attempts": "int64",
    "tokens": "Int64",
    "saved_usd": "float64",
    "cost_usd": "float64",
    "unknown": "int64",
    "baseline": "str",
    "finding": "str",
}
"""The columns of levers and their types."""

NOTHING = "no attempts yet"


def read_levers(
    ledger: LedgerStore,
    scope: Scope,
    *,
    catalog: Catalog,
    prices: Prices,
    now: datetime,
) -> Levers:
    """Return what each lever came to in a scope.

    Parameters
    ----------
    catalog
        The models of today; the large tier's names the baseline.
    prices
        What they charge, and charged.
    now
        The moment whose prices compared answers are priced at.
    """
    price = Costing(catalog, prices.price).price
    by_status: dict[str, Totals] = {}
    models: set[tuple[str, str]] = set()
    for (status, model, provider), totals in sums(
        ledger, ("status", "model", "provider"), scope
    ):
        models.add((str(model), str(provider)))
        by_status[str(status)] = by_status.get(str(status), Totals()) + totals

    def steps(at: datetime) -> set[int]:
        charged = (price(*model, at) for model in models)
        return {above for found in charged if found for above, _ in found.steps}

    return levers(
        by_status,
        ledger.used(steps, **asdict(scope)),
        ledger.answers(**asdict(scope)),
        baseline_model=baseline_model(catalog).id,
        price=price,
        now=now,
    )


def levers_frame(found: Levers) -> pd.DataFrame:
    """Return one row for each lever that did anything, with the columns of `COLUMNS`.

    Money is float USD, missing where it is unknown or there is no such sum. `counts`
    tells what it is: `part` of what was saved against the baseline model, saved `on
    top` of that, averages that are `compared`, or a `cost`. `attrs` has in `saved_usd`
    what the parts add up to, and in `notes` what the sums are.
    """
    import pandas as pd

    rows = [
        {
            **asdict(lever),
            "lever": lever.name,
            "of": lever.of or None,
            "saved_usd": pico_to_usd(lever.saved),
            "cost_usd": pico_to_usd(lever.cost),
        }
        for lever in found.rows
    ]
    frame = pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=kind)
            for name, kind in COLUMNS.items()
        }
    )
    # Exact: the sum of a column of floats would not be.
    frame.attrs["saved_usd"] = pico_to_usd(found.saved) if found.rows else None
    frame.attrs["notes"] = found.notes if found.rows else (NOTHING,)
    return frame
